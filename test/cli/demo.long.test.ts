import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { onlyJson, runCli, temporaryFolder } from '../support/cli.ts';

const root = join(import.meta.dirname, '../..');

it('runs the demo with nothing but what comes with it: table, tests, a query before and after, models', async () => {
  const folder = temporaryFolder();
  // Where a folder has the recipe's name, the name still means the recipe: the demo's own sources are one.
  expect(existsSync(join(root, 'demo'))).toBe(true);
  const args = [
    'run',
    'demo',
    '--device',
    'cpu',
    '--store',
    join(folder, 'store'),
    '--out',
    join(folder, 'out'),
  ];
  const result = await runCli([...args, '--set', 'training.maxSteps=1', '--json'], { cwd: root });
  const report = onlyJson(result) as { recipe: { arms: { name: string }[] } };
  const arms = ['contrastive', 'contrastive filtered', 'listwise labels', 'listwise teacher', 'combined'];
  expect(report.recipe.arms.map(({ name }) => name)).toEqual(arms);
  for (const arm of arms) {
    expect(existsSync(join(folder, 'out/models', arm, 'model.safetensors')), arm).toBe(true);
    expect(existsSync(join(folder, 'out/models', arm, 'onnx/model.onnx')), arm).toBe(true);
  }
  expect(readFileSync(join(folder, 'out/plot.svg'), 'utf8')).toContain('listwise teacher');
  const text = readFileSync(join(folder, 'out/report.md'), 'utf8');
  for (const part of ['| bm25 |', '| untrained |', 'nDCG@10', 'Recall@10', 'Before:', 'After:']) {
    expect(text).toContain(part);
  }
}, 600_000);
