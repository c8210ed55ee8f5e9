import type { GradedRanking, Measure } from './measure.ts';
import { ratio, standardCutoffs } from './measure.ts';

/** map: the precision at each relevant document's rank, averaged over all relevant documents (missed ones: 0). */
export const averagePrecision: Measure = {
  name: 'map',
  compute: (ranking) => [averagePrecisionWithin(ranking, Infinity)],
};

/** map_cut_k: the same over the first k ranks. */
export const averagePrecisionAtCutoff: Measure = {
  name: 'map_cut',
  cutoffs: standardCutoffs,
  compute: (ranking, cutoffs) => cutoffs.map((cutoff) => averagePrecisionWithin(ranking, cutoff)),
};

function averagePrecisionWithin({ grades, relevanceLevel, relevant }: GradedRanking, cutoff: number): number {
  let found = 0;
  let precisions = 0;
  for (const [rank, grade] of grades.entries()) {
    if (rank >= cutoff) break;
    if (grade < relevanceLevel) continue;
    found += 1;
    precisions += found / (rank + 1);
  }
  return ratio(precisions, relevant);
}
