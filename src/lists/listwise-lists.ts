import type { Judgments, ListRecord, Query } from '../corpus/types.ts';
import { candidatePool, goldPassages, ranksWith, type CandidateSource, type TextOf } from './candidates.ts';
import type { MiningReport } from './hard-negatives.ts';

export interface ListwiseOptions {
  /** Candidates of each source in each list, the best ones; what is relevant stands in the list besides. */
  readonly candidates: number;
  /** Candidates have ranks from this, 1-based, */
  readonly firstRank: number;
  /** to this: more than `candidates`, as what is relevant or a copy makes room. */
  readonly lastRank: number;
  /** A query makes a list if a passage has this grade or more; 1 by default. Lower grades above 0 are in it too. */
  readonly level?: number;
  /** Whether candidates that nobody judged get label 0, for losses that read labels; by default they get none. */
  readonly labelUnjudged?: boolean;
}

/**
 * Makes listwise training lists, one for each query: everything judged relevant, best grade first, with label and
 * source `gold`, then the candidates of each source by rank, labeled 0 where they were judged so. Whoever is to
 * learn from a teacher scores them next.
 *
 * What counts as a candidate is as for contrastive lists: nothing that has the text of a relevant passage, of the
 * query or of another candidate. To draw on several retrievers at once, fuse them first.
 */
export function makeListwiseLists(
  queries: readonly Query[],
  judgments: Judgments,
  sources: readonly CandidateSource[],
  textOf: TextOf,
  options: ListwiseOptions,
): { readonly lists: readonly ListRecord[]; readonly report: MiningReport } {
  const { level = 1, labelUnjudged = false } = options;
  const lists: ListRecord[] = [];
  const counts = { negatives: 0, skippedQueries: 0, shortLists: 0, relevant: 0, duplicatesOfPositives: 0 };
  for (const query of queries) {
    const ranksOf = ranksWith(sources, query.id);
    const gold = goldPassages(query, judgments, textOf, ranksOf, 1);
    const isRanked = sources.some(({ ranking }) => ranking.has(query.id));
    if (!gold.some(({ label = 0 }) => label >= level) || !isRanked) {
      counts.skippedQueries++;
      continue;
    }
    const pool = candidatePool(query, judgments, sources, textOf, ranksOf, options);
    counts.relevant += pool.relevant;
    counts.duplicatesOfPositives += pool.duplicates;
    const grades = judgments.get(query.id);
    const candidates = pool.candidates
      .flatMap((found) => found.slice(0, options.candidates))
      .map((candidate) => {
        // A grade below 0, as TREC gives to spam, is as irrelevant as 0.
        const isLabeled = labelUnjudged || grades?.has(candidate.id) === true;
        return isLabeled ? { ...candidate, label: 0 } : candidate;
      });
    counts.negatives += candidates.length;
    if (candidates.length < options.candidates * sources.length) counts.shortLists++;
    lists.push({ query_id: query.id, query: query.text, documents: [...gold, ...candidates] });
  }
  return { lists, report: { lists: lists.length, ...counts } };
}
