import type { ComparisonTable, PairResult } from '../../pipeline/compare-systems.ts';
import type { RecipeReport } from '../../pipeline/report.ts';
import { metricTitle } from '../../pipeline/markdown.ts';
import { own } from '../../core/own.ts';

/** How systems are called in sentences; arms by their own names. */
const names: Readonly<Record<string, string>> = {
  bm25: 'keyword search (BM25)',
  untrained: 'the untrained encoder',
};

export function systemName(system: string): string {
  return own(names, system) ?? system;
}

/** What most systems were compared with, the first of them where there are several. */
export function commonBaseline(comparisons: readonly PairResult[]): string | undefined {
  const counts = new Map<string, number>();
  for (const { baseline } of comparisons) counts.set(baseline, (counts.get(baseline) ?? 0) + 1);
  return [...counts].sort(([, a], [, b]) => b - a)[0]?.[0];
}

/** As the first word of a row. */
export function systemTitle(system: string): string {
  const name = systemName(system).replace(/^the /, '');
  return name.charAt(0).toUpperCase() + name.slice(1);
}

/** `+0.042`; a true minus sign. */
export function signed(value: number): string {
  const text = Math.abs(value).toFixed(3);
  return `${value < 0 && Number(text) !== 0 ? '−' : '+'}${text}`;
}

/** What a comparison shows: the corrected test decides, the interval says how sure the size is. */
export function verdictOf(pair: PairResult, alpha: number): 'better' | 'worse' | 'open' {
  if (pair.randomizationHolmP > alpha) return 'open';
  return pair.difference > 0 ? 'better' : 'worse';
}

/** One comparison in a sentence. */
export function findingOf(pair: PairResult, alpha: number, queries: number): string {
  const { difference, interval, wins, losses } = pair;
  const metric = metricTitle(pair.metric);
  const [one, other] = [systemName(pair.system), systemName(pair.baseline)];
  const level = Math.round(100 * (1 - alpha));
  const range = `the ${level} % interval is ${signed(interval[0])} to ${signed(interval[1])}`;
  const counts = `better on ${wins} and worse on ${losses} of ${queries} test queries`;
  if (wins + losses === 0) return `${capitalize(one)} and ${other} do equally well on every test query.`;
  const verdict = verdictOf(pair, alpha);
  if (verdict === 'open') {
    const [low, high] = interval;
    if (low > 0 || high < 0) {
      return (
        `${capitalize(one)} may be ${difference > 0 ? 'better' : 'worse'} than ${other}: ${metric} ` +
        `${signed(difference)}, ${range} (${counts}). But several comparisons were made, and corrected for that the ` +
        `test does not show it (p = ${pair.randomizationHolmP.toFixed(2)}).`
      );
    }
    return (
      `No difference shown between ${one} and ${other}: ${metric} ${signed(difference)}, ${range} (${counts}). ` +
      `A true difference below ${pair.smallestDetectable.toFixed(3)} could easily have been missed.`
    );
  }
  return `${capitalize(one)} is ${verdict} than ${other}: ${metric} ${signed(difference)}, ${range} (${counts}).`;
}

/** The comparisons on the first measure, each in a sentence. */
export function findings(table: ComparisonTable, alpha: number): readonly string[] {
  const metric = table.comparisons[0]?.metric;
  return table.comparisons
    .filter((pair) => pair.metric === metric)
    .map((pair) => findingOf(pair, alpha, table.queries));
}

/** The trainings that ended as they began: no step did better on the dev queries than the start. */
export function unchanged({ arms }: Pick<RecipeReport, 'arms'>): readonly string[] {
  return arms.flatMap(({ name, trainings }) => {
    const kept = trainings.filter(({ bestStep }) => bestStep === 0).length;
    if (kept === 0) return [];
    const which = trainings.length === 1 ? '' : ` with ${kept} of ${trainings.length} seeds`;
    return [
      `${capitalize(name)}${which}: after no step was it better on the dev queries than before the training, so the ` +
        'weights it began with were kept.',
    ];
  });
}

function capitalize(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}
