/** What rules did with lists, as a table and as examples. */
import type { FilterReport, RuleExample, RuleReport } from './filter.ts';

/** A header and a row per rule; nothing where no rule was applied. */
export function filterRows(report: FilterReport | null): readonly (readonly string[])[] {
  if (report === null || report.rules.length === 0) return [];
  return [
    ['rule', 'judges', 'kept', 'dropped', 'could not judge', 'passages dropped by source'],
    ...report.rules.map((rule) => [
      rule.rule,
      rule.judges,
      String(rule.counts.kept),
      String(rule.counts.dropped),
      String(rule.counts.skipped),
      droppedBySource(rule),
    ]),
  ];
}

function droppedBySource({ bySource }: RuleReport): string {
  return Object.entries(bySource)
    .filter(([, { dropped }]) => dropped > 0)
    .map(([source, { dropped }]) => `${source} ${dropped}`)
    .join(', ');
}

export interface ShownExample extends RuleExample {
  readonly rule: string;
  readonly what: 'kept' | 'dropped';
  /** In parentheses; empty where there is none. */
  readonly reason: string;
}

/** The examples of all rules, in their order. */
export function filterExamples(report: FilterReport | null): readonly ShownExample[] {
  return (report?.rules ?? []).flatMap(({ rule, keptExamples, droppedExamples }) => [
    ...keptExamples.map((example) => shown(rule, 'kept', example)),
    ...droppedExamples.map((example) => shown(rule, 'dropped', example)),
  ]);
}

function shown(rule: string, what: ShownExample['what'], example: RuleExample): ShownExample {
  const { verdict } = example;
  return { ...example, rule, what, reason: verdict.startsWith('drop: ') ? ` (${verdict.slice(6)})` : '' };
}
