import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { expectBadInput, onlyJson, runCli, temporaryFolder } from '../support/cli.ts';

const report = (corpus: string, gain: number): string =>
  JSON.stringify({
    format: 1,
    recipe: { seeds: [1], corpus: {}, evaluation: { alpha: 0.05, samples: 1000 } },
    corpus: { name: corpus },
    results: {
      all: { comparisons: [{ system: 'new', baseline: 'old' }] },
      perQuery: {
        queries: ['a', 'b', 'c'],
        systems: { old: { map: [[0.1, 0.2, 0.3]] }, new: { map: [[0.1 + gain, 0.2 + gain, 0.3]] } },
      },
    },
  });

it('joins reports into a table and a plot', async () => {
  const folder = temporaryFolder({ 'one.json': report('one', 0.3), 'two.json': report('two', 0.6) });
  const files = [join(folder, 'one.json'), join(folder, 'two.json')];
  const [out, plot] = [join(folder, 'table.md'), join(folder, 'plot.svg')];
  const result = await runCli(['table', ...files, '--out', out, '--plot', plot, '--json']);
  const table = onlyJson(result) as { overall: { difference: number }[] };
  expect(table.overall[0]?.difference).toBeCloseTo(0.3, 9);
  expect(readFileSync(out, 'utf8')).toContain('| new | 0.4000 | 0.6000 | 0.5000 |');
  expect(readFileSync(plot, 'utf8')).toMatch(/^<svg /);
});

it('writes nothing where a report is none, or has no such measure', async () => {
  const folder = temporaryFolder({ 'one.json': report('one', 0.3), 'other.json': '{"format":1}' });
  const out = join(folder, 'table.md');
  const wrong = await runCli(['table', join(folder, 'one.json'), join(folder, 'other.json'), '--out', out]);
  expectBadInput(wrong, /other\.json: is not a report/);
  const measure = await runCli(['table', join(folder, 'one.json'), '--out', out, '--measure', 'ndcg']);
  expectBadInput(measure, /--measure is ndcg/);
  expect(existsSync(out)).toBe(false);
});
