import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { TopK } from '../../src/retrieval/top-k.ts';

describe('TopK', () => {
  it('keeps what sorting keeps, in the same order, whatever the order of the offers', () => {
    const scored = fc.uniqueArray(fc.record({ item: fc.nat(1000), score: fc.integer({ min: -3, max: 3 }) }), {
      selector: ({ item }) => item,
      maxLength: 60,
    });
    fc.assert(
      fc.property(scored, fc.integer({ min: 0, max: 70 }), (entries, k) => {
        const best = new TopK(k);
        for (const { item, score } of entries) if (score >= best.threshold) best.offer(item, score);
        const { items, scores } = best.take();
        const expected = [...entries].sort((a, b) => b.score - a.score || a.item - b.item).slice(0, k);
        expect([...items]).toEqual(expected.map(({ item }) => item));
        expect([...scores]).toEqual(expected.map(({ score }) => score));
      }),
      { seed: 1, numRuns: 1000 },
    );
  });

  it('is empty after take', () => {
    const best = new TopK(2);
    best.offer(1, 5);
    best.take();
    best.offer(2, 1);
    expect([...best.take().items]).toEqual([2]);
  });
});
