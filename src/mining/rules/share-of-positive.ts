import { InputError } from '../../host/errors.ts';
import type { PassageRuleDefinition } from './contract.ts';
import { shortNumber } from './positive-score.ts';
import { judgeByBar } from './score-bar.ts';

/** For scores of 0 or more, as cosines of fitting passages and scaled scores are. */
export const shareOfPositive: PassageRuleDefinition = {
  name: 'share',
  bound: '<=',
  judges: 'passages',
  keeps: "passages whose teacher score is at most T of the positive's",
  origin: '0.95 in NV-Retriever (arXiv 2407.15831), 0.6 of scaled scores in arXiv 2502.19712',
  readsTeacher: true,
  threshold: { min: 0, max: 100 },
  prepare: (threshold) => (list) =>
    judgeByBar(list, (positive) => {
      if (positive >= 0) return threshold * positive;
      throw new InputError(
        `query "${list.record.query_id}": the positive's teacher score is ${shortNumber(positive)}, and a share of it means nothing`,
        { remedy: 'Scale the scores to 0 to 1 first, or use margin or relative-margin' },
      );
    }),
};
