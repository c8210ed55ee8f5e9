import { existsSync, mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { onlyJson, runCli, temporaryFolder } from '../support/cli.ts';

it('runs the demo with nothing but what comes with it: table, tests, a query before and after, models', async () => {
  const folder = temporaryFolder();
  // Where a folder has the recipe's name, the name still means the recipe.
  mkdirSync(join(folder, 'static-losses'));
  const args = [
    'run',
    'static-losses',
    '--device',
    'cpu',
    '--store',
    join(folder, 'store'),
    '--out',
    join(folder, 'out'),
  ];
  const result = await runCli([...args, '--set', 'training.maxSteps=1', '--json'], { cwd: folder });
  const report = onlyJson(result) as { recipe: { arms: { name: string }[] } };
  const arms = ['in-batch', 'contrastive', 'contrastive filtered', 'listwise own', 'listwise'];
  expect(report.recipe.arms.map(({ name }) => name)).toEqual(arms);
  for (const arm of arms) {
    expect(existsSync(join(folder, 'out/models', arm, 'model.safetensors')), arm).toBe(true);
    expect(existsSync(join(folder, 'out/models', arm, 'onnx/model.onnx')), arm).toBe(true);
  }
  expect(readFileSync(join(folder, 'out/plot.svg'), 'utf8')).toContain('listwise own');
  const text = readFileSync(join(folder, 'out/report.md'), 'utf8');
  for (const part of [
    '| bm25 |',
    '| untrained |',
    '| listwise + bm25 |',
    'nDCG@10',
    'Recall@10',
    'Before:',
    'After:',
  ]) {
    expect(text).toContain(part);
  }
}, 600_000);
