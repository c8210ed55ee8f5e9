import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';
import { temporaryFolder } from '../support/cli.ts';

it('the page is built without a word of the bundler', () => {
  const root = fileURLToPath(new URL('../..', import.meta.url));
  const out = join(temporaryFolder(), 'page');
  const vite = join(root, 'node_modules/vite/bin/vite.js');
  const run = spawnSync(process.execPath, [vite, 'build', '--logLevel', 'warn', '--outDir', out], {
    cwd: root,
    env: { ...process.env, NODE_ENV: 'production' },
    encoding: 'utf8',
  });
  expect(run).toMatchObject({ status: 0, stdout: '', stderr: '' });
});
