import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { bootstrapInterval } from '../../src/metrics/significance/bootstrap.ts';
import {
  smallestDetectableDifference,
  tTestPower,
} from '../../src/metrics/significance/detectable-difference.ts';
import type { Alternative } from '../../src/metrics/significance/differences.ts';
import { summarize } from '../../src/metrics/significance/differences.ts';
import { holm } from '../../src/metrics/significance/holm.ts';
import { randomizationTest } from '../../src/metrics/significance/randomization-test.ts';
import {
  incompleteBeta,
  logGamma,
  normalBelow,
  studentQuantile,
  studentTail,
} from '../../src/metrics/significance/special-functions.ts';
import { pairedTTest } from '../../src/metrics/significance/t-test.ts';

interface Golden {
  readonly tests: readonly {
    readonly name: string;
    readonly differences: readonly number[];
    readonly t: number;
    readonly tTest: Readonly<Record<Alternative, number>>;
    readonly randomization?: Readonly<Record<Alternative, number>>;
    readonly bootstrap95: readonly [number, number];
    readonly standardDeviation: number;
  }[];
  readonly detectable: readonly {
    readonly queries: number;
    readonly alpha: number;
    readonly power: number;
    readonly effect: number;
  }[];
  readonly incompleteBeta: readonly [number, number, number, number][];
  readonly logGamma: readonly [number, number][];
  readonly normalBelow: readonly [number, number][];
  readonly studentTail: readonly [number, number, number][];
}

const golden = JSON.parse(
  readFileSync(new URL('../golden/significance.json', import.meta.url), 'utf8'),
) as Golden;

const alternatives: readonly Alternative[] = ['two-sided', 'greater', 'less'];

function expectRelative(actual: number, expected: number, tolerance: number, what: string): void {
  const error = expected === 0 ? Math.abs(actual) : Math.abs(actual - expected) / Math.abs(expected);
  expect(error, `${what}: ${actual} instead of ${expected}`).toBeLessThanOrEqual(tolerance);
}

/** Differences of a measure with a few digits: mixed signs, zeros among them. */
const differences = (minLength: number, maxLength: number) =>
  fc
    .array(fc.integer({ min: -1000, max: 1000 }), { minLength, maxLength })
    .map((values) => values.map((value) => value / 1000));

describe('special functions', () => {
  it('agree with scipy', () => {
    for (const [a, b, x, value] of golden.incompleteBeta)
      expectRelative(incompleteBeta(a, b, x), value, 1e-10, `I_${x}(${a}, ${b})`);
    for (const [x, value] of golden.logGamma) expect(logGamma(x)).toBeCloseTo(value, 9);
    for (const [z, value] of golden.normalBelow) expectRelative(normalBelow(z), value, 1e-12, `Φ(${z})`);
    for (const [t, degrees, value] of golden.studentTail)
      expectRelative(studentTail(t, degrees), value, 1e-9, `t ${t}, ${degrees}`);
  });

  it('studentQuantile inverts studentTail', () => {
    for (const tail of [0.975, 0.5, 0.025, 1e-6])
      expectRelative(studentTail(studentQuantile(tail, 9), 9), tail, 1e-12, `${tail}`);
  });
});

describe.each(golden.tests)('$name', ({ differences: values, t, tTest, bootstrap95, standardDeviation }) => {
  it('has the spread and the t-test of scipy', () => {
    expectRelative(summarize(values).standardDeviation, standardDeviation, 1e-12, 'standard deviation');
    for (const alternative of alternatives) {
      const result = pairedTTest(values, alternative);
      expectRelative(result.t, t, 1e-12, 't');
      expectRelative(result.p, tTest[alternative], 1e-10, alternative);
      expect(result.degreesOfFreedom).toBe(values.length - 1);
    }
  });

  it('has the bootstrap interval of scipy, up to the chance of resampling', () => {
    const [low, high] = bootstrapInterval([values], { seed: 3 });
    const noise = (0.05 * standardDeviation) / Math.sqrt(values.length) + 1e-12;
    expect(Math.abs(low - bootstrap95[0])).toBeLessThan(values.length < 10 ? 0.1 * standardDeviation : noise);
    expect(Math.abs(high - bootstrap95[1])).toBeLessThan(
      values.length < 10 ? 0.1 * standardDeviation : noise,
    );
  });
});

