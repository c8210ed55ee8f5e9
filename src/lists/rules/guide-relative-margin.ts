import type { PassageRuleDefinition } from './contract.ts';
import { judgeByBar } from './score-bar.ts';

export const guideRelativeMargin: PassageRuleDefinition = {
  name: 'guide-relative-margin',
  bound: '>=',
  judges: 'passages',
  keeps: "passages whose guide score is at least T times |the positive's| below it",
  origin: "0.05 as the relative margin of sentence-transformers' guided loss",
  reads: 'guide',
  threshold: { min: 0, max: 100 },
  prepare: (threshold) => (list) =>
    judgeByBar(list, (positive) => positive - threshold * Math.abs(positive), 'guide'),
};
