import type { Measure } from './measure.ts';
import { relevantWithin } from './measure.ts';

/** Documents retrieved. */
export const retrievedCount: Measure = {
  name: 'num_ret',
  isCount: true,
  compute: (ranking) => [ranking.grades.length],
};

/** Relevant documents among the judged. */
export const relevantCount: Measure = {
  name: 'num_rel',
  isCount: true,
  compute: (ranking) => [ranking.relevant],
};

/** Relevant documents retrieved. */
export const relevantRetrievedCount: Measure = {
  name: 'num_rel_ret',
  isCount: true,
  compute: (ranking) => [relevantWithin(ranking, Infinity)],
};
