import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { chooseBucketSizes, planBuckets, type BucketPlan } from '../../src/encoders/length-buckets.ts';
import { RandomStream } from '../../src/core/random.ts';

const limits = { tokensPerBatch: 256, maxBatch: 16 };
const lengthLists = fc.array(fc.integer({ min: 1, max: 128 }), { maxLength: 60 });

function cellsOf(plan: BucketPlan): number {
  return plan.batches.reduce((sum, { rows, length }) => sum + rows * length, 0);
}

describe('planBuckets', () => {
  it('puts each sequence into one batch that it fits, within the limits', () => {
    fc.assert(
      fc.property(lengthLists, fc.integer({ min: 1, max: 5 }), (lengths, maxBuckets) => {
        const plan = planBuckets(lengths, { ...limits, maxBuckets });
        const placed: number[] = [];
        for (const { rows, length, items } of plan.batches) {
          expect(items).toHaveLength(rows);
          expect(rows).toBeLessThanOrEqual(limits.maxBatch);
          expect(rows === 1 || rows * length <= limits.tokensPerBatch).toBe(true);
          expect(plan.shapes).toContainEqual({ rows, length });
          for (const item of items) {
            if (item < 0) continue;
            placed.push(item);
            expect(lengths[item]).toBeLessThanOrEqual(length);
          }
        }
        expect(placed.sort((a, b) => a - b)).toEqual(lengths.map((_, i) => i));
        expect(plan.shapes.length).toBeLessThanOrEqual(maxBuckets);
      }),
    );
  });

  it('keeps the rows of a given length, whatever is in it', () => {
    const plan = planBuckets([5, 30, 6], { ...limits, bucketSizes: [32, 8] });
    expect(plan.batches).toEqual([
      { rows: 8, length: 32, items: Int32Array.from([1, -1, -1, -1, -1, -1, -1, -1]) },
      { rows: 16, length: 8, items: Int32Array.from([0, 2, ...new Array<number>(14).fill(-1)]) },
    ]);
  });

  it('goes from long to short and keeps the order within a length', () => {
    const { batches } = planBuckets([8, 64, 8, 8, 64], { tokensPerBatch: 64, maxBatch: 2 });
    expect(batches.map(({ items }) => [...items])).toEqual([[1], [4], [0, 2], [3, -1]]);
  });

  it('refuses a sequence that fits no bucket', () => {
    expect(() => planBuckets([9], { ...limits, bucketSizes: [8] })).toThrow(RangeError);
  });

  it('plans nothing for nothing', () => {
    expect(planBuckets([], limits)).toEqual({ batches: [], shapes: [] });
  });
});

describe('chooseBucketSizes', () => {
  it('needs as few tokens as the best of all choices', () => {
    fc.assert(
      fc.property(
        fc.array(fc.integer({ min: 1, max: 40 }), { minLength: 1, maxLength: 25 }),
        fc.integer({ min: 1, max: 3 }),
        (lengths, maxBuckets) => {
          const options = { tokensPerBatch: 100, maxBatch: 8, maxBuckets };
          const candidates = [...new Set(lengths.map((length) => Math.ceil(length / 8) * 8))];
          let fewest = Infinity;
          for (let mask = 1; mask < 1 << candidates.length; mask++) {
            const sizes = candidates.filter((_, i) => mask & (1 << i));
            if (sizes.length > maxBuckets || Math.max(...sizes) < Math.max(...lengths)) continue;
            let cells = 0;
            const sorted = sizes.sort((a, b) => a - b);
            sorted.forEach((size, i) => {
              const items = lengths.filter((l) => l <= size && l > (sorted[i - 1] ?? 0)).length;
              if (items === 0) return;
              const rows = Math.min(8, Math.floor(100 / size), items);
              cells += Math.ceil(items / rows) * rows * size;
            });
            fewest = Math.min(fewest, cells);
          }
          expect(cellsOf(planBuckets(lengths, options))).toBe(fewest);
        },
      ),
    );
  });

  it('rounds up to multiples, but not beyond what the model can take', () => {
    expect(chooseBucketSizes([3, 61], { ...limits, maxLength: 62 })).toEqual([8, 62]);
    expect(chooseBucketSizes([61], { ...limits, multiple: 32 })).toEqual([64]);
  });

  it('wastes little on passages of real-looking lengths', () => {
    const random = new RandomStream(1, 'lengths');
    const lengths = Array.from({ length: 5000 }, () =>
      Math.min(256, Math.max(3, Math.round(180 * Math.exp(0.5 * random.normal())))),
    );
    const plan = planBuckets(lengths, { tokensPerBatch: 4096, maxBatch: 64 });
    expect(plan.shapes.length).toBeLessThanOrEqual(6);
    const tokens = lengths.reduce((a, b) => a + b, 0);
    expect(1 - tokens / cellsOf(plan)).toBeLessThan(0.08);
  });
});
