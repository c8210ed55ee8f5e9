/** Filter rules as sentences. */
import { capitalized } from '../../core/capitalized.ts';
import { numberText } from '../../core/setting-ranges.ts';
import { parseRules } from '../../lists/rule-spec.ts';
import type { FilterRule, RuleDefinition } from '../../lists/rules/contract.ts';

/** `Keeps passages whose teacher score is at most 0.95 times the positive's`. */
export function ruleInWords({ definition, threshold, source }: FilterRule): string {
  const kept = definition.keeps
    .replace(/\bT-th\b/g, ordinal(threshold))
    .replace(/\bT\b/g, numberText(threshold));
  const words = `Keeps ${kept}`;
  return source === undefined ? words : `${words}; applied to ${source} only`;
}

/** The same of a rule as recipes and reports write it: `share<=0.95`. */
export function ruleTextInWords(rule: string): string {
  try {
    return parseRules([rule]).map(ruleInWords).join(' ');
  } catch {
    return 'This rule cannot be read';
  }
}

/** What a kind of rule keeps, with T for its threshold. */
export function ruleKindInWords({ keeps }: RuleDefinition): string {
  return capitalized(keeps);
}

function ordinal(value: number): string {
  const last = value % 100 >= 11 && value % 100 <= 13 ? 0 : value % 10;
  const ending = { 1: 'st', 2: 'nd', 3: 'rd' }[last] ?? 'th';
  return `${numberText(value)}${ending}`;
}