describe('pairedTTest', () => {
  it('gives p = 1 for identical runs and 0 where every query gains the same', () => {
    expect(pairedTTest([0, 0, 0])).toEqual({ t: 0, degreesOfFreedom: 2, p: 1 });
    expect(pairedTTest([0.1, 0.1, 0.1])).toEqual({ t: Infinity, degreesOfFreedom: 2, p: 0 });
    expect(pairedTTest([-0.1, -0.1, -0.1], 'greater').p).toBe(1);
  });

  it('refuses fewer than two queries', () => {
    expect(() => pairedTTest([0.5])).toThrow(RangeError);
  });

  it('does not care which run is the baseline, and its sides add up', () => {
    fc.assert(
      fc.property(differences(2, 40), (values) => {
        const negated = values.map((value) => -value);
        expect(pairedTTest(values).p).toBe(pairedTTest(negated).p);
        expect(pairedTTest(values, 'greater').p).toBe(pairedTTest(negated, 'less').p);
        const { p } = pairedTTest(values);
        expect(p).toBeGreaterThanOrEqual(0);
        expect(p).toBeLessThanOrEqual(1);
      }),
    );
  });
});

describe('randomizationTest', () => {
  it.each(golden.tests.filter(({ randomization }) => randomization !== undefined))(
    'tries all sign patterns as scipy does: $name',
    ({ differences: values, randomization }) => {
      for (const alternative of alternatives) {
        const result = randomizationTest(values, { alternative });
        expect(result.exact).toBe(true);
        expectRelative(result.p, randomization?.[alternative] ?? NaN, 1e-12, alternative);
      }
    },
  );

  it('gives p = 1 for identical runs', () => {
    expect(randomizationTest([0, 0, 0])).toEqual({ p: 1, exact: true });
    expect(randomizationTest(new Float64Array(500))).toEqual({ p: 1, exact: true });
  });

  it('samples where there are too many patterns, close to the exact value and repeatable', () => {
    // Seventeen equal gains and eight equal losses: the exact p follows from the binomial distribution.
    const values = [...new Array<number>(17).fill(0.1), ...new Array<number>(8).fill(-0.1)];
    let exact = 0;
    for (let gains = 17; gains <= 25; gains++) {
      let ways = 1;
      for (let i = 0; i < gains; i++) ways = (ways * (25 - i)) / (i + 1);
      exact += (2 * ways) / 2 ** 25;
    }
    const sampled = randomizationTest(values, { seed: 1 });
    expect(sampled.exact).toBe(false);
    expect(Math.abs(sampled.p - exact)).toBeLessThan(4 * Math.sqrt((exact * (1 - exact)) / 10_000));
    expect(randomizationTest(values, { seed: 1 })).toEqual(sampled);
    expect(randomizationTest(values, { seed: 2 })).not.toEqual(sampled);
  });

  it('uses fair coins for every query, beyond the first 32 too', () => {
    // Only the last queries differ much: were their signs stuck, p would be 0 or 1.
    const values = new Float64Array(100).fill(1e-9);
    values.set([1, -0.53, 0.71, 0.37, -0.19, 0.11, 0.29], 93);
    expect(Math.abs(randomizationTest(values).p - randomizationTest(values.slice(93)).p)).toBeLessThan(0.03);
  });

  it('does not care which run is the baseline', () => {
    fc.assert(
      fc.property(differences(1, 10), (values) => {
        expect(randomizationTest(values).p).toBe(randomizationTest(values.map((value) => -value)).p);
      }),
    );
  });
});

