import { describe, expect, it } from 'vitest';
import type { Judgments } from '../../src/corpus/types.ts';
import { compareRuns } from '../../src/metrics/compare.ts';
import { parseMeasures } from '../../src/metrics/measures/registry.ts';
import type { Run } from '../../src/metrics/run.ts';
import { holm } from '../../src/metrics/significance/holm.ts';

const queries = Array.from({ length: 30 }, (_, i) => `q${i}`);
const judgments: Judgments = new Map(queries.map((query) => [query, new Map([['relevant', 1]])]));

/** Puts the relevant document at a rank; queries without one are left out of the run. */
function runWith(rankOf: (query: number) => number | undefined): Run {
  return new Map(
    queries.flatMap((query, i) => {
      const rank = rankOf(i);
      if (rank === undefined) return [];
      const documents = Array.from({ length: 5 }, (_, at) => (at + 1 === rank ? 'relevant' : `other${at}`));
      return [[query, { documents, scores: documents.map((_, at) => -at) }]];
    }),
  );
}

describe('compareRuns', () => {
  const baseline = { name: 'baseline', run: runWith(() => 2) };
  const better = { name: 'better', run: runWith((query) => (query % 3 === 0 ? 3 : 1)) };
  const short = { name: 'short', run: runWith((query) => (query < 10 ? undefined : 2)) };
  const measures = parseMeasures('recip_rank,success_1');
  const { queries: count, runs, comparisons } = compareRuns(judgments, baseline, [better, short], measures);
  const find = (run: string, metric: string) =>
    comparisons.find((each) => each.run === run && each.metric === metric);

  it('compares every other run on every measure, baseline first in the means', () => {
    expect(count).toBe(30);
    expect(runs.map(({ name }) => name)).toEqual(['baseline', 'better', 'short']);
    expect(comparisons.map(({ run, metric }) => `${run} ${metric}`)).toEqual([
      'better recip_rank',
      'better success_1',
      'short recip_rank',
      'short success_1',
    ]);
  });

  it('takes differences as run minus baseline', () => {
    const each = find('better', 'recip_rank');
    expect(each).toMatchObject({ wins: 20, ties: 0, losses: 10 });
    expect(each?.mean).toBeCloseTo((20 * 0.5 - 10 / 6) / 30, 12);
    expect(each?.interval[0]).toBeGreaterThan(0);
    expect(each?.interval[1]).toBeGreaterThan(each?.mean ?? 1);
    expect(each?.tTestP).toBeLessThan(0.001);
  });

  it('counts a query that a run lacks as 0', () => {
    expect(find('short', 'recip_rank')).toMatchObject({ wins: 0, ties: 20, losses: 10 });
    expect(runs[2]?.metrics.recip_rank).toBeCloseTo(20 / 2 / 30, 12);
  });

  it('corrects each test over all comparisons', () => {
    expect(comparisons.map((each) => each.tTestHolmP)).toEqual(holm(comparisons.map((each) => each.tTestP)));
    expect(comparisons.map((each) => each.randomizationHolmP)).toEqual(
      holm(comparisons.map((each) => each.randomizationP)),
    );
  });

  it('finds nothing between a run and itself', () => {
    const [same] = compareRuns(judgments, baseline, [baseline], measures).comparisons;
    expect(same).toMatchObject({ tTestP: 1, randomizationP: 1, interval: [0, 0], smallestDetectable: 0 });
  });
});
