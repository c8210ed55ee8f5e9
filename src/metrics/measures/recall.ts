import type { Measure } from './measure.ts';
import { ratio, relevantWithin, standardCutoffs } from './measure.ts';

/** recall_k: the share of the query's relevant documents found in the first k. */
export const recall: Measure = {
  name: 'recall',
  cutoffs: standardCutoffs,
  compute: (ranking, cutoffs) =>
    cutoffs.map((cutoff) => ratio(relevantWithin(ranking, cutoff), ranking.relevant)),
};
