import type { Measure } from './measure.ts';
import { relevantWithin } from './measure.ts';

/** success_k: 1 if a relevant document is among the first k, else 0. */
export const success: Measure = {
  name: 'success',
  cutoffs: [1, 5, 10],
  compute: (ranking, cutoffs) => cutoffs.map((cutoff) => (relevantWithin(ranking, cutoff) > 0 ? 1 : 0)),
};
