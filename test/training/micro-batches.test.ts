import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { lengthLadder, planMicroBatches, type MicroBatchPlan } from '../../src/training/micro-batches.ts';

const plan64 = (...lengthLadder: number[]): MicroBatchPlan => ({ lengthLadder, tokensPerMicroBatch: 64 });

describe('planMicroBatches', () => {
  it('takes the longest first, as many as fit, and rounds the last one up', () => {
    const plan = planMicroBatches([3, 20, 9, 30, 14, 5], plan64(16, 32));
    expect(plan.map(({ rows, length, items }) => [rows, length, [...items]])).toEqual([
      [2, 32, [3, 1]],
      [4, 16, [4, 2, 5, 0]],
    ]);
    const [, , last] = planMicroBatches(new Array<number>(11).fill(16), plan64(16));
    expect([last!.rows, [...last!.items]]).toEqual([4, [8, 9, 10, -1]]);
    const alone = planMicroBatches([400], plan64(512));
    expect(alone.map(({ rows, length }) => [rows, length])).toEqual([[1, 512]]);
    expect(planMicroBatches([], plan64(16))).toEqual([]);
  });

  it('places every sequence once, within the budget, in few shapes', () => {
    const lengths = fc.array(fc.integer({ min: 2, max: 128 }), { minLength: 1, maxLength: 200 });
    const ladder = lengthLadder(128, true);
    fc.assert(
      fc.property(lengths, fc.integer({ min: 16, max: 2048 }), (all, tokens) => {
        const plan = planMicroBatches(all, { lengthLadder: ladder, tokensPerMicroBatch: tokens });
        const placed = plan.flatMap(({ items }) => [...items].filter((item) => item >= 0));
        expect(placed.sort((a, b) => a - b)).toEqual(all.map((_, i) => i));
        for (const { rows, length, items } of plan) {
          expect(items).toHaveLength(rows);
          expect(rows === 1 || rows * length <= tokens).toBe(true);
          expect(ladder).toContain(length);
          for (const item of items) if (item >= 0) expect(all[item]).toBeLessThanOrEqual(length);
        }
        // Full ones of a length all have the same shape.
        for (const { rows, length } of plan.slice(0, -1)) {
          expect(rows).toBe(Math.max(1, Math.floor(tokens / length)));
        }
      }),
      { numRuns: 200 },
    );
  });

  it('refuses a sequence longer than the ladder', () => {
    expect(() => planMicroBatches([17], plan64(8, 16))).toThrow(/17 tokens, the longest micro-batch 16/);
  });
});

describe('lengthLadder', () => {
  it('goes up in steps of at most a quarter, to the longest', () => {
    expect(lengthLadder(32, true)).toEqual([16, 32]);
    expect(lengthLadder(40, true)).toEqual([16, 32, 40]);
    expect(lengthLadder(8, true)).toEqual([8]);
    const ladder = lengthLadder(512, true);
    expect(ladder.at(-1)).toBe(512);
    ladder.forEach((size, i) => {
      if (i > 0) expect(size).toBeGreaterThan(ladder[i - 1]!);
      if (i > 0 && size > 64) expect(size / ladder[i - 1]!).toBeLessThanOrEqual(1.25);
    });
  });

  it('has few sizes where each costs a compilation', () => {
    expect(lengthLadder(512, false)).toEqual([16, 32, 64, 128, 256, 512]);
    expect(lengthLadder(300, false)).toEqual([16, 32, 64, 128, 256, 300]);
  });
});
