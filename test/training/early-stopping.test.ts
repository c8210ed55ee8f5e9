import { describe, expect, test } from 'vitest';
import {
  initialEarlyStopping,
  observeEvaluation,
  type EarlyStoppingOptions,
  type EarlyStoppingState,
} from '../../src/training/early-stopping.ts';

/** Feeds evaluations at steps 0, 10, 20, … and tells which were the best so far and where it stopped. */
function follow(options: EarlyStoppingOptions, evaluations: readonly Record<string, number>[]) {
  let state: EarlyStoppingState = initialEarlyStopping;
  const bestAt: number[] = [];
  let stoppedAt: number | undefined;
  evaluations.forEach((values, i) => {
    if (stoppedAt !== undefined) return;
    const decision = observeEvaluation(options, state, 10 * i, values);
    // What a checkpoint writes and reads again must be all there is.
    state = JSON.parse(JSON.stringify(decision.state)) as EarlyStoppingState;
    if (decision.isBest) bestAt.push(10 * i);
    if (decision.stop) stoppedAt = 10 * i;
  });
  return { bestAt, stoppedAt, best: state.best };
}

const ndcg = { name: 'ndcg', better: 'higher' } as const;

test('keeps the best and stops when patience runs out', () => {
  const values = [0.3, 0.5, 0.45, 0.6, 0.6, 0.55, 0.9].map((ndcg) => ({ ndcg }));
  expect(follow({ watch: [ndcg], patience: 2 }, values)).toEqual({
    bestAt: [0, 10, 30],
    stoppedAt: 50,
    best: { step: 30, value: 0.6 },
  });
});

test('the untrained model wins where training only harms', () => {
  const values = [0.7, 0.69, 0.6, 0.5].map((ndcg) => ({ ndcg }));
  expect(follow({ watch: [ndcg], patience: 3 }, values)).toEqual({
    bestAt: [0],
    stoppedAt: 30,
    best: { step: 0, value: 0.7 },
  });
});

test('lower may be better', () => {
  const values = [1, 0.8, 0.9, 0.85].map((loss) => ({ loss }));
  expect(follow({ watch: [{ name: 'loss', better: 'lower' }], patience: 2 }, values)).toEqual({
    bestAt: [0, 10],
    stoppedAt: 30,
    best: { step: 10, value: 0.8 },
  });
});

test('without patience it never stops', () => {
  const values = Array.from({ length: 50 }, (_, i) => ({ ndcg: -i }));
  expect(follow({ watch: [ndcg], patience: null }, values).stoppedAt).toBeUndefined();
});

test('a change too small does not renew the patience, but is kept as the best', () => {
  const watch = [{ ...ndcg, minimumChange: 0.01 }] as const;
  const values = [0.5, 0.505, 0.508, 0.509].map((ndcg) => ({ ndcg }));
  expect(follow({ watch, patience: 3 }, values)).toEqual({
    bestAt: [0, 10, 20, 30],
    stoppedAt: 30,
    best: { step: 30, value: 0.509 },
  });
  // Small changes add up: the patience is renewed once the sum passes the bar.
  const slow = [0.5, 0.505, 0.511, 0.512].map((ndcg) => ({ ndcg }));
  expect(follow({ watch, patience: 2 }, slow).stoppedAt).toBeUndefined();
});

test('any watched metric renews the patience, the first alone chooses (as in arXiv 2502.19712)', () => {
  const watch = [
    { name: 'total', better: 'lower' },
    { name: 'kl', better: 'lower' },
  ] as const;
  const values = [
    { total: 1, kl: 1 },
    { total: 1.1, kl: 0.9 },
    { total: 1.2, kl: 0.8 },
    { total: 1.3, kl: 0.8 },
    { total: 1.3, kl: 0.9 },
  ];
  expect(follow({ watch, patience: 2 }, values)).toEqual({
    bestAt: [0],
    stoppedAt: 40,
    best: { step: 0, value: 1 },
  });
});

describe('broken values', () => {
  test('NaN is never better, neither than a number nor than nothing', () => {
    const values = [NaN, 0.2, NaN, NaN].map((ndcg) => ({ ndcg }));
    expect(follow({ watch: [ndcg], patience: 2 }, values)).toEqual({
      bestAt: [10],
      stoppedAt: 30,
      best: { step: 10, value: 0.2 },
    });
  });

  test('a metric that the evaluation lacks is an error', () => {
    expect(() =>
      observeEvaluation({ watch: [ndcg], patience: 1 }, initialEarlyStopping, 0, { mrr: 1 }),
    ).toThrow('the evaluation has no ndcg');
  });
});
