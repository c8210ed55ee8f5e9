import { execFileSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';

/** Brings dist/ up to date, for tests whose worker threads run compiled code. */
export function ensureBuilt(): void {
  execFileSync(
    process.execPath,
    ['--input-type=module', '-e', "await (await import('./scripts/build.mjs')).buildIfStale()"],
    { cwd: fileURLToPath(new URL('../..', import.meta.url)), stdio: ['ignore', 'ignore', 'inherit'] },
  );
}
