/** Compares systems query by query: the values of every query, paired tests, and what they show. */
import type { Judgments } from '../corpus/types.ts';
import { own } from '../core/own.ts';
import { evaluate, type EvaluationOptions } from './evaluate.ts';
import { measureNames, type RequestedMeasure } from './measures/registry.ts';
import { compareBytes } from './ranking.ts';
import type { Run } from './run.ts';
import { bootstrapInterval, type BootstrapOptions } from './significance/bootstrap.ts';
import { smallestDetectableDifference } from './significance/detectable-difference.ts';
import { summarize } from './significance/differences.ts';
import { holm } from './significance/holm.ts';
import { randomizationTest } from './significance/randomization-test.ts';
import { pairedTTest } from './significance/t-test.ts';

/** A row of the table: one run, or one for each seed that the system was trained with. */
export interface ComparedSystem {
  readonly name: string;
  readonly runs: readonly Run[];
}

export interface MeasureOptions extends Omit<EvaluationOptions, 'complete'> {
  readonly measures: readonly RequestedMeasure[];
}

interface TestOptions extends Pick<BootstrapOptions, 'samples' | 'seed'> {
  /** Level of the tests, of the interval (1 − alpha) and of the detectable difference; 0.05 by default. */
  readonly alpha?: number | undefined;
}

export interface CompareOptions extends MeasureOptions, TestOptions {
  /** [system, what it is compared with]; every other system with the first by default. */
  readonly pairs?: readonly (readonly [string, string])[] | undefined;
}

/** A measure of a system: its mean over queries and seeds. A type alias, so that it is assignable to Json. */
export type MeasuredValue = Readonly<{
  mean: number;
  /** One for each seed. */
  perSeed: readonly number[];
  /** The standard deviation over seeds (n − 1); null for fewer than two. */
  spread: number | null;
}>;

export type MeasuredSystem = Readonly<{ name: string; metrics: Readonly<Record<string, MeasuredValue>> }>;

/** One system against another on one measure; all differences are system minus baseline. */
export type PairResult = Readonly<{
  system: string;
  baseline: string;
  metric: string;
  difference: number;
  interval: readonly [number, number];
  tTestP: number;
  tTestHolmP: number;
  randomizationP: number;
  randomizationHolmP: number;
  wins: number;
  ties: number;
  losses: number;
  /** The smallest true difference that the t-test would detect with a probability of 0.8. */
  smallestDetectable: number;
}>;

/** The result of a test of one pair before correction for the others. */
export type UncorrectedPair = Omit<
  PairResult,
  'system' | 'baseline' | 'metric' | 'tTestHolmP' | 'randomizationHolmP'
>;

/** The values of every query, to be pooled and tested again with those of other data sets. */
export type QueryValues = Readonly<{
  queries: readonly string[];
  /** ComparedSystem → measure → one row of values for each seed, in the order of the queries. */
  systems: Readonly<Record<string, Readonly<Record<string, readonly (readonly number[])[]>>>>;
}>;

export type ComparisonTable = Readonly<{
  queries: number;
  systems: readonly MeasuredSystem[];
  comparisons: readonly PairResult[];
}>;

/** A system's values on a measure: a row for each seed. */
type SeedRows = readonly Float64Array[];

/** The judged queries in the order of their ids, and what each system has for them; what a run lacks counts 0. */
function measureQueries(
  judgments: Judgments,
  systems: readonly ComparedSystem[],
  { measures, ...evaluation }: MeasureOptions,
): {
  readonly names: readonly string[];
  readonly queries: readonly string[];
  readonly valuesOf: (system: string, metric: string) => SeedRows;
} {
  const names = measures.flatMap(measureNames);
  const queries = [...judgments.keys()].sort(compareBytes);
  const values = new Map<string, Map<string, Float64Array[]>>();
  for (const { name, runs } of systems) {
    const scored = runs.map(
      (run) => evaluate(judgments, run, measures, { ...evaluation, complete: true }).perQuery,
    );
    values.set(
      name,
      new Map(
        names.map((metric) => [
          metric,
          scored.map((perQuery) =>
            Float64Array.from(queries, (query) => own(perQuery.get(query), metric) ?? 0),
          ),
        ]),
      ),
    );
  }
  return { names, queries, valuesOf: (system, metric) => values.get(system)?.get(metric) ?? [] };
}

/** Decimals of values in a report. */
const valueScale = 1e6;

/** Every system's value for every judged query, rounded to six decimals. */
export function queryValuesOf(
  judgments: Judgments,
  systems: readonly ComparedSystem[],
  options: MeasureOptions,
): QueryValues {
  const { names, queries, valuesOf } = measureQueries(judgments, systems, options);
  const rounded = (row: Float64Array): number[] =>
    Array.from(row, (value) => Math.round(value * valueScale) / valueScale);
  return {
    queries,
    systems: Object.fromEntries(
      systems.map(({ name }) => [
        name,
        Object.fromEntries(names.map((metric) => [metric, valuesOf(name, metric).map(rounded)])),
      ]),
    ),
  };
}

