/** The grade of a ranked document without a judgment, or with a negative grade (trec_eval: in the pool only). */
export const unjudged = -1;

/** One query's ranking as the measures see it: grades instead of documents. */
export interface GradedRanking {
  /** The grade of the document at each rank, best first; {@link unjudged} where there is none. */
  readonly grades: readonly number[];
  /** All positive grades among the query's judgments, highest first, retrieved or not. */
  readonly idealGrades: readonly number[];
  /** A document counts as relevant from this grade on. Graded gains (nDCG) do not look at it. */
  readonly relevanceLevel: number;
  /** Judged documents with a grade of at least the relevance level, retrieved or not. */
  readonly relevant: number;
  /** Judged documents with a grade from 0 to below the relevance level, retrieved or not. */
  readonly nonrelevant: number;
}

/** A family of trec_eval's measures: `ndcg_cut` with its cut-offs, or `map` alone. */
export interface Measure {
  /** trec_eval's name. */
  readonly name: string;
  /** The cut-offs used where none are named; absent for a measure without cut-offs. */
  readonly cutoffs?: readonly number[];
  /** Counts are summed over queries and printed as whole numbers; other measures are averaged. */
  readonly isCount?: boolean;
  /** One value for each cut-off (ascending); one value for a measure without cut-offs. */
  compute(ranking: GradedRanking, cutoffs: readonly number[]): readonly number[];
}

/** trec_eval's cut-offs for most measures. */
export const standardCutoffs: readonly number[] = [5, 10, 15, 20, 30, 100, 200, 500, 1000];

/** Number of relevant documents in the first `cutoff` ranks. */
export function relevantWithin(ranking: GradedRanking, cutoff: number): number {
  const end = Math.min(cutoff, ranking.grades.length);
  let count = 0;
  for (let rank = 0; rank < end; rank++) {
    if ((ranking.grades[rank] ?? unjudged) >= ranking.relevanceLevel) count += 1;
  }
  return count;
}

/** A ratio that is 0 where there is nothing to divide by, as in trec_eval. */
export function ratio(part: number, whole: number): number {
  return whole === 0 ? 0 : part / whole;
}
