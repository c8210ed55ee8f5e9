import type { PassageRuleDefinition } from './contract.ts';
import { judgeByBar } from './score-bar.ts';

/** A guide is a second encoder that knows some relevance already: what it puts near the positive may be one too. */
export const guideMargin: PassageRuleDefinition = {
  name: 'guide-margin',
  bound: '>=',
  judges: 'passages',
  keeps: "passages whose guide score is at least T below the positive's",
  origin: '0 in GISTEmbed (arXiv 2402.16829)',
  reads: 'guide',
  threshold: { min: 0, max: 1e6 },
  prepare: (threshold) => (list) => judgeByBar(list, (positive) => positive - threshold, 'guide'),
};
