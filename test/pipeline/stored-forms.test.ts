import fc from 'fast-check';
import { expect, it } from 'vitest';
import type { Ranking } from '../../src/retrieval/ranking.ts';
import { canonicalJson } from '../../src/core/canonical-json.ts';
import { stageKey } from '../../src/pipeline/stage-store.ts';
import {
  decodeLists,
  decodeRanking,
  decodeWeights,
  encodeLists,
  encodeRanking,
  encodeWeights,
} from '../../src/pipeline/stored-forms.ts';
import { makeLists } from '../support/training-lists.ts';

it('a ranking comes back as it went, in 8 bytes a document', () => {
  const id = fc.string({ unit: 'grapheme', minLength: 1, maxLength: 8 });
  const rankings = fc
    .dictionary(id, fc.uniqueArray(id, { maxLength: 12 }))
    .map(
      (found): Ranking =>
        new Map(
          Object.entries(found).map(([query, ids]) => [
            query,
            ids.map((document, i) => ({ id: document, score: Math.fround(1 / (i + 1.7)), rank: i + 1 })),
          ]),
        ),
    );
  fc.assert(
    fc.property(rankings, (ranking) => {
      expect(decodeRanking(encodeRanking(ranking))).toEqual(ranking);
    }),
  );
  const documents = Array.from({ length: 100 }, (_, i) => ({ id: `d${i}`, score: i, rank: i + 1 }));
  const big = new Map(Array.from({ length: 200 }, (_, i) => [`q${i}`, documents]));
  expect(encodeRanking(big).length).toBeLessThan(200 * 100 * 8 + 5000);
});

it('lists and weights come back as they went', () => {
  const lists = makeLists(5).map((list) => ({ ...list, query: `${list.query}\u2028\n"` }));
  expect(decodeLists(encodeLists(lists))).toEqual(lists);
  const weights = new Map([
    ['a', { dims: [2, 2], data: Float32Array.of(1, -0, 1e-40, 3) }],
    ['b', { dims: [1], data: Float32Array.of(Math.fround(0.1)) }],
  ]);
  const decoded = decodeWeights(encodeWeights(weights));
  expect(decoded).toEqual(weights);
  // In the same order, which a hash of them looks at, where names and types say so.
  expect([...decoded.keys()]).toEqual(['a', 'b']);
});

it('a key is the same for equal inputs in any order, and another for others', async () => {
  expect(canonicalJson({ b: [1, { d: 1, c: null }], a: 'x' })).toBe('{"a":"x","b":[1,{"c":null,"d":1}]}');
  const key = await stageKey({ kind: 'lists', version: 2 }, { a: 1, b: { c: 2, d: 3 } });
  expect(key).toMatch(/^lists\/[0-9a-f]{64}$/);
  expect(await stageKey({ kind: 'lists', version: 2 }, { b: { d: 3, c: 2 }, a: 1 })).toBe(key);
  const others = [
    await stageKey({ kind: 'scores', version: 2 }, { a: 1, b: { c: 2, d: 3 } }),
    await stageKey({ kind: 'lists', version: 3 }, { a: 1, b: { c: 2, d: 3 } }),
    await stageKey({ kind: 'lists', version: 2 }, { a: 1, b: { c: 2, d: 4 } }),
    await stageKey({ kind: 'lists', version: 2 }, { a: 1, b: [2, 3] }),
  ];
  expect(new Set([key, ...others]).size).toBe(5);
});
