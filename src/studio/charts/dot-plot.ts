import type { RecipeReport } from '../../pipeline/report.ts';
import { decimalExponent, powerOfTen } from '../../core/exact-math.ts';
import { metricTitle } from '../../metrics/format.ts';
import { signed, systemName, systemTitle } from '../words/findings.ts';
import { own } from '../../core/own.ts';

export interface PlotRow {
  readonly name: string;
  /** What the difference is from, where the rows have several. */
  readonly against: string | undefined;
  readonly difference: number;
  readonly interval: readonly [number, number];
  /** One for each seed; the same baseline for all. */
  readonly seeds: readonly number[];
}

export interface Plot {
  readonly title: string;
  readonly rows: readonly PlotRow[];
  /** The axis, with zero in it. */
  readonly low: number;
  readonly high: number;
  readonly ticks: readonly number[];
  /** All of it in words. */
  readonly text: string;
}

/** What a report's arms brought on its first measure, against what each was tested against. */
export function plotOf(report: RecipeReport): Plot | undefined {
  const { comparisons, systems } = report.results.all;
  const [first] = comparisons;
  if (first === undefined) return undefined;
  const { metric } = first;
  const pairs = comparisons.filter((pair) => pair.metric === metric);
  const isOfOne = pairs.every(({ baseline }) => baseline === first.baseline);
  const meanOf = (name: string): number =>
    own(systems.find((system) => system.name === name)?.metrics, metric)?.mean ?? 0;
  const rows = pairs.map(({ system, baseline, difference, interval }): PlotRow => {
    const measured = own(systems.find(({ name }) => name === system)?.metrics, metric);
    const seeds = (measured?.perSeed ?? []).map((value) => value - meanOf(baseline));
    const against = isOfOne ? undefined : systemName(baseline);
    return { name: systemTitle(system), against, difference, interval, seeds: seeds.length > 1 ? seeds : [] };
  });
  const values = rows.flatMap(({ interval, seeds }) => [...interval, ...seeds]);
  const step = tickStep(Math.max(0, ...values) - Math.min(0, ...values));
  const low = Math.floor(Math.min(0, ...values) / step) * step;
  const high = Math.ceil(Math.max(0, ...values) / step) * step;
  const level = Math.round(100 * (1 - report.recipe.evaluation.alpha));
  const title = isOfOne
    ? `Difference in ${metricTitle(metric)} from ${systemName(first.baseline)}`
    : `Differences in ${metricTitle(metric)}`;
  const text =
    `${title}, with ${level} % intervals. ` +
    rows
      .map(
        ({ name, against, difference, interval }) =>
          `${name}${against === undefined ? '' : ` against ${against}`}: ${signed(difference)}, ${signed(interval[0])} to ${signed(interval[1])}.`,
      )
      .join(' ');
  return { title, rows, low, high, ticks: ticksOf(low, high, step), text };
}

/** The round step that gives four to eight ticks. */
function tickStep(span: number): number {
  const rough = Math.max(span, 0.004) / 5;
  const power = powerOfTen(decimalExponent(rough));
  return ([1, 2, 5, 10].find((step) => step * power >= rough) ?? 10) * power;
}

function ticksOf(low: number, high: number, step: number): readonly number[] {
  return Array.from({ length: Math.round((high - low) / step) + 1 }, (_, i) => low + i * step);
}
