import fc from 'fast-check';
import { expect, it } from 'vitest';
import { addWordGradient, wordInputs } from '../../src/encoders/word-gradient.ts';
import { evaluate } from '../graph/evaluate.ts';
import { Graph } from '../../src/graph/expression.ts';
import { RandomStream } from '../../src/core/random.ts';

/** Few ids, so that some go on through several blocks, or many; up to some more than three blocks. */
const tokensOf = fc
  .tuple(fc.integer({ min: 1, max: 200 }), fc.constantFrom(1, 2, 3, 50, 300))
  .chain(([length, vocabulary]) =>
    fc.record({
      vocabulary: fc.constant(vocabulary),
      tokens: fc.array(fc.nat(vocabulary - 1), { minLength: length, maxLength: length }),
    }),
  );

it('adds the rows of each id to those so far, whatever repeats', () => {
  fc.assert(
    fc.property(tokensOf, ({ vocabulary, tokens }) => {
      const width = 2;
      const graph = new Graph();
      const gradient = graph.input('gradient', [tokens.length, width]);
      const sum = addWordGradient(graph, gradient, graph.input('earlier', [vocabulary, width]));
      const random = new RandomStream(1, 'rows');
      const numbers = (rows: number): { shape: number[]; data: Float64Array } => ({
        shape: [rows, width],
        data: Float64Array.from({ length: rows * width }, () => random.integer(1000)),
      });
      const feeds = { gradient: numbers(tokens.length), earlier: numbers(vocabulary) };
      const all = new Map(Object.entries(feeds));
      for (const [name, { dims, data }] of Object.entries(wordInputs(Int32Array.from(tokens), vocabulary))) {
        all.set(name, { shape: [...dims], data: Float64Array.from(data as ArrayLike<number>, Number) });
      }
      const expected = feeds.earlier.data.slice();
      tokens.forEach((id, token) => {
        for (let k = 0; k < width; k++) expected[id * width + k]! += feeds.gradient.data[token * width + k]!;
      });
      expect(evaluate([sum], all)[0]!.data).toEqual(expected);
    }),
    { numRuns: 300 },
  );
});
