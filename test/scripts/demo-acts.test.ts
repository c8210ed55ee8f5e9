import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { expect, it } from 'vitest';

it('refuses an act of the demo that does not exist, before anything is installed', () => {
  const script = join(import.meta.dirname, '../../scripts/demo.mjs');
  const { status, stderr } = spawnSync(process.execPath, [script, '--act', 'opera'], { encoding: 'utf8' });
  expect(status).toBe(2);
  expect(stderr).toBe('--act: there is no such act. Use static or nano.\n');
});
