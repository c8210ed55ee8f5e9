import { InputError } from '../core/errors.ts';
import type { Teacher } from './teacher.ts';

/** Scores query–passage pairs: [pairs, labels] raw logits, as a CrossEncoder does, or cosines. */
export type ScorePairs = (
  pairs: readonly (readonly [query: string, passage: string])[],
) => Promise<Float32Array | Float64Array>;

/** Pairs are scored by this many, between two reports of progress. */
const PAIRS_AT_ONCE = 1024;

/**
 * A cross-encoder with one output as teacher: its raw logits. Each distinct pair of texts is scored once.
 *
 * The teacher's `score` throws InputError if the model has more than one output.
 */
export function crossEncoderTeacher(scorePairs: ScorePairs): Teacher {
  return {
    async score(lists, { onProgress } = {}) {
      const pairs: (readonly [string, string])[] = [];
      const places = new Map<string, Map<string, number>>();
      for (const { query, documents } of lists) {
        let ofQuery = places.get(query);
        if (ofQuery === undefined) places.set(query, (ofQuery = new Map<string, number>()));
        for (const { text } of documents) {
          if (ofQuery.has(text)) continue;
          ofQuery.set(text, pairs.length);
          pairs.push([query, text]);
        }
      }
      const scores = new Float64Array(pairs.length);
      for (let start = 0; start < pairs.length; start += PAIRS_AT_ONCE) {
        const part = pairs.slice(start, start + PAIRS_AT_ONCE);
        scores.set(oneScoreEach(await scorePairs(part), part.length), start);
        onProgress?.(start + part.length, pairs.length);
      }
      return lists.map(({ query, documents }) =>
        Float64Array.from(documents, ({ text }) => scores[places.get(query)?.get(text) as number] as number),
      );
    },
  };
}

function oneScoreEach<T extends Float32Array | Float64Array>(logits: T, pairs: number): T {
  if (logits.length === pairs) return logits;
  throw new InputError(`the cross-encoder gives ${logits.length / pairs} scores for each pair`, {
    remedy: 'Use one with a single output, trained to rank passages',
  });
}
