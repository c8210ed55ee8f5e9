import type { PassageRuleDefinition } from './contract.ts';
import { judgeByBar } from './score-bar.ts';

/** As the share of 1 − T where scores are positive; also right where they are not. */
export const relativeMargin: PassageRuleDefinition = {
  name: 'relative-margin',
  bound: '>=',
  judges: 'passages',
  keeps: "passages whose teacher score is at least T times |the positive's| below it",
  origin: '0.05 with GISTEmbed (arXiv 2402.16829) and NV-Retriever',
  reads: 'teacher',
  threshold: { min: 0, max: 100 },
  prepare: (threshold) => (list) => judgeByBar(list, (positive) => positive - threshold * Math.abs(positive)),
};
