import type { PassageRuleDefinition } from './contract.ts';
import { judgeByBar } from './score-bar.ts';

/** Of a positive's score below 0 a share means nothing: such a list it can not judge. Scaled scores have none. */
export const shareOfPositive: PassageRuleDefinition = {
  name: 'share',
  bound: '<=',
  judges: 'passages',
  keeps: "passages whose teacher score is at most T times the positive's, if that is 0 or more",
  origin: '0.95 in NV-Retriever (arXiv 2407.15831), 0.6 of scaled scores in arXiv 2502.19712',
  reads: 'teacher',
  threshold: { min: 0, max: 100 },
  prepare: (threshold) => (list) =>
    judgeByBar(list, (positive) => (positive >= 0 ? threshold * positive : 'the positive scores below 0')),
};