describe('holm', () => {
  it('corrects a textbook family', () => {
    const corrected = holm([0.01, 0.04, 0.03, 0.005]);
    [0.03, 0.06, 0.06, 0.02].forEach((p, i) => expect(corrected[i]).toBeCloseTo(p, 12));
    expect(holm([])).toEqual([]);
  });

  it('never lowers a p-value, keeps their order, and is at most Bonferroni', () => {
    fc.assert(
      fc.property(fc.array(fc.double({ min: 0, max: 1, noNaN: true }), { maxLength: 20 }), (pValues) => {
        const corrected = holm(pValues);
        for (const [i, p] of pValues.entries()) {
          const own = corrected[i] ?? NaN;
          expect(own).toBeGreaterThanOrEqual(p);
          expect(own).toBeLessThanOrEqual(Math.min(1, p * pValues.length));
          pValues.forEach((other, j) => {
            if (other > p) expect(corrected[j]).toBeGreaterThanOrEqual(own);
          });
        }
      }),
    );
  });
});

describe('bootstrapInterval over seeds', () => {
  const differences = [0.3, -0.1, 0.25, 0, 0.4, 0.1, -0.2, 0.05];

  it('adds what seeds vary to what queries vary', () => {
    const higher = differences.map((value) => value + 0.5);
    const [low, high] = bootstrapInterval([differences, higher], { samples: 4000 });
    const [lowOfMean, highOfMean] = bootstrapInterval([differences.map((value) => value + 0.25)], {
      samples: 4000,
    });
    expect(low).toBeLessThan(lowOfMean - 0.1);
    expect(high).toBeGreaterThan(highOfMean + 0.1);
    // Seeds without any variation between queries: the interval is theirs alone.
    expect(
      bootstrapInterval(
        [
          [1, 1],
          [3, 3],
        ],
        { samples: 2000 },
      ),
    ).toEqual([1, 3]);
  });

  it('refuses rows that do not fit', () => {
    expect(() => bootstrapInterval([])).toThrow('there are no queries');
    expect(() => bootstrapInterval([[1], [1, 2]])).toThrow('measured on different queries');
  });
});

describe('bootstrapInterval', () => {
  it('is a point without spread, and repeatable', () => {
    expect(bootstrapInterval([[0.25, 0.25, 0.25]])).toEqual([0.25, 0.25]);
    const values = [0.1, -0.2, 0.4, 0.3];
    expect(bootstrapInterval([values], { seed: 1 })).toEqual(bootstrapInterval([values], { seed: 1 }));
    expect(() => bootstrapInterval([])).toThrow(RangeError);
  });

  it('narrows with the level', () => {
    const values = golden.tests.at(-1)?.differences ?? [];
    const [low95, high95] = bootstrapInterval([values]);
    const [low50, high50] = bootstrapInterval([values], { level: 0.5 });
    expect(low50).toBeGreaterThan(low95);
    expect(high50).toBeLessThan(high95);
  });
});

describe('smallestDetectableDifference', () => {
  it.each(golden.detectable)(
    '$queries queries, alpha $alpha, power $power',
    ({ queries, alpha, power, effect }) => {
      expectRelative(
        smallestDetectableDifference(queries, 2, { alpha, power }),
        2 * effect,
        1e-6,
        'difference',
      );
    },
  );

  it('is 0 without spread, and the power there is what was asked for', () => {
    expect(smallestDetectableDifference(10, 0)).toBe(0);
    expect(tTestPower(20, smallestDetectableDifference(20, 1))).toBeCloseTo(0.8, 9);
    expect(tTestPower(20, 0)).toBeCloseTo(0.05, 9);
    expect(() => smallestDetectableDifference(1, 1)).toThrow(RangeError);
  });
});

describe('summarize', () => {
  it('counts wins, ties and losses', () => {
    expect(summarize([0.5, 0, -0.25, 0.25])).toMatchObject({
      queries: 4,
      mean: 0.125,
      wins: 2,
      ties: 1,
      losses: 1,
    });
    expect(summarize([])).toEqual({ queries: 0, mean: 0, standardDeviation: 0, wins: 0, ties: 0, losses: 0 });
  });
});
