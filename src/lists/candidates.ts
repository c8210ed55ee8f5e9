import { textKey } from '../corpus/text-key.ts';
import type { Judgments, ListDocument, Query, Source } from '../corpus/types.ts';
import { cutRanking, type RankedDocument, type Ranking } from '../retrieval/ranking.ts';
import { fuseByRank } from '../retrieval/fusion.ts';

/** A retriever whose high ranks are candidates for training lists. */
export interface CandidateSource {
  /** What its candidates are marked with. */
  readonly source: Source;
  readonly ranking: Ranking;
  /** The retrievers it was fused from, if it was: candidates keep their ranks as well. */
  readonly retrievers?: readonly CandidateSource[];
}

/**
 * One source out of several, by reciprocal rank fusion over the first `depth` of each.
 * @param k 60 in the paper of the method; larger values make the first ranks count less
 */
export function fusedSource(retrievers: readonly CandidateSource[], depth: number, k = 60): CandidateSource {
  const inputs = retrievers.map(({ source, ranking }) => ({ source, ranking: cutRanking(ranking, depth) }));
  return { source: 'fused', ranking: fuseByRank(inputs, k), retrievers };
}

/** The ranks a query's documents have with every retriever. */
export type RanksOf = (id: string) => Readonly<Record<Source, number>> | undefined;

/** Looks up ranks in the sources, and in what they were fused from; undefined where no retriever has the document. */
export function ranksWith(sources: readonly CandidateSource[], query: string): RanksOf {
  const all = sources.flatMap((source) => [source, ...(source.retrievers ?? [])]);
  const ranks = new Map<string, Record<Source, number>>();
  for (const { source, ranking } of all) {
    for (const { id, rank } of ranking.get(query) ?? []) {
      const known = ranks.get(id);
      if (known === undefined) ranks.set(id, { [source]: rank });
      else known[source] = rank;
    }
  }
  return (id) => ranks.get(id);
}

/** The candidates of one source for a query, best rank first, with the ranks from `firstRank` to `lastRank`. */
export function candidatesByRank(
  { ranking }: CandidateSource,
  query: string,
  firstRank: number,
  lastRank: number,
): readonly RankedDocument[] {
  return (ranking.get(query) ?? []).filter(({ rank }) => rank >= firstRank && rank <= lastRank);
}

/**
 * Every document whose text mining will ask for: what is judged relevant to a query, and the candidates of the
 * sources with ranks from `firstRank` to `lastRank`.
 */
export function documentsToMine(
  queries: readonly Query[],
  judgments: Judgments,
  sources: readonly CandidateSource[],
  { firstRank, lastRank }: { readonly firstRank: number; readonly lastRank: number },
): Set<string> {
  const ids = new Set<string>();
  for (const { id } of queries) {
    for (const [document, grade] of judgments.get(id) ?? []) if (grade > 0) ids.add(document);
    for (const source of sources) {
      for (const document of candidatesByRank(source, id, firstRank, lastRank)) ids.add(document.id);
    }
  }
  return ids;
}

/** A document's text; undefined where the corpus lacks it. */
export type TextOf = (id: string) => string | undefined;

/**
 * The query's positives that have a text, best grade first, as passages of source `gold` with the ranks the
 * retrievers gave them.
 * @param level the lowest grade of a positive
 */
export function goldPassages(
  query: Query,
  judgments: Judgments,
  textOf: TextOf,
  ranksOf: RanksOf,
  level: number,
): ListDocument[] {
  return [...(judgments.get(query.id) ?? [])]
    .filter(([, grade]) => grade >= level && grade > 0)
    .sort(([, a], [, b]) => b - a)
    .flatMap(([id, label]) => {
      const text = textOf(id) ?? '';
      if (text.trim() === '') return [];
      const ranks = ranksOf(id);
      return [{ id, text, label, source: 'gold', ...(ranks && { ranks }) }];
    });
}

export interface CandidatePool {
  /** Of each source, best rank first, without labels. */
  readonly candidates: readonly (readonly ListDocument[])[];
  /** Left out because they are judged relevant. */
  readonly relevant: number;
  /** Left out because they have the text of a relevant document or of the query. */
  readonly duplicates: number;
}

/**
 * The candidates of a query that are not known to be relevant: no document judged above grade 0, none with the text
 * of one or of the query, none without text, and no text twice; what two sources have counts for the first.
 */
export function candidatePool(
  query: Query,
  judgments: Judgments,
  sources: readonly CandidateSource[],
  textOf: TextOf,
  ranksOf: RanksOf,
  { firstRank, lastRank }: { readonly firstRank: number; readonly lastRank: number },
): CandidatePool {
  const relevantIds = new Set<string>();
  const forbidden = new Set([textKey(query.text)]);
  for (const [id, grade] of judgments.get(query.id) ?? []) {
    if (grade <= 0) continue;
    relevantIds.add(id);
    forbidden.add(textKey(textOf(id) ?? ''));
  }
  const taken = new Set<string>();
  let relevant = 0;
  let duplicates = 0;
  const candidates = sources.map((candidateSource) => {
    const found: ListDocument[] = [];
    for (const { id, rank } of candidatesByRank(candidateSource, query.id, firstRank, lastRank)) {
      if (relevantIds.has(id)) {
        relevant++;
        continue;
      }
      const text = textOf(id) ?? '';
      const key = textKey(text);
      if (key === '' || taken.has(key)) continue;
      if (forbidden.has(key)) {
        duplicates++;
        continue;
      }
      taken.add(key);
      found.push(candidate(id, text, candidateSource.source, rank, ranksOf(id)));
    }
    return found;
  });
  return { candidates, relevant, duplicates };
}

/** `ranks` only where it says more than source and rank. */
function candidate(
  id: string,
  text: string,
  source: Source,
  rank: number,
  ranks: Readonly<Record<Source, number>> | undefined,
): ListDocument {
  const saysMore = ranks !== undefined && Object.keys(ranks).some((other) => other !== source);
  return { id, text, source, rank, ...(saysMore && { ranks }) };
}
