// Runs one file of bench/: npm run bench -- NAME [arguments].
import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync } from 'node:fs';
import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));
const [name, ...args] = process.argv.slice(2);
const source = `${root}bench/${name}.ts`;
if (name === undefined || !existsSync(source)) {
  const names = readdirSync(`${root}bench`).flatMap((file) =>
    file.endsWith('.ts') ? [file.slice(0, -3)] : [],
  );
  console.error(`npm run bench -- NAME, where NAME is one of ${names.join(', ')}`);
  process.exit(2);
}
const run = (command) => {
  const { status } = spawnSync(process.execPath, command, { cwd: root, stdio: 'inherit' });
  if (status !== 0) process.exit(status ?? 1);
};
const compiler = createRequire(import.meta.url).resolve('typescript/bin/tsc');
run([compiler, '-p', 'tsconfig.json', '--noEmit', 'false', '--outDir', 'dist/bench']);
run([`dist/bench/bench/${name}.js`, ...args]);
