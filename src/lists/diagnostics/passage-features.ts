import { isPositive } from '../../corpus/text-key.ts';
import type { ListDocument, ListRecord } from '../../corpus/types.ts';
import { createAnalyzer } from '../../retrieval/analyzer.ts';
import { Bm25Builder, type Bm25Index } from '../../retrieval/bm25.ts';
import { TokenSets, tokenJaccard } from '../../retrieval/token-overlap.ts';
import { rougeL } from './rouge-l.ts';

/** How a passage looks beside its query and its list's first positive. */
export interface PassageFeatures {
  readonly list: ListRecord;
  readonly document: ListDocument;
  /** In lower case, without punctuation. */
  readonly words: readonly string[];
  readonly jaccardQuery: number;
  readonly jaccardPositive: number;
  readonly rougeQuery: number;
  readonly rougePositive: number;
  readonly bm25Query: number;
  readonly bm25Positive: number;
  /** Words over the positive's. */
  readonly lengthRatio: number;
}

/** Positives are compared with what they stand for; words beyond this many are not read by ROUGE-L. */
const MOST_WORDS = 400;

/** Of every passage that is no positive, in lists that have one. BM25 knows the passages of these lists alone. */
export function passageFeatures(lists: readonly ListRecord[]): readonly PassageFeatures[] {
  const analyzer = createAnalyzer('plain');
  const sets = new TokenSets();
  const index = indexPassages(lists);
  return lists.flatMap((list) => {
    const positive = list.documents.find((document) => isPositive(document));
    if (positive === undefined) return [];
    const wordsOf = (text: string): readonly string[] => analyzer.analyze(text);
    const [query, answer] = [wordsOf(list.query), wordsOf(positive.text)];
    const [byQuery, byPositive] = [list.query, positive.text].map(
      (text) => new Map(index.search(text, index.size).map(({ id, score }) => [id, score])),
    );
    return list.documents
      .filter((document) => !isPositive(document))
      .map((document) => {
        const words = wordsOf(document.text);
        const first = words.slice(0, MOST_WORDS);
        return {
          list,
          document,
          words,
          jaccardQuery: tokenJaccard(sets.of(document.text), sets.of(list.query)),
          jaccardPositive: tokenJaccard(sets.of(document.text), sets.of(positive.text)),
          rougeQuery: rougeL(first, query.slice(0, MOST_WORDS)),
          rougePositive: rougeL(first, answer.slice(0, MOST_WORDS)),
          bm25Query: byQuery?.get(document.text) ?? 0,
          bm25Positive: byPositive?.get(document.text) ?? 0,
          lengthRatio: words.length / Math.max(1, answer.length),
        };
      });
  });
}

/** Each distinct text once, under itself. */
function indexPassages(lists: readonly ListRecord[]): Bm25Index {
  const builder = new Bm25Builder();
  const seen = new Set<string>();
  for (const { documents } of lists) {
    for (const { text } of documents) {
      if (seen.has(text)) continue;
      seen.add(text);
      builder.add(text, text);
    }
  }
  return builder.finish();
}
