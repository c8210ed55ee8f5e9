import fc from 'fast-check';
import type { ListDocument, ListRecord } from '../../src/corpus/types.ts';

/** A list with a positive of this teacher score and negatives of these, `n1`, `n2` … of source bm25. */
export function listOf(
  query: string,
  positive: number | undefined,
  negatives: readonly (number | undefined)[],
): ListRecord {
  const scored = (teacher: number | undefined): { teacher?: number } =>
    teacher === undefined ? {} : { teacher };
  return {
    query_id: query,
    query: `about ${query}`,
    documents: [
      { id: `${query}p`, text: `positive of ${query}`, label: 1, source: 'gold', ...scored(positive) },
      ...negatives.map((teacher, i): ListDocument => ({
        id: `${query}n${i + 1}`,
        text: `negative ${i + 1} of ${query}`,
        label: 0,
        source: 'bm25',
        rank: i + 1,
        ...scored(teacher),
      })),
    ],
  };
}

/** Any lists: several sources, positives and none, scores and none, negative ones too, texts with common words. */
export const anyLists: fc.Arbitrary<readonly ListRecord[]> = fc
  .array(
    fc.array(
      fc.record(
        {
          words: fc.array(fc.constantFrom('wing', 'heat', 'slab', 'flow'), { minLength: 1, maxLength: 4 }),
          label: fc.constantFrom(0, 0, 0, 1, 2),
          teacher: fc.integer({ min: 0, max: 20 }).map((score) => score / 20),
          source: fc.constantFrom('gold', 'bm25', 'dense'),
          rank: fc.integer({ min: 1, max: 30 }),
        },
        { requiredKeys: ['words', 'source'] },
      ),
      { minLength: 1, maxLength: 8 },
    ),
    { minLength: 1, maxLength: 8 },
  )
  .map((lists) =>
    lists.map((documents, i) => ({
      query_id: `q${i}`,
      query: 'flow',
      documents: documents.map(({ words, ...document }, j) => ({
        id: `d${j}`,
        text: words.join(' '),
        ...document,
      })),
    })),
  );
