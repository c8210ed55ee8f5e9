import type { Measure } from './measure.ts';

/** recip_rank: one over the rank of the first relevant document, 0 without one. Its average is the MRR. */
export const reciprocalRank: Measure = {
  name: 'recip_rank',
  compute(ranking) {
    const first = ranking.grades.findIndex((grade) => grade >= ranking.relevanceLevel);
    return [first === -1 ? 0 : 1 / (first + 1)];
  },
};
