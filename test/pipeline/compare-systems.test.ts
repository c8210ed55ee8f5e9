import { describe, expect, it } from 'vitest';
import { compareRuns } from '../../src/metrics/compare.ts';
import { parseMeasures } from '../../src/metrics/measures/registry.ts';
import { compareSystems } from '../../src/pipeline/compare-systems.ts';
import { rankingToRun, type Ranking } from '../../src/retrieval/ranking.ts';

const queries = Array.from({ length: 12 }, (_, i) => `q${i}`);
const judgments = new Map(queries.map((query) => [query, new Map([['d0', 1]])]));

/** Finds the relevant document of query i at rank ranks[i]. */
function ranking(ranks: readonly number[]): Ranking {
  return new Map(
    queries.map((query, i) => [
      query,
      Array.from({ length: 10 }, (_, place) => ({
        id: place + 1 === ranks[i] ? 'd0' : `other${place}`,
        score: 10 - place,
        rank: place + 1,
      })),
    ]),
  );
}

const better = ranking([1, 1, 1, 2, 1, 1, 3, 1, 1, 2, 1, 1]);
const worse = ranking([2, 3, 1, 2, 4, 5, 3, 1, 2, 2, 6, 9]);
const third = ranking([1, 2, 1, 2, 4, 1, 3, 1, 2, 2, 1, 9]);
const options = {
  measures: ['ndcg_cut_10', 'recip_rank'],
  level: 1,
  pairs: [['a', 'b']] as const,
  alpha: 0.05,
  samples: 2000,
};

describe('systems of one ranking each', () => {
  it('are measured and tested as the compare command does', () => {
    const table = compareSystems(
      judgments,
      [
        { name: 'b', rankings: [worse] },
        { name: 'a', rankings: [better] },
      ],
      options,
    );
    const { comparisons, runs } = compareRuns(
      judgments,
      { name: 'b', run: rankingToRun(worse) },
      [{ name: 'a', run: rankingToRun(better) }],
      parseMeasures('ndcg_cut_10,recip_rank'),
      { samples: 2000 },
    );
    expect(table.systems.map(({ metrics }) => metrics.ndcg_cut_10?.mean)).toEqual(
      runs.map(({ metrics }) => metrics.ndcg_cut_10),
    );
    table.comparisons.forEach((pair, i) => {
      const expected = comparisons[i]!;
      expect(pair).toMatchObject({
        metric: expected.metric,
        interval: expected.interval,
        randomizationHolmP: expected.randomizationHolmP,
        wins: expected.wins,
        ties: expected.ties,
        losses: expected.losses,
      });
      expect(pair.tTestHolmP).toBeCloseTo(expected.tTestHolmP, 12);
      expect(pair.difference).toBeCloseTo(expected.mean, 12);
      expect(pair.smallestDetectable).toBeCloseTo(expected.smallestDetectable, 9);
    });
  });
});

describe('systems of several seeds', () => {
  const table = compareSystems(
    judgments,
    [
      { name: 'b', rankings: [worse] },
      { name: 'a', rankings: [better, third] },
      { name: 'c', rankings: [third, better] },
    ],
    {
      ...options,
      measures: ['recip_rank'],
      pairs: [
        ['a', 'b'],
        ['c', 'a'],
        ['b', 'a'],
      ],
    },
  );
  const metricOf = (name: string) =>
    table.systems.find((system) => system.name === name)!.metrics.recip_rank!;

  it('are averaged over their seeds, with their spread', () => {
    const { mean, perSeed, spread } = metricOf('a');
    expect(perSeed).toHaveLength(2);
    expect(mean).toBeCloseTo((perSeed[0]! + perSeed[1]!) / 2, 12);
    expect(spread).toBeCloseTo(Math.abs(perSeed[0]! - perSeed[1]!) / Math.SQRT2, 12);
    expect(metricOf('b').spread).toBeNull();
  });

  it('are tested over queries averaged over seeds', () => {
    const [toBase, swapped, reverse] = table.comparisons;
    expect(toBase!.difference).toBeCloseTo(metricOf('a').mean - metricOf('b').mean, 12);
    // The same rankings in the other order are equal on every query: no difference, whatever single seeds say.
    expect(swapped).toMatchObject({
      difference: 0,
      wins: 0,
      ties: 12,
      losses: 0,
      tTestP: 1,
      randomizationP: 1,
    });
    // But another draw of seeds would have shown one, which the interval says.
    expect(swapped!.interval[0]).toBeLessThan(0);
    expect(swapped!.interval[1]).toBeGreaterThan(0);
    expect(reverse!.difference).toBeCloseTo(-toBase!.difference, 12);
    expect(reverse!.interval[0]).toBeCloseTo(-toBase!.interval[1], 2);
  });

  it('are corrected over all tests of the table', () => {
    for (const pair of table.comparisons) expect(pair.tTestHolmP).toBeGreaterThanOrEqual(pair.tTestP);
    const alone = compareSystems(
      judgments,
      [
        { name: 'b', rankings: [worse] },
        { name: 'a', rankings: [better, third] },
      ],
      { ...options, measures: ['recip_rank'] },
    );
    expect(table.comparisons[0]!.tTestHolmP).toBeGreaterThan(alone.comparisons[0]!.tTestHolmP);
  });
});

it('tests nothing over a single query', () => {
  const one = new Map([...judgments].slice(0, 1));
  const { comparisons, systems } = compareSystems(
    one,
    [
      { name: 'a', rankings: [better] },
      { name: 'b', rankings: [worse] },
    ],
    options,
  );
  expect(comparisons).toEqual([]);
  expect(systems[0]?.metrics.recip_rank?.mean).toBe(1);
});