/**
 * Tests one system against another, query by query.
 * @param system a row for each seed
 * @param weights of the queries, with the mean 1; all alike if undefined
 */
export function testPair(
  system: SeedRows,
  baseline: SeedRows,
  { alpha = 0.05, samples, seed }: TestOptions,
  weights?: Float64Array,
): UncorrectedPair {
  const rows = differencesBySeed(system, baseline).map((row) =>
    weights === undefined ? row : row.map((value, query) => value * (weights[query] as number)),
  );
  const differences = meanRow(rows);
  const { mean: difference, wins, ties, losses, standardDeviation } = summarize(differences);
  return {
    difference,
    interval: bootstrapInterval(rows, { level: 1 - alpha, samples, seed }),
    tTestP: pairedTTest(differences).p,
    randomizationP: randomizationTest(differences, { samples, seed }).p,
    wins,
    ties,
    losses,
    smallestDetectable: smallestDetectableDifference(differences.length, standardDeviation, { alpha }),
  };
}

/** The same tests with p-values that are corrected for all of them (Holm). */
export function corrected<Test extends Pick<UncorrectedPair, 'tTestP' | 'randomizationP'>>(
  tests: readonly Test[],
): (Test & { readonly tTestHolmP: number; readonly randomizationHolmP: number })[] {
  const tTests = holm(tests.map(({ tTestP }) => tTestP));
  const randomizations = holm(tests.map(({ randomizationP }) => randomizationP));
  return tests.map((test, i) => ({
    ...test,
    tTestHolmP: tTests[i] ?? 1,
    randomizationHolmP: randomizations[i] ?? 1,
  }));
}

/**
 * Measures systems over all judged queries (one that a run lacks counts 0) and tests pairs of them. The unit of a
 * test is the query, its values averaged over the seeds; p-values are corrected over all pairs and measures of the
 * table (Holm); intervals resample queries and seeds. Systems with several seeds are paired seed by seed. Without two
 * queries nothing is tested.
 */
export function compareSystems(
  judgments: Judgments,
  systems: readonly ComparedSystem[],
  { pairs, alpha, samples, seed, ...measuring }: CompareOptions,
): ComparisonTable {
  const { names, queries, valuesOf } = measureQueries(judgments, systems, measuring);
  const [first, ...others] = systems.map(({ name }) => name);
  const againstFirst = others.map((other) => [other, first ?? ''] as const);
  const tested = queries.length < 2 ? [] : (pairs ?? againstFirst);
  const tests = tested.flatMap(([system, baseline]) =>
    names.map((metric) => ({
      ...{ system, baseline, metric },
      ...testPair(valuesOf(system, metric), valuesOf(baseline, metric), { alpha, samples, seed }),
    })),
  );
  return {
    queries: queries.length,
    systems: systems.map(({ name }) => ({
      name,
      metrics: Object.fromEntries(names.map((metric) => [metric, measured(valuesOf(name, metric))])),
    })),
    comparisons: corrected(tests),
  };
}

/** The conclusion of a comparison: the corrected test decides. Without a significant difference it is inconclusive. */
export function verdictOf(pair: PairResult, alpha: number): 'equal' | 'better' | 'worse' | 'open' {
  if (pair.wins + pair.losses === 0) return 'equal';
  if (pair.randomizationHolmP > alpha) return 'open';
  return pair.difference > 0 ? 'better' : 'worse';
}

/** Means over queries, by seed and over all. */
export function measured(rows: SeedRows): MeasuredValue {
  const perSeed = rows.map(mean);
  return {
    mean: mean(perSeed),
    perSeed,
    spread: perSeed.length < 2 ? null : summarize(perSeed).standardDeviation,
  };
}

/** Seed by seed where both have as many; else each seed of the one against the mean of the other. */
function differencesBySeed(
  system: readonly Float64Array[],
  baseline: readonly Float64Array[],
): readonly Float64Array[] {
  const paired = system.length === baseline.length;
  const left = paired || system.length > 1 ? system : [meanRow(system)];
  const right = paired
    ? baseline
    : baseline.length > 1 && system.length === 1
      ? baseline
      : [meanRow(baseline)];
  return Array.from({ length: Math.max(left.length, right.length) }, (_, seed) => {
    const a = left[left.length === 1 ? 0 : seed] as Float64Array;
    const b = right[right.length === 1 ? 0 : seed] as Float64Array;
    return a.map((value, query) => value - (b[query] as number));
  });
}

function meanRow(rows: readonly Float64Array[]): Float64Array {
  return Float64Array.from(rows[0] ?? [], (_, query) => mean(rows.map((row) => row[query] as number)));
}

function mean(values: ArrayLike<number>): number {
  let sum = 0;
  for (let i = 0; i < values.length; i++) sum += values[i] as number;
  return values.length === 0 ? 0 : sum / values.length;
}
