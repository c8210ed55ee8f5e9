import { log2 } from '../../core/exact-math.ts';
import type { GradedRanking, Measure } from './measure.ts';
import { ratio, standardCutoffs } from './measure.ts';

/**
 * ndcg: discounted cumulative gain over that of the ideal ranking (Järvelin and Kekäläinen 2002), with the grade
 * itself as gain and log2(1 + rank) as discount, over the whole ranking. Any positive grade counts,
 * regardless of the relevance level.
 */
export const ndcg: Measure = {
  name: 'ndcg',
  compute: (ranking) => [ndcgWithin(ranking, Infinity)],
};

/** ndcg_cut_k: the same over the first k ranks of both rankings; nDCG@k. */
export const ndcgAtCutoff: Measure = {
  name: 'ndcg_cut',
  cutoffs: standardCutoffs,
  compute: (ranking, cutoffs) => cutoffs.map((cutoff) => ndcgWithin(ranking, cutoff)),
};

function ndcgWithin(ranking: GradedRanking, cutoff: number): number {
  return ratio(gainWithin(ranking.grades, cutoff), gainWithin(ranking.idealGrades, cutoff));
}

function gainWithin(grades: readonly number[], cutoff: number): number {
  const end = Math.min(cutoff, grades.length);
  let sum = 0;
  for (let rank = 0; rank < end; rank++) {
    const gain = grades[rank] ?? 0;
    if (gain > 0) sum += gain / log2(rank + 2);
  }
  return sum;
}
