/**
 * Copies of the sources with a few files added or changed: what a contributor has who adds a loss, an encoder family, a
 * screen. They are type-checked, built and run, so that a test can say which files an extension takes.
 */
import { spawn } from 'node:child_process';
import { cpSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect } from 'vitest';
import { temporaryFolder, type CliResult } from './cli.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));

/** Files by their path from the root of the project: the text of a new one, or how to change one that is there. */
export type SourcePatch = Readonly<Record<string, string | ((text: string) => string)>>;

export interface PatchedSources {
  /** Type-checks and compiles what runs in Node. @returns the compiler's complaints, empty if there are none */
  build(): Promise<string>;
  /** The type check of tsconfig.browser.json, for what the page is made of. @returns the complaints */
  checkBrowser(): Promise<string>;
  /** The type check of the page's components. @returns the complaints */
  checkComponents(): Promise<string>;
  /** Builds the page. @returns its folder */
  buildPage(): Promise<string>;
  /** The command line as it was built. */
  cli(args: readonly string[]): Promise<CliResult>;
  /** An ES module beside the built sources: `./dist/src/index.js`. */
  run(module: string): Promise<CliResult>;
}

/** The copy is removed when the test ends. */
export function patchSources(patch: SourcePatch): PatchedSources {
  const folder = temporaryFolder();
  const copy = (...parts: string[]): void => {
    for (const part of parts) cpSync(join(root, part), join(folder, part), { recursive: true });
  };
  copy('src', 'workers', 'bin', 'package.json');
  copy('tsconfig.json', 'tsconfig.build.json', 'tsconfig.browser.json', 'svelte.config.js');
  symlinkSync(join(root, 'node_modules'), join(folder, 'node_modules'));
  for (const [path, change] of Object.entries(patch)) {
    const file = join(folder, path);
    const text = typeof change === 'string' ? change : changed(readFileSync(file, 'utf8'), change, path);
    writeFileSync(file, text, { flag: typeof change === 'string' ? 'wx' : 'w' });
  }
  const node = (...args: string[]): Promise<CliResult> => runNode(folder, args);
  const complaints = async (...args: string[]): Promise<string> => {
    const { code, stdout, stderr } = await node(...args);
    return code === 0 ? '' : stdout + stderr;
  };
  const compile = (config: string): Promise<string> =>
    complaints('node_modules/typescript/bin/tsc', '-p', config);
  return {
    build: () => compile('tsconfig.build.json'),
    checkBrowser: () => compile('tsconfig.browser.json'),
    checkComponents: () =>
      complaints(
        'node_modules/svelte-check/bin/svelte-check',
        ...['--tsconfig', 'tsconfig.browser.json', '--fail-on-warnings', '--output', 'machine'],
      ),
    buildPage: async () => {
      copy('index.html', 'vite.config.ts', 'scripts/vite-shared.mjs', 'public', 'recipes', 'docs');
      expect(await complaints('node_modules/vite/bin/vite.js', 'build', '--logLevel', 'error')).toBe('');
      return join(folder, 'dist/page');
    },
    cli: (args) => node('bin/retriever-studio.js', ...args),
    run: (module) => {
      writeFileSync(join(folder, 'module.mjs'), module);
      return node('module.mjs');
    },
  };
}

function changed(text: string, change: (text: string) => string, path: string): string {
  const result = change(text);
  if (result === text) throw new Error(`the patch changes nothing in ${path}`);
  return result;
}

async function runNode(cwd: string, args: readonly string[]): Promise<CliResult> {
  const child = spawn(process.execPath, args, { cwd, stdio: ['ignore', 'pipe', 'pipe'] });
  let [stdout, stderr] = ['', ''];
  child.stdout.setEncoding('utf8').on('data', (text: string) => (stdout += text));
  child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text));
  const code = await new Promise<number | null>((resolve, reject) => {
    child.on('error', reject);
    child.on('close', resolve);
  });
  return { code, stdout, stderr };
}
