import type { Judgments } from '../corpus/types.ts';
import type { RequestedMeasure } from './measures/registry.ts';
import { measureNames } from './measures/registry.ts';
import { compareBytes, gradeRanking, rankDocuments } from './ranking.ts';
import type { Run, ScoredDocuments } from './run.ts';
import { own } from '../core/own.ts';

export interface EvaluationOptions {
  /** The lowest grade that counts as relevant (trec_eval -l); 1 by default. */
  readonly relevanceLevel?: number | undefined;
  /** Counts judged queries that the run lacks as 0 (trec_eval -c) instead of leaving them out. */
  readonly complete?: boolean | undefined;
  /** Evaluates only the top documents of a query, this many (trec_eval -M). */
  readonly maxRank?: number | undefined;
  /** Drops a document whose id is the query's, as BEIR does for ArguAna and Quora. */
  readonly dropIdentical?: boolean | undefined;
}

export interface Evaluation {
  /** How many queries the averages are over. */
  readonly queries: number;
  /** Value by measure name; counts (`num_ret` …) summed, other measures averaged over the queries. */
  readonly metrics: Readonly<Record<string, number>>;
  /** Query id → value by measure name, in ascending order of the ids' bytes. */
  readonly perQuery: ReadonlyMap<string, Readonly<Record<string, number>>>;
}

const nothing: ScoredDocuments = { documents: [], scores: [] };

/**
 * Scores a run as trec_eval does: over the queries that are in both the judgments and the run. Without such a
 * query every average is 0.
 */
export function evaluate(
  judgments: Judgments,
  run: Run,
  measures: readonly RequestedMeasure[],
  options: EvaluationOptions = {},
): Evaluation {
  const { relevanceLevel = 1, complete = false, maxRank = Infinity, dropIdentical = false } = options;
  const queries = [...judgments.keys()].filter((query) => complete || run.has(query)).sort(compareBytes);
  const perQuery = new Map<string, Readonly<Record<string, number>>>();
  const sums: Record<string, number> = {};
  const counts = new Set<string>();
  for (const requested of measures) {
    for (const name of measureNames(requested)) {
      sums[name] = 0;
      if (requested.measure.isCount === true) counts.add(name);
    }
  }
  for (const query of queries) {
    const scored = run.get(query) ?? nothing;
    let ranked = rankDocuments(scored).map((position) => scored.documents[position] ?? '');
    if (dropIdentical) ranked = ranked.filter((document) => document !== query);
    ranked = ranked.slice(0, maxRank);
    const grades = gradeRanking(ranked, judgments.get(query) ?? new Map<string, number>(), relevanceLevel);
    const values: Record<string, number> = {};
    for (const requested of measures) {
      const computed = requested.measure.compute(grades, requested.cutoffs);
      for (const [i, name] of measureNames(requested).entries()) {
        const value = computed[i] ?? 0;
        values[name] = value;
        sums[name] = (own(sums, name) ?? 0) + value;
      }
    }
    perQuery.set(query, values);
  }
  const metrics = Object.fromEntries(
    Object.entries(sums).map(([name, sum]) => [
      name,
      counts.has(name) || queries.length === 0 ? sum : sum / queries.length,
    ]),
  );
  return { queries: queries.length, metrics, perQuery };
}
