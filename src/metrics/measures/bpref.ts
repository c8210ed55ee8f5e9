import type { Measure } from './measure.ts';
import { ratio, unjudged } from './measure.ts';

/**
 * bpref: how often relevant documents rank above judged nonrelevant ones; documents without a judgment are ignored.
 * With R relevant and N judged nonrelevant documents, a relevant document below n nonrelevant ones
 * adds 1 − min(n, R) / min(N, R); the sum is divided by R (Buckley and Voorhees 2004, in trec_eval's form).
 */
export const bpref: Measure = {
  name: 'bpref',
  compute({ grades, relevanceLevel, relevant, nonrelevant }) {
    let nonrelevantAbove = 0;
    let sum = 0;
    for (const grade of grades) {
      if (grade === unjudged) continue;
      if (grade < relevanceLevel) {
        nonrelevantAbove += 1;
      } else {
        sum += 1 - ratio(Math.min(nonrelevantAbove, relevant), Math.min(nonrelevant, relevant));
      }
    }
    return [ratio(sum, relevant)];
  },
};
