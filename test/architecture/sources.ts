import { readdirSync, readFileSync } from 'node:fs';
import { join, relative, sep } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('../..', import.meta.url));

/** The text of every source by its path from the root of the project, with forward slashes. */
export function readSources(): Map<string, string> {
  const sources = new Map<string, string>();
  for (const folder of ['src', 'workers']) {
    for (const entry of readdirSync(join(root, folder), { recursive: true, withFileTypes: true })) {
      const file = join(entry.parentPath, entry.name);
      if (!entry.isFile() || !/\.(ts|svelte|css|json)$/.test(file)) continue;
      sources.set(relative(root, file).split(sep).join('/'), readFileSync(file, 'utf8'));
    }
  }
  return sources;
}

/** The TypeScript of a file: of a component its script, of a style sheet or JSON nothing. */
export function scriptOf(file: string, text: string): string {
  if (file.endsWith('.ts')) return text;
  if (!file.endsWith('.svelte')) return '';
  return [...text.matchAll(/<script[^>]*>(.*?)<\/script>/gs)].map(([, script]) => script ?? '').join('\n');
}
