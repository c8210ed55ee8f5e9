import { readFileSync } from 'node:fs';

/** The version in package.json. */
export function packageVersion(): string {
  // Relative to dist/src/cli/, where this runs.
  const parsed: unknown = JSON.parse(readFileSync(new URL('../../../package.json', import.meta.url), 'utf8'));
  return typeof parsed === 'object' && parsed !== null && 'version' in parsed ? String(parsed.version) : '';
}
