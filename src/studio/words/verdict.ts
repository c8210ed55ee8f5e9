import { capitalized } from '../../core/capitalized.ts';
import { own } from '../../core/own.ts';
import { verdictOf, type PairResult } from '../../metrics/compare-systems.ts';
import { metricTitle } from '../../metrics/format.ts';
import type { RecipeReport } from '../../pipeline/report.ts';
import { signed, systemName } from './findings.ts';

/** How a query's value changed by training. */
export interface QueryChange {
  readonly id: string;
  /** Of the first measure, averaged over seeds. */
  readonly before: number;
  readonly after: number;
  readonly change: 'better' | 'same' | 'worse';
}

type Results = Pick<RecipeReport, 'results'>;

/** The values of a system's queries, averaged over seeds. */
function valuesOf({ results }: Results, system: string, metric: string): readonly number[] | undefined {
  const rows = own(own(results.perQuery.systems, system), metric);
  const [first] = rows ?? [];
  if (rows === undefined || first === undefined) return undefined;
  return first.map((_, query) => rows.reduce((sum, row) => sum + (row[query] ?? 0), 0) / rows.length);
}

/** Below it a difference is rounding. */
const smallest = 1e-5;

/** Every test query under an arm and before its training; empty where values are missing. */
export function queryChanges(report: Results, arm: string, metric: string): readonly QueryChange[] {
  const before = valuesOf(report, 'untrained', metric);
  const after = valuesOf(report, arm, metric);
  if (before === undefined || after === undefined) return [];
  return report.results.perQuery.queries.map((id, i) => {
    const [old, now] = [before[i] ?? 0, after[i] ?? 0];
    const change = Math.abs(now - old) < smallest ? 'same' : now > old ? 'better' : 'worse';
    return { id, before: old, after: now, change };
  });
}

/**
 * `Listwise ranks the passages better than before training for 126 of 250 queries, and worse for 56. Contrastive: better
 * for 88, worse for 110.` The arm that gained most comes first. Undefined where queries were not measured.
 */
export function verdict({
  results,
  arms,
  recipe,
}: Results & Pick<RecipeReport, 'arms' | 'recipe'>): string | undefined {
  const metric = recipe.evaluation.measures[0] ?? '';
  const counts = arms
    .flatMap(({ name }) => {
      const changes = queryChanges({ results }, name, metric);
      const countOf = (kind: QueryChange['change']): number =>
        changes.filter(({ change }) => change === kind).length;
      return changes.length === 0 ? [] : [{ name, better: countOf('better'), worse: countOf('worse') }];
    })
    .sort((a, b) => b.better - b.worse - (a.better - a.worse));
  const [first, ...others] = counts;
  if (first === undefined) return undefined;
  return [
    `${capitalized(first.name)} ranks the passages better than before training for ${first.better} of ` +
      `${results.perQuery.queries.length} queries, and worse for ${first.worse}.`,
    ...others.map(
      ({ name, better, worse }) => `${capitalized(name)}: better for ${better}, worse for ${worse}.`,
    ),
  ].join(' ');
}

/**
 * Which differences of the first measure are significant, which are not, and how large one has to be to be detected:
 * `Significant on nDCG@10 (p below 0.05, corrected for 4 tests): listwise is better than the untrained encoder by 0.043.`
 * A sentence each; none without comparisons.
 */
export function significance({
  results,
  recipe,
}: Pick<RecipeReport, 'results' | 'recipe'>): readonly string[] {
  const { comparisons, queries } = results.all;
  const metric = comparisons[0]?.metric;
  if (metric === undefined) return [];
  const { alpha } = recipe.evaluation;
  const pairs = comparisons.filter((pair) => pair.metric === metric);
  const isShown = (pair: PairResult): boolean => ['better', 'worse'].includes(verdictOf(pair, alpha));
  const shown = pairs
    .filter(isShown)
    .map(
      (pair) =>
        `${systemName(pair.system)} is ${verdictOf(pair, alpha)} than ${systemName(pair.baseline)} by ${size(pair)}`,
    );
  const open = pairs
    .filter((pair) => !isShown(pair))
    .map(
      (pair) =>
        `${systemName(pair.system)} against ${systemName(pair.baseline)} (${signed(pair.difference)})`,
    );
  const tests = comparisons.length === 1 ? '' : `, corrected for ${comparisons.length} tests`;
  const scope = `on ${metricTitle(metric)} (p below ${alpha}${tests})`;
  return [
    `Significant ${scope}: ${shown.length === 0 ? 'no difference' : shown.join('; ')}.`,
    ...(open.length === 0 ? [] : [`Not significant: ${open.join('; ')}.`]),
    `With ${queries} queries, ${detectable(pairs)} would have been detected with a probability of 80%.`,
  ];
}

const digits = 3;

function size({ difference }: PairResult): string {
  return Math.abs(difference).toFixed(digits);
}

function detectable(pairs: readonly PairResult[]): string {
  const sizes = pairs.map(({ smallestDetectable }) => smallestDetectable.toFixed(digits)).sort();
  const [least = '', most = ''] = [sizes[0], sizes.at(-1)];
  return least === most
    ? `a true difference of ${least}`
    : `a true difference of ${least} to ${most}, depending on the pair,`;
}
