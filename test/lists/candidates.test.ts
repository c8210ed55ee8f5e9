import { describe, expect, it } from 'vitest';
import type { ListDocument } from '../../src/corpus/types.ts';
import { documentsToMine, fusedSource, type CandidateSource } from '../../src/lists/candidates.ts';
import { makeListwiseLists, type ListwiseOptions } from '../../src/lists/listwise-lists.ts';
import type { Ranking } from '../../src/retrieval/ranking.ts';

const texts: Record<string, string> = {
  best: 'the answer',
  good: 'half an answer',
  copy: 'The  answer',
  spam: 'buy this',
  zero: 'judged and wrong',
  n1: 'one',
  n2: 'two',
  n3: 'three',
};
const textOf = (id: string): string | undefined => texts[id];
const queries = [{ id: 'q', text: 'what?' }];
const judgments = new Map([
  ['q', new Map(Object.entries({ good: 1, best: 2, zero: 0, spam: -2, absent: 1 }))],
]);
const rank = (...ids: string[]): Ranking =>
  new Map([['q', ids.map((id, i) => ({ id, score: -i, rank: i + 1 }))]]);
const bm25: CandidateSource = {
  source: 'bm25',
  ranking: rank('copy', 'best', 'n1', 'spam', 'zero', 'n2', 'n3'),
};
const dense: CandidateSource = { source: 'dense', ranking: rank('n2', 'good', 'n1') };
const options: ListwiseOptions = { candidates: 3, firstRank: 1, lastRank: 10 };

const withoutText = (document: ListDocument): Omit<ListDocument, 'text'> => {
  const copy: { text?: string } & Omit<ListDocument, 'text'> = { ...document };
  delete copy.text;
  return copy;
};

const shown = (sources: readonly CandidateSource[], changed: Partial<ListwiseOptions> = {}) => {
  const { lists, report } = makeListwiseLists(queries, judgments, sources, textOf, {
    ...options,
    ...changed,
  });
  return { documents: lists[0]?.documents.map(withoutText), lists, report };
};

describe('fusedSource', () => {
  it('ranks by the sum of 1 / (60 + rank), and keeps the ranks of each retriever', () => {
    const fused = fusedSource([bm25, dense], 6);
    // n2: 1/66 + 1/61; n1: 1/63 + 1/63; copy: 1/61; good and best: 1/62, ties by id descending; spam 1/64 …
    expect(fused.ranking.get('q')?.map(({ id }) => id)).toEqual([
      'n1',
      'n2',
      'copy',
      'good',
      'best',
      'spam',
      'zero',
    ]);
    expect(shown([fused], { candidates: 2 }).documents).toEqual([
      { id: 'best', label: 2, source: 'gold', ranks: { fused: 5, bm25: 2 } },
      { id: 'good', label: 1, source: 'gold', ranks: { fused: 4, dense: 2 } },
      { id: 'n1', source: 'fused', rank: 1, ranks: { fused: 1, bm25: 3, dense: 3 } },
      { id: 'n2', source: 'fused', rank: 2, ranks: { fused: 2, bm25: 6, dense: 1 } },
    ]);
  });
});

describe('makeListwiseLists', () => {
  it('puts what is relevant first, then candidates, with labels where they are judged', () => {
    const { documents, report, lists } = shown([bm25]);
    expect(documents).toEqual([
      { id: 'best', label: 2, source: 'gold', ranks: { bm25: 2 } },
      { id: 'good', label: 1, source: 'gold' },
      { id: 'n1', source: 'bm25', rank: 3 },
      { id: 'spam', label: 0, source: 'bm25', rank: 4 },
      { id: 'zero', label: 0, source: 'bm25', rank: 5 },
    ]);
    expect(lists[0]).toMatchObject({ query_id: 'q', query: 'what?' });
    expect(report).toEqual({
      lists: 1,
      negatives: 3,
      skippedQueries: 0,
      shortLists: 0,
      relevant: 1,
      duplicatesOfPositives: 1,
    });
  });

  it('labels what nobody judged where asked, and keeps to the ranks', () => {
    expect(shown([bm25], { labelUnjudged: true }).documents?.map(({ label }) => label)).toEqual([
      2, 1, 0, 0, 0,
    ]);
    const late = shown([bm25], { firstRank: 5, lastRank: 6 });
    expect(late.documents?.map(({ id }) => id)).toEqual(['best', 'good', 'zero', 'n2']);
    expect(late.report.shortLists).toBe(1);
  });

  it('takes as many of each source, what both have once', () => {
    expect(shown([bm25, dense]).documents?.slice(2)).toEqual([
      { id: 'n1', source: 'bm25', rank: 3, ranks: { bm25: 3, dense: 3 } },
      { id: 'spam', label: 0, source: 'bm25', rank: 4 },
      { id: 'zero', label: 0, source: 'bm25', rank: 5 },
    ]);
  });

  it('makes no list below the level, and keeps lower grades in those it makes', () => {
    expect(shown([bm25], { level: 3 }).report).toMatchObject({ lists: 0, skippedQueries: 1 });
    expect(shown([bm25], { level: 2 }).documents?.[1]).toMatchObject({ id: 'good', label: 1 });
  });
});

describe('documentsToMine', () => {
  it('names what is relevant and the candidates of the ranks', () => {
    expect([...documentsToMine(queries, judgments, [bm25], { firstRank: 3, lastRank: 4 })].sort()).toEqual([
      'absent',
      'best',
      'good',
      'n1',
      'spam',
    ]);
  });
});
