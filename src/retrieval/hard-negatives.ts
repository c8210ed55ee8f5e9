import { textKey } from '../corpus/text-key.ts';
import type { Judgments, ListDocument, ListRecord, Query, Source } from '../corpus/types.ts';
import { RandomStream } from '../host/random.ts';
import type { RankedDocument, Ranking } from './ranking.ts';

/** A retriever whose high ranks are taken for negatives. */
export interface NegativeSource {
  readonly source: Source;
  readonly ranking: Ranking;
}

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

export interface HardNegativeReport {
  readonly lists: number;
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

/** Every document whose text {@link mineHardNegatives} will ask for. */
export function documentsToMine(
  queries: readonly Query[],
  judgments: Judgments,
  sources: readonly NegativeSource[],
  { firstRank, lastRank }: Pick<HardNegativeOptions, 'firstRank' | 'lastRank'>,
): Set<string> {
  const ids = new Set<string>();
  for (const { id } of queries) {
    for (const [document, grade] of judgments.get(id) ?? []) if (grade > 0) ids.add(document);
    for (const { ranking } of sources) {
      for (const document of candidatesByRank(ranking.get(id), firstRank, lastRank)) ids.add(document.id);
    }
  }
  return ids;
}

/**
 * Makes training lists out of rankings and judgments: the positives of a query, with label and source `gold`, and
 * negatives from high ranks, with label 0, source and rank.
 *
 * No negative is judged relevant to the query (above grade 0, whatever the level), has the text of a document that
 * is, or of the query itself, or of another negative of the list; documents without text are no candidates. Which
 * candidates are picked by chance depends on the seed, the source and the ids, not on the order of the queries.
 * A candidate of two sources counts for the first.
 * @param textOf a document's text, undefined if the corpus lacks it
 */
export function mineHardNegatives(
  queries: readonly Query[],
  judgments: Judgments,
  sources: readonly NegativeSource[],
  textOf: (id: string) => string | undefined,
  options: HardNegativeOptions,
): { readonly lists: readonly ListRecord[]; readonly report: HardNegativeReport } {
  const lists: ListRecord[] = [];
  const counts = { negatives: 0, skippedQueries: 0, shortLists: 0, relevant: 0, duplicatesOfPositives: 0 };
  for (const query of queries) {
    const positives = positivesOf(query, judgments, textOf, options.level ?? 1);
    const isRanked = sources.some(({ ranking }) => ranking.has(query.id));
    if (positives.length === 0 || !isRanked) {
      counts.skippedQueries++;
      continue;
    }
    const pool = candidatePool(query, judgments, sources, textOf, options);
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
        ),
      );
      counts.negatives += negatives.length;
      if (negatives.length < options.negatives * sources.length) counts.shortLists++;
      lists.push({ query_id: query.id, query: query.text, documents: [...group, ...negatives] });
    }
  }
  return { lists, report: { lists: lists.length, ...counts } };
}

/** The query's positives that have a text, best grade first. */
function positivesOf(
  query: Query,
  judgments: Judgments,
  textOf: (id: string) => string | undefined,
  level: number,
): ListDocument[] {
  return [...(judgments.get(query.id) ?? [])]
    .filter(([, grade]) => grade >= level && grade > 0)
    .sort(([, a], [, b]) => b - a)
    .flatMap(([id, label]) => {
      const text = textOf(id) ?? '';
      return text.trim() === '' ? [] : [{ id, text, label, source: 'gold' }];
    });
}

interface CandidatePool {
  /** Of each source, best rank first. */
  readonly candidates: readonly (readonly ListDocument[])[];
  readonly relevant: number;
  readonly duplicates: number;
}

function candidatePool(
  query: Query,
  judgments: Judgments,
  sources: readonly NegativeSource[],
  textOf: (id: string) => string | undefined,
  { firstRank, lastRank }: HardNegativeOptions,
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
  const candidates = sources.map(({ source, ranking }) => {
    const found: ListDocument[] = [];
    for (const { id, rank } of candidatesByRank(ranking.get(query.id), firstRank, lastRank)) {
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
      found.push({ id, text, label: 0, source, rank });
    }
    return found;
  });
  return { candidates, relevant, duplicates };
}

function candidatesByRank(
  documents: readonly RankedDocument[] | undefined,
  firstRank: number,
  lastRank: number,
): readonly RankedDocument[] {
  return (documents ?? []).filter(({ rank }) => rank >= firstRank && rank <= lastRank);
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
