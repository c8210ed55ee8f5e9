import type { Judgments, ListDocument, ListRecord, Query } from '../corpus/types.ts';
import { RandomStream } from '../core/random.ts';
import { candidatePool, goldPassages, ranksWith, type CandidateSource, type TextOf } from './candidates.ts';

export interface HardNegativeOptions {
  /** Negatives of each source for each list; fewer where there are no more candidates. */
  readonly negatives: number;
  /** Candidates have ranks from this, 1-based, */
  readonly firstRank: number;
  /** to this. */
  readonly lastRank: number;
  /** The best candidates, or some of them by chance. */
  readonly pick: 'top' | 'random';
  readonly seed: number;
  /** The lowest grade of a positive; 1 by default. A lower grade above 0 makes neither a positive nor a negative. */
  readonly level?: number;
  /** A list for each positive of a query, or one with all of them. */
  readonly lists: 'per-positive' | 'per-query';
}

/** What mining made, and what it left out. */
export interface MiningReport {
  readonly lists: number;
  /** Passages in the lists that come from the sources. */
  readonly negatives: number;
  /** Queries without a ranking, or without a positive that has a text: they make no list. */
  readonly skippedQueries: number;
  /** Lists with fewer negatives than asked for. */
  readonly shortLists: number;
  /** Candidates left out because they are relevant to the query. */
  readonly relevant: number;
  /** Candidates left out because they have the text of a positive or of the query. */
  readonly duplicatesOfPositives: number;
}

/**
 * Makes contrastive training lists out of rankings and judgments: the positives of a query, with label and source
 * `gold`, and negatives from high ranks, with label 0, source and rank.
 *
 * No negative is judged relevant to the query (above grade 0, whatever the level), has the text of a document that
 * is, or of the query itself, or of another negative of the list; documents without text are no candidates. Which
 * candidates are picked by chance depends on the seed, the source and the ids, not on the order of the queries.
 * A candidate of two sources counts for the first.
 */
export function mineHardNegatives(
  queries: readonly Query[],
  judgments: Judgments,
  sources: readonly CandidateSource[],
  textOf: TextOf,
  options: HardNegativeOptions,
): { readonly lists: readonly ListRecord[]; readonly report: MiningReport } {
  const lists: ListRecord[] = [];
  const counts = { negatives: 0, skippedQueries: 0, shortLists: 0, relevant: 0, duplicatesOfPositives: 0 };
  for (const query of queries) {
    const ranksOf = ranksWith(sources, query.id);
    const positives = goldPassages(query, judgments, textOf, ranksOf, options.level ?? 1);
    const isRanked = sources.some(({ ranking }) => ranking.has(query.id));
    if (positives.length === 0 || !isRanked) {
      counts.skippedQueries++;
      continue;
    }
    const pool = candidatePool(query, judgments, sources, textOf, ranksOf, options);
    counts.relevant += pool.relevant;
    counts.duplicatesOfPositives += pool.duplicates;
    const groups = options.lists === 'per-query' ? [positives] : positives.map((positive) => [positive]);
    for (const group of groups) {
      const list = options.lists === 'per-query' ? 'all' : (group[0]?.id ?? '');
      const negatives = pool.candidates.flatMap((candidates, i) =>
        pickSome(
          candidates,
          options,
          new RandomStream(options.seed, 'negatives', sources[i]?.source ?? '', query.id, list),
        ).map((candidate) => ({ ...candidate, label: 0 })),
      );
      counts.negatives += negatives.length;
      if (negatives.length < options.negatives * sources.length) counts.shortLists++;
      lists.push({ query_id: query.id, query: query.text, documents: [...group, ...negatives] });
    }
  }
  return { lists, report: { lists: lists.length, ...counts } };
}

/** In the order of their ranks. */
function pickSome(
  candidates: readonly ListDocument[],
  { negatives, pick }: HardNegativeOptions,
  random: RandomStream,
): readonly ListDocument[] {
  if (pick === 'top') return candidates.slice(0, negatives);
  const chosen = random.shuffle(Array.from(candidates.keys())).slice(0, negatives);
  const places = new Set(chosen);
  return candidates.filter((_, i) => places.has(i));
}
