import { describe, expect, it } from 'vitest';
import type { Judgments } from '../../src/corpus/types.ts';
import { compareSystems, verdictOf, type PairResult } from '../../src/metrics/compare-systems.ts';
import { parseMeasures } from '../../src/metrics/measures/registry.ts';
import type { Run } from '../../src/metrics/run.ts';
import { bootstrapInterval } from '../../src/metrics/significance/bootstrap.ts';
import { smallestDetectableDifference } from '../../src/metrics/significance/detectable-difference.ts';
import { summarize } from '../../src/metrics/significance/differences.ts';
import { holm } from '../../src/metrics/significance/holm.ts';
import { randomizationTest } from '../../src/metrics/significance/randomization-test.ts';
import { pairedTTest } from '../../src/metrics/significance/t-test.ts';

const queries = Array.from({ length: 30 }, (_, i) => `q${i}`);
const judgments: Judgments = new Map(queries.map((query) => [query, new Map([['relevant', 1]])]));

/** Puts the relevant document at a rank; queries without one are left out of the run. */
function runWith(rankOf: (query: number) => number | undefined): Run {
  return new Map(
    queries.flatMap((query, i) => {
      const rank = rankOf(i);
      if (rank === undefined) return [];
      const documents = Array.from({ length: 10 }, (_, at) => (at + 1 === rank ? 'relevant' : `other${at}`));
      return [[query, { documents, scores: documents.map((_, at) => -at) }]];
    }),
  );
}

const ranks = (...ranked: number[]) => runWith((query) => ranked[query % ranked.length]);

describe('runs, compared with the first', () => {
  const baseline = { name: 'baseline', runs: [runWith(() => 2)] };
  const better = { name: 'better', runs: [runWith((query) => (query % 3 === 0 ? 3 : 1))] };
  const short = { name: 'short', runs: [runWith((query) => (query < 10 ? undefined : 2))] };
  const measures = parseMeasures('recip_rank,success_1');
  const table = compareSystems(judgments, [baseline, better, short], { measures });
  const find = (name: string, wanted: string) =>
    table.comparisons.find(({ system, metric }) => system === name && metric === wanted);

  it('are compared on every measure, with means in the given order', () => {
    expect(table.queries).toBe(30);
    expect(table.systems.map(({ name }) => name)).toEqual(['baseline', 'better', 'short']);
    expect(table.comparisons.map((pair) => `${pair.system} ${pair.baseline} ${pair.metric}`)).toEqual([
      'better baseline recip_rank',
      'better baseline success_1',
      'short baseline recip_rank',
      'short baseline success_1',
    ]);
  });

  it('differ by system minus baseline', () => {
    const pair = find('better', 'recip_rank');
    expect(pair).toMatchObject({ wins: 20, ties: 0, losses: 10 });
    expect(pair?.difference).toBeCloseTo((20 * 0.5 - 10 / 6) / 30, 12);
    expect(pair?.interval[0]).toBeGreaterThan(0);
    expect(pair?.interval[1]).toBeGreaterThan(pair?.difference ?? 1);
    expect(pair?.tTestP).toBeLessThan(0.001);
  });

  it('have the values of each test on the differences of the queries, in the order of their ids', () => {
    const options = { samples: 500, seed: 7, alpha: 0.1 };
    const [pair] = compareSystems(judgments, [baseline, better], { measures, ...options }).comparisons;
    const ids = [...queries].sort();
    const differences = ids.map((id) => 1 / (Number(id.slice(1)) % 3 === 0 ? 3 : 1) - 0.5);
    const { samples, seed, alpha } = options;
    expect(pair?.interval).toEqual(bootstrapInterval([differences], { level: 1 - alpha, samples, seed }));
    expect(pair?.tTestP).toBe(pairedTTest(differences).p);
    expect(pair?.randomizationP).toBe(randomizationTest(differences, { samples, seed }).p);
    const { standardDeviation } = summarize(differences);
    expect(pair?.smallestDetectable).toBe(smallestDetectableDifference(30, standardDeviation, { alpha }));
  });

  it('count a query that a run lacks as 0', () => {
    expect(find('short', 'recip_rank')).toMatchObject({ wins: 0, ties: 20, losses: 10 });
    expect(table.systems[2]?.metrics.recip_rank?.mean).toBeCloseTo(20 / 2 / 30, 12);
  });

  it('are corrected over all comparisons, each test by itself', () => {
    const { comparisons } = table;
    expect(comparisons.map(({ tTestHolmP }) => tTestHolmP)).toEqual(
      holm(comparisons.map(({ tTestP }) => tTestP)),
    );
    expect(comparisons.map(({ randomizationHolmP }) => randomizationHolmP)).toEqual(
      holm(comparisons.map(({ randomizationP }) => randomizationP)),
    );
  });

  it('do not differ from themselves', () => {
    const same = compareSystems(judgments, [baseline, { ...baseline, name: 'same' }], { measures });
    expect(same.comparisons[0]).toMatchObject({
      ...{ tTestP: 1, randomizationP: 1, interval: [0, 0], smallestDetectable: 0 },
    });
  });

  it('are not tested over a single query', () => {
    const one = new Map([...judgments].slice(0, 1));
    const { comparisons, systems } = compareSystems(one, [baseline, better], { measures });
    expect(comparisons).toEqual([]);
    expect(systems[0]?.metrics.recip_rank?.mean).toBe(0.5);
  });
});

describe('systems of several seeds', () => {
  const worse = ranks(2, 3, 1, 2, 4, 5, 3, 1, 2, 2, 6, 9);
  const better = ranks(1, 1, 1, 2, 1, 1, 3, 1, 1, 2, 1, 1);
  const third = ranks(1, 2, 1, 2, 4, 1, 3, 1, 2, 2, 1, 9);
  const systems = [
    { name: 'b', runs: [worse] },
    { name: 'a', runs: [better, third] },
    { name: 'c', runs: [third, better] },
  ];
  const options = { measures: parseMeasures('recip_rank'), samples: 2000 };
  const pairs = [['a', 'b'] as const, ['c', 'a'] as const, ['b', 'a'] as const];
  const table = compareSystems(judgments, systems, { ...options, pairs });
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
      ties: 30,
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

  it('are corrected over the pairs that were asked for', () => {
    for (const pair of table.comparisons) expect(pair.tTestHolmP).toBeGreaterThanOrEqual(pair.tTestP);
    const alone = compareSystems(judgments, systems, { ...options, pairs: pairs.slice(0, 1) });
    expect(alone.comparisons).toHaveLength(1);
    expect(table.comparisons[0]!.tTestHolmP).toBeGreaterThan(alone.comparisons[0]!.tTestHolmP);
  });
});

it('decides by the corrected randomization test', () => {
  const pair = { difference: 0.1, wins: 3, losses: 1, randomizationHolmP: 0.04 } as PairResult;
  expect(verdictOf(pair, 0.05)).toBe('better');
  expect(verdictOf({ ...pair, difference: -0.1 }, 0.05)).toBe('worse');
  expect(verdictOf(pair, 0.01)).toBe('open');
  expect(verdictOf({ ...pair, wins: 0, losses: 0, randomizationHolmP: 1 }, 0.05)).toBe('equal');
});
