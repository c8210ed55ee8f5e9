import type { Run } from '../metrics/run.ts';

/** One document that a retriever returned. */
export interface RankedDocument {
  readonly id: string;
  /** A float32 value. */
  readonly score: number;
  /** 1-based. */
  readonly rank: number;
}

/**
 * What a retriever returned: query id → documents from best to worst. Equal scores (compared as float32) are in
 * the order trec_eval gives them: by document id, descending by bytes.
 */
export type Ranking = ReadonlyMap<string, readonly RankedDocument[]>;

/** The best `k` documents of each query. */
export function cutRanking(ranking: Ranking, k: number): Ranking {
  return new Map([...ranking].map(([query, documents]) => [query, documents.slice(0, k)]));
}

/** The form that the measures take. */
export function rankingToRun(ranking: Ranking): Run {
  return new Map(
    [...ranking].map(([query, documents]) => [
      query,
      { documents: documents.map(({ id }) => id), scores: documents.map(({ score }) => score) },
    ]),
  );
}
