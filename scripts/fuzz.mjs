// @ts-check
/** `npm run fuzz -- FORMAT …`: compiles the harness of test/fuzz with the sources, and runs it. See CONTRIBUTING.md. */
import { spawnSync } from 'node:child_process';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));

/** Where the compiled harness lies. @returns undefined if it does not compile */
export function compileHarness() {
  const compiler = createRequire(import.meta.url).resolve('typescript/lib/tsc.js');
  const args = [compiler, '-p', join(root, 'test', 'fuzz', 'tsconfig.json')];
  const { status } = spawnSync(process.execPath, args, {
    cwd: root,
    stdio: ['ignore', 'inherit', 'inherit'],
  });
  return status === 0 ? join(root, 'dist', 'fuzz', 'test', 'fuzz') : undefined;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const folder = compileHarness();
  if (folder === undefined) {
    process.exitCode = 1;
  } else {
    const args = [join(folder, 'main.js'), ...process.argv.slice(2)];
    process.exitCode = spawnSync(process.execPath, args, { cwd: root, stdio: 'inherit' }).status ?? 1;
  }
}
