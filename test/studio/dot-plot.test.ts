import { expect, it } from 'vitest';
import { plotOf } from '../../src/studio/charts/dot-plot.ts';
import { report } from '../e2e/canned-run.ts';

const ofOne = report.results.all.comparisons.filter(({ baseline }) => baseline === 'untrained');
const tested = {
  ...report,
  results: { ...report.results, all: { ...report.results.all, comparisons: ofOne } },
};

it('plots every tested pair, each with what it is against where they have several', () => {
  const plot = plotOf(report);
  expect(plot?.title).toBe('Differences in nDCG@10');
  expect(plot?.rows.map(({ name, against, difference }) => [name, against, difference])).toEqual([
    ['Contrastive', 'the untrained encoder', 0.05],
    ['Listwise', 'the untrained encoder', 0.09],
    ['Listwise', 'contrastive', 0.02],
  ]);
  expect(plot?.text).toContain('Listwise against contrastive: +0.020');
});

it('names in its title what all are against, with all of it in words', () => {
  const plot = plotOf(tested);
  expect(plot?.title).toBe('Difference in nDCG@10 from the untrained encoder');
  expect(plot?.rows.map(({ name, difference }) => [name, difference])).toEqual([
    ['Contrastive', 0.05],
    ['Listwise', 0.09],
  ]);
  expect(plot?.rows.every(({ against }) => against === undefined)).toBe(true);
  expect(plot?.text).toContain(
    'with 95 % intervals. Contrastive: +0.050, +0.020 to +0.080. Listwise: +0.090',
  );
  expect(plot?.rows.every(({ seeds }) => seeds.length === 0)).toBe(true);
});

it('has zero on its axis, round ticks, and room for every interval', () => {
  const plot = plotOf(report);
  expect(plot?.low).toBeLessThanOrEqual(0);
  expect(plot?.high).toBeGreaterThanOrEqual(0.12);
  expect(plot?.ticks.length).toBeLessThanOrEqual(9);
  expect(plot?.ticks.map((tick) => tick.toFixed(3))).toContain('0.050');
});

it('shows several seeds as differences from the baseline', () => {
  const { all } = report.results;
  const systems = all.systems.map((system) => ({
    ...system,
    metrics: { ndcg_cut_10: { mean: 0.5, perSeed: [0.45, 0.55], spread: 0.07 } },
  }));
  const plot = plotOf({ ...report, results: { ...report.results, all: { ...all, systems } } });
  expect(plot?.rows[0]?.seeds.map((seed) => seed.toFixed(2))).toEqual(['-0.05', '0.05']);
  expect(plot?.low).toBeLessThanOrEqual(-0.05);
});

it('is nothing where nothing was compared', () => {
  const all = { ...report.results.all, comparisons: [] };
  expect(plotOf({ ...report, results: { ...report.results, all } })).toBeUndefined();
});
