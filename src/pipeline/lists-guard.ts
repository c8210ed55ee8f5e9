/** What keeps held-out queries and passages out of training lists. */
import type { ListRecord, Query } from '../corpus/types.ts';

/** Queries that stages have written, which no training list may have. */
export interface QueriesOfStages {
  readonly test: readonly Query[];
  readonly dev: readonly Query[];
}

/** Keeps out of training lists what may be in none. */
export interface ListsGuard {
  /** @param written by stages, as far as any write what is held out */
  guard(
    lists: readonly ListRecord[],
    written?: QueriesOfStages,
  ): {
    readonly lists: readonly ListRecord[];
    readonly report: GuardReport;
  };
}

/** What was left out of training lists. A type alias, so that it is assignable to Json. */
export type GuardReport = Readonly<{
  /** Lists whose query is a test query, by id or by text. */
  testQueries: number;
  /** Lists whose query is a dev query, or which have positives of dev queries (in a split by queries, no others). */
  devQueries: number;
  /** Positives removed from other lists as those of dev queries, in a split by queries. */
  devPositives: number;
  /** Lists with a positive that is held out with the queries written for it. */
  heldPassages: number;
  /** Lists in which no passage was left. */
  emptyLists: number;
  /** Negatives with the text or the id of a positive of their list. */
  contradictions: number;
}>;

/** Of lists of which nothing was left out. */
export function newCounts() {
  return {
    testQueries: 0,
    devQueries: 0,
    devPositives: 0,
    heldPassages: 0,
    emptyLists: 0,
    contradictions: 0,
  };
}
