import type { Measure } from './measure.ts';
import { relevantWithin, standardCutoffs } from './measure.ts';

/** P_k: the share of relevant documents in the first k; a shorter ranking is still divided by k. */
export const precision: Measure = {
  name: 'P',
  cutoffs: standardCutoffs,
  compute: (ranking, cutoffs) => cutoffs.map((cutoff) => relevantWithin(ranking, cutoff) / cutoff),
};
