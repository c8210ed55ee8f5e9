// @ts-check
/**
 * `npm run demo [-- --seeds 5]`: installs what is missing, builds, and runs the demo recipe on the CPU: the encoder
 * that comes with the studio, trained with several losses on the demo corpus.
 */
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { installPackages } from './install.mjs';

const root = fileURLToPath(new URL('..', import.meta.url));
const studio = join(root, 'bin', 'retriever-studio.js');

/** @returns {number} the exit code */
function main() {
  try {
    installPackages();
  } catch (error) {
    console.error(error instanceof Error ? error.message : String(error));
    return 1;
  }
  // The command builds itself where its sources are newer than what is built.
  const run = [studio, 'run', 'demo', '--device', 'cpu', '--out', 'demo-results', ...process.argv.slice(2)];
  const { status } = spawnSync(process.execPath, run, { stdio: 'inherit' });
  return status ?? 1;
}

process.exitCode = main();
