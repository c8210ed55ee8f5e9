import type { Measure } from './measure.ts';
import { ratio, relevantWithin } from './measure.ts';

/** Rprec: precision after as many documents as the query has relevant ones. */
export const rPrecision: Measure = {
  name: 'Rprec',
  compute: (ranking) => [ratio(relevantWithin(ranking, ranking.relevant), ranking.relevant)],
};
