/** Comparisons of runs as files for other programs. */
import { own } from '../core/own.ts';
import { verdictOf, type ComparisonTable, type MeasuredSystem } from './compare-systems.ts';
import { formatValue } from './format.ts';
import { toCsv, toLatex, type Cell } from './tables.ts';

function metricsOf({ systems }: ComparisonTable): readonly string[] {
  return Object.keys(systems[0]?.metrics ?? {});
}

function meanOf(system: MeasuredSystem | undefined, metric: string): number {
  return own(system?.metrics, metric)?.mean ?? 0;
}

/** The means as rows of cells, with a header. */
export function meanRows(table: ComparisonTable): readonly (readonly string[])[] {
  const metrics = metricsOf(table);
  return [
    ['run', ...metrics],
    ...table.systems.map((system) => [
      system.name,
      ...metrics.map((metric) => formatValue(meanOf(system, metric))),
    ]),
  ];
}

/** The tests as CSV, unrounded. */
export function comparisonCsv({ queries, systems, comparisons }: ComparisonTable): string {
  const system = (wanted: string) => systems.find(({ name }) => name === wanted);
  const rows = comparisons.map((pair): Readonly<Record<string, Cell>> => ({
    run: pair.system,
    baseline: pair.baseline,
    metric: pair.metric,
    queries,
    baseline_mean: meanOf(system(pair.baseline), pair.metric),
    run_mean: meanOf(system(pair.system), pair.metric),
    mean_difference: pair.difference,
    interval_low: pair.interval[0],
    interval_high: pair.interval[1],
    t_test_p: pair.tTestP,
    t_test_holm_p: pair.tTestHolmP,
    randomization_p: pair.randomizationP,
    randomization_holm_p: pair.randomizationHolmP,
    wins: pair.wins,
    ties: pair.ties,
    losses: pair.losses,
    smallest_detectable_difference: pair.smallestDetectable,
  }));
  return toCsv({ columns: Object.keys(rows[0] ?? {}), rows: rows.map((row) => Object.values(row)) });
}

/** The means, with a mark where the difference from the baseline is significant after Holm's correction. */
export function comparisonLatex(table: ComparisonTable, alpha: number): string {
  const { systems, comparisons } = table;
  const metrics = metricsOf(table);
  const isSignificant = (run: string, metric: string) =>
    comparisons.some(
      (pair) =>
        pair.system === run && pair.metric === metric && ['better', 'worse'].includes(verdictOf(pair, alpha)),
    );
  const rows = systems.map((system) => [
    system.name,
    ...metrics.map(
      (metric) => formatValue(meanOf(system, metric)) + (isSignificant(system.name, metric) ? '*' : ''),
    ),
  ]);
  const note = `% * differs from ${systems[0]?.name.replace(/\s/g, ' ') ?? ''}: paired randomization test, Holm-corrected p <= ${alpha}\n`;
  return note + toLatex({ columns: ['run', ...metrics], rows });
}
