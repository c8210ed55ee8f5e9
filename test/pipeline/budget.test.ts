import { describe, expect, it } from 'vitest';
import { InputError } from '../../src/core/errors.ts';
import { parseLossSpec } from '../../src/losses/loss-spec.ts';
import { parseBudget, secondsWithin, stepsWithin, trainingWithin } from '../../src/pipeline/budget.ts';
import type { Plan } from '../../src/pipeline/plan.ts';

/** A plan of a search that takes a minute and one training. */
function planOf(steps: number, secondsOfSteps: number, evaluations = { count: 0, seconds: 0 }): Plan {
  return {
    stages: [
      { kind: 'ranking', label: 'search', key: 'r', cost: 'encoding', stored: false, seconds: 60 },
      {
        ...{ kind: 'training', label: 'training', key: 't', cost: 'training', stored: false },
        seconds: secondsOfSteps + evaluations.seconds + 3,
        steps: { count: steps, seconds: secondsOfSteps, evaluations },
      },
    ],
    seconds: 63 + secondsOfSteps,
    trainingsAtOnce: 1,
    memory: { bytes: 0, availableBytes: 0 },
    disk: { keptBytes: 0, peakBytes: 0 },
  };
}

/** As NFCorpus: 2,590 train queries with 110,575 judged pairs, in batches of 16. */
const nfcorpus = {
  training: { batches: { batchSize: 16, rowPer: 'positive' } },
  loss: parseLossSpec('infonce'),
  expected: { lists: 2590, passages: 136_475, positives: 110_575, passageTokens: 64, queryTokens: 8 },
} as const;

describe('a budget', () => {
  it.each([
    ['5min', { seconds: 300 }],
    ['90s', { seconds: 90 }],
    ['1.5 h', { seconds: 5400 }],
    ['500steps', { steps: 500 }],
    ['full', 'full'],
  ])('%s is read', (text, budget) => {
    expect(parseBudget(text)).toEqual(budget);
  });

  it.each(['5', 'min', '0s', '-1min', '1.5steps', '5 minutes', '1e9h'])(
    '%s is refused with a remedy',
    (text) => {
      expect(() => parseBudget(text)).toThrow(InputError);
      expect(() => parseBudget(text)).toThrow(/Use a time such as 90s, 5min or 2h/);
    },
  );

  it('of five minutes holds a training of six hours within a factor of two, a row for each query', () => {
    const plan = planOf(6910, 6 * 3600);
    const { training } = trainingWithin(plan, [nfcorpus], { seconds: 300 });
    expect(training.batches).toEqual({ rowPer: 'list' });
    const seconds = secondsWithin(plan, training.maxSteps ?? Infinity);
    expect(seconds).toBeGreaterThan(150);
    expect(seconds).toBeLessThanOrEqual(300);
  });

  it('with room for more rows than there are queries draws as many of each', () => {
    expect(trainingWithin(planOf(6910, 6 * 3600), [nfcorpus], { seconds: 3600 }).training).toEqual({
      maxSteps: 1131,
      batches: { evenRows: true },
    });
  });

  it('of minutes has fewer evaluations where they would take most of it', () => {
    const plan = planOf(6910, 6 * 3600, { count: 11, seconds: 1100 });
    const { training, seconds } = trainingWithin(plan, [nfcorpus], { seconds: 600 });
    expect(training).toEqual({ maxSteps: 75, evaluateEvery: 38, batches: { rowPer: 'list' } });
    expect(seconds).toBeLessThanOrEqual(600);
    // What is short has all of them.
    const cheap = planOf(6910, 6 * 3600, { count: 11, seconds: 11 });
    expect(trainingWithin(cheap, [nfcorpus], { seconds: 600 }).training.evaluateEvery).toBeUndefined();
  });

  it('changes nothing where all fits, and leaves at least one step where nothing does', () => {
    expect(trainingWithin(planOf(100, 30), [nfcorpus], { seconds: 300 }).training).toEqual({});
    expect(trainingWithin(planOf(100, 30), [nfcorpus], 'full').training).toEqual({});
    expect(stepsWithin(planOf(100, 3000), { seconds: 10 })).toBe(1);
    expect(stepsWithin(planOf(100, 3000), { steps: 40 })).toBe(40);
  });
});
