import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it, onTestFinished, vi } from 'vitest';
import type { WorkerPool } from '../../src/host/contract.ts';
import { InputError } from '../../src/core/errors.ts';
import { openWorkerPool } from '../../src/host/node/workers.ts';
import { RandomStream } from '../../src/core/random.ts';
import { visitScores } from '../../src/retrieval/dot-kernel.ts';
import type { SearchRequest } from '../../src/retrieval/search-protocol.ts';
import { runSearchTask } from '../../src/retrieval/search-task.ts';
import { VectorIndex } from '../../src/retrieval/vectors.ts';
import { ensureBuilt } from '../support/build.ts';

function randomVectors(count: number, dimensions: number, seed: number): Float32Array<ArrayBuffer> {
  const random = new RandomStream(seed, 'vectors');
  return Float32Array.from({ length: count * dimensions }, () => random.normal() / Math.sqrt(dimensions));
}

function idsOf(count: number): string[] {
  return Array.from({ length: count }, (_, i) => `d${i}`);
}

/** The kernel's dot product, in the order of summation that it promises, in JavaScript. */
function dotInLanes(a: Float32Array, b: Float32Array): number {
  const lanes = new Float32Array(4);
  for (let i = 0; i < a.length; i++) {
    const product = Math.fround((a[i] ?? 0) * (b[i] ?? 0));
    lanes[i % 4] = Math.fround((lanes[i % 4] ?? 0) + product);
  }
  const [s0 = 0, s1 = 0, s2 = 0, s3 = 0] = lanes;
  return Math.fround(Math.fround(s0 + s2) + Math.fround(s1 + s3));
}

describe('visitScores', () => {
  it('computes the same bits in an engine without WebAssembly', async () => {
    vi.resetModules();
    vi.stubGlobal('WebAssembly', undefined);
    onTestFinished(() => void vi.unstubAllGlobals());
    const { visitScores: withoutWasm } = await import('../../src/retrieval/dot-kernel.ts');
    // A small call after a large one finds what that left.
    for (const [documents, queries, dimensions] of [
      [5, 3, 31],
      [301, 9, 384],
      [3, 1, 5],
    ] as const) {
      const d = randomVectors(documents, dimensions, documents);
      const q = randomVectors(queries, dimensions, queries);
      const scoresOf = (visit: typeof visitScores): number[] => {
        const seen: number[] = [];
        visit(d, q, dimensions, (block) => {
          for (let i = 0; i < block.documents; i++)
            seen.push(...block.scores.subarray(4 * i, 4 * i + block.queries));
        });
        return seen;
      };
      expect(scoresOf(withoutWasm)).toEqual(scoresOf(visitScores));
    }
  });

  it('computes every dot product once, to the bit of its order of summation', () => {
    const cases = fc.record({
      documents: fc.integer({ min: 0, max: 9 }),
      queries: fc.integer({ min: 0, max: 9 }),
      // From many documents in a block to two.
      dimensions: fc.constantFrom(1, 2, 3, 4, 5, 8, 31, 384, 20_000),
      seed: fc.nat(1000),
    });
    fc.assert(
      fc.property(cases, ({ documents, queries, dimensions, seed }) => {
        const d = randomVectors(documents, dimensions, seed);
        const q = randomVectors(queries, dimensions, seed + 1);
        const seen = new Map<string, number>();
        visitScores(d, q, dimensions, (block) => {
          for (let i = 0; i < block.documents; i++) {
            for (let j = 0; j < block.queries; j++) {
              const key = `${block.firstDocument + i} ${block.firstQuery + j}`;
              expect(seen.has(key)).toBe(false);
              seen.set(key, block.scores[i * 4 + j] ?? NaN);
            }
          }
        });
        expect(seen.size).toBe(documents * queries);
        for (const [key, score] of seen) {
          const [i = 0, j = 0] = key.split(' ').map(Number);
          const document = d.subarray(i * dimensions, (i + 1) * dimensions);
          expect(score).toBe(dotInLanes(document, q.subarray(j * dimensions, (j + 1) * dimensions)));
        }
      }),
      { seed: 1, numRuns: 60 },
    );
  });
});

