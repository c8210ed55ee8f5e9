import type { PassageRuleDefinition } from './contract.ts';
import { judgeByBar } from './score-bar.ts';

export const margin: PassageRuleDefinition = {
  name: 'margin',
  bound: '>=',
  judges: 'passages',
  keeps: "passages whose teacher score is at least T below the positive's",
  origin: '0 in GISTEmbed (arXiv 2402.16829)',
  reads: 'teacher',
  threshold: { min: 0, max: 1e6 },
  prepare: (threshold) => (list) => judgeByBar(list, (positive) => positive - threshold),
};