describe('VectorIndex', () => {
  const count = 2500;
  const dimensions = 48;
  const vectors = randomVectors(count, dimensions, 1);
  const queries = randomVectors(300, dimensions, 2);

  it('finds what sorting all float64 dot products finds', async () => {
    const found = await new VectorIndex(idsOf(count), vectors, dimensions).search(queries, 20);
    expect(found).toHaveLength(300);
    for (const query of [0, 1, 255, 256, 299]) {
      const q = queries.subarray(query * dimensions, (query + 1) * dimensions);
      const exact = Array.from({ length: count }, (_, i) => {
        let sum = 0;
        for (let j = 0; j < dimensions; j++) sum += (q[j] ?? 0) * (vectors[i * dimensions + j] ?? 0);
        return { id: `d${i}`, sum };
      }).sort((a, b) => b.sum - a.sum);
      expect(found[query]?.map(({ id }) => id)).toEqual(exact.slice(0, 20).map(({ id }) => id));
      found[query]?.forEach(({ score, rank }, i) => {
        expect(rank).toBe(i + 1);
        expect(score).toBeCloseTo(exact[i]?.sum ?? NaN, 5);
        expect(Math.fround(score)).toBe(score);
      });
    }
  });

  it('orders ties by id, descending by bytes, whatever the order of the vectors', async () => {
    const ids = ['10', '9', 'b', 'B'];
    const same = Float32Array.from({ length: 4 * 4 }, () => 0.5);
    for (const order of [ids, [...ids].reverse()]) {
      const [found = []] = await new VectorIndex(order, same, 4).search(Float32Array.of(1, 1, 1, 1), 3);
      expect(found.map(({ id }) => id)).toEqual(['b', 'B', '9']);
    }
  });

  it('refuses what it cannot rank', async () => {
    expect(() => new VectorIndex(['a', 'a'], new Float32Array(2), 1)).toThrow(/"a" occurs twice/);
    expect(() => new VectorIndex(['a', 'b'], Float32Array.of(1, NaN), 1)).toThrow(
      /document "b" has the value NaN/,
    );
    expect(() => new VectorIndex(['a'], Float32Array.of(1e20), 1)).toThrow(InputError);
    expect(() => new VectorIndex(['a'], new Float32Array(3), 2)).toThrow(RangeError);
    const index = new VectorIndex(['a'], Float32Array.of(1, 0), 2);
    await expect(index.search(Float32Array.of(1, 1, Infinity, 0), 1)).rejects.toThrow(/query 2 of 2/);
    await expect(index.search(Float32Array.of(1, 1, 1), 1)).rejects.toThrow(RangeError);
  });

  it('copes with no documents, no queries and k beyond the corpus', async () => {
    expect(await new VectorIndex([], new Float32Array(0), 2).search(Float32Array.of(1, 1), 5)).toEqual([[]]);
    const index = new VectorIndex(['a', 'b'], Float32Array.of(1, 2), 1);
    expect(await index.search(new Float32Array(0), 5)).toEqual([]);
    expect(await index.search(Float32Array.of(-1), 5)).toEqual([
      [
        { id: 'a', score: -1, rank: 1 },
        { id: 'b', score: -2, rank: 2 },
      ],
    ]);
  });

  describe('with workers', () => {
    const pools = new Map<number, WorkerPool>();
    beforeAll(async () => {
      await ensureBuilt();
      for (const size of [1, 2, 4]) pools.set(size, openWorkerPool('search', { size }));
    });
    afterAll(async () => {
      await Promise.all([...pools.values()].map((pool) => pool.close()));
    });

    it('gives the same bits with none, 1, 2 and 4, and in batches of any size', async () => {
      const expected = await new VectorIndex(idsOf(count), vectors, dimensions).search(queries, 50);
      for (const pool of pools.values()) {
        const index = new VectorIndex(idsOf(count), vectors, dimensions, pool);
        expect(await index.search(queries, 50)).toEqual(expected);
        expect(await index.search(queries.subarray(7 * dimensions, 8 * dimensions), 50)).toEqual([
          expected[7],
        ]);
      }
    });
  });

  describe('where memory cannot be shared', () => {
    /** Runs tasks here, but takes transferred buffers away as a worker does. */
    function fakePool(failAt = Infinity): WorkerPool {
      let runs = 0;
      return {
        size: 3,
        run: async (request, transfer = []) => {
          const received = structuredClone(request, { transfer: [...transfer] });
          await Promise.resolve();
          if (++runs > failAt) throw new Error('the worker died');
          const { response, transfer: back } = runSearchTask(received as SearchRequest);
          return structuredClone(response, { transfer: back });
        },
        close: () => Promise.resolve(),
      };
    }

    it('moves the vectors to the workers and back, one search after the other', async () => {
      const expected = await new VectorIndex(idsOf(count), vectors, dimensions).search(queries, 10);
      vi.stubGlobal('SharedArrayBuffer', undefined);
      try {
        const index = new VectorIndex(idsOf(count), vectors, dimensions, fakePool());
        const [first, second] = await Promise.all([index.search(queries, 10), index.search(queries, 10)]);
        expect(first).toEqual(expected);
        expect(second).toEqual(expected);
      } finally {
        vi.unstubAllGlobals();
      }
    });

    it('says so when a worker died with a part of the index', async () => {
      vi.stubGlobal('SharedArrayBuffer', undefined);
      try {
        const index = new VectorIndex(idsOf(count), vectors, dimensions, fakePool(4));
        const query = queries.slice(0, dimensions);
        expect(await index.search(query, 1)).toHaveLength(1);
        await expect(index.search(query, 1)).rejects.toThrow('the worker died');
        await expect(index.search(query, 1)).rejects.toThrow(/has to be rebuilt/);
      } finally {
        vi.unstubAllGlobals();
      }
    });
  });
});
