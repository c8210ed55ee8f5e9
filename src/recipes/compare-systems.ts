import type { Judgments } from '../corpus/types.ts';
import { evaluate } from '../metrics/evaluate.ts';
import { compareBytes } from '../metrics/ranking.ts';
import { measureNames, parseMeasures } from '../metrics/measures/registry.ts';
import { bootstrapIntervalOverSeeds } from '../metrics/significance/bootstrap.ts';
import { smallestDetectableDifference } from '../metrics/significance/detectable-difference.ts';
import { summarize } from '../metrics/significance/differences.ts';
import { holm } from '../metrics/significance/holm.ts';
import { randomizationTest } from '../metrics/significance/randomization-test.ts';
import { pairedTTest } from '../metrics/significance/t-test.ts';
import { rankingToRun, type Ranking } from '../retrieval/ranking.ts';

/** A row of the table: one ranking, or one for each seed that it was trained with. */
export interface RankedSystem {
  readonly name: string;
  readonly rankings: readonly Ranking[];
}

export interface CompareSystemsOptions {
  readonly measures: readonly string[];
  readonly level: number;
  /** [system, what it is compared with] */
  readonly pairs: readonly (readonly [string, string])[];
  readonly alpha: number;
  readonly samples: number;
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
  /** The smallest true difference that the t-test would have found with a chance of 0.8. */
  smallestDetectable: number;
}>;

export type ComparisonTable = Readonly<{
  queries: number;
  systems: readonly MeasuredSystem[];
  comparisons: readonly PairResult[];
}>;

/**
 * Measures systems over all judged queries (one that a ranking lacks counts 0) and tests pairs of them. The unit of a
 * test is the query, its values averaged over the seeds; p-values are corrected over all pairs and measures of the
 * table (Holm); intervals resample queries and seeds. Systems with several seeds are paired seed by seed. Without two
 * queries nothing is tested.
 */
export function compareSystems(
  judgments: Judgments,
  systems: readonly RankedSystem[],
  { measures, level, pairs, alpha, samples }: CompareSystemsOptions,
): ComparisonTable {
  const requested = parseMeasures(measures.join(','));
  const names = requested.flatMap(measureNames);
  const queries = [...judgments.keys()].sort(compareBytes);
  /** System → measure → one value for each query, for each seed. */
  const values = new Map<string, Map<string, Float64Array[]>>();
  for (const { name, rankings } of systems) {
    const scored = rankings.map(
      (ranking) =>
        evaluate(judgments, rankingToRun(ranking), requested, { complete: true, relevanceLevel: level })
          .perQuery,
    );
    values.set(
      name,
      new Map(
        names.map((metric) => [
          metric,
          scored.map((perQuery) => Float64Array.from(queries, (query) => perQuery.get(query)?.[metric] ?? 0)),
        ]),
      ),
    );
  }
  const valuesOf = (system: string, metric: string): readonly Float64Array[] =>
    values.get(system)?.get(metric) ?? [];
  const tested = queries.length < 2 ? [] : pairs;
  // In standard deviations, which depends on the number of queries alone.
  const detectable = tested.length === 0 ? 0 : smallestDetectableDifference(queries.length, 1, { alpha });
  const uncorrected = tested.flatMap(([system, baseline]) =>
    names.map((metric) => {
      const rows = differencesBySeed(valuesOf(system, metric), valuesOf(baseline, metric));
      const differences = meanRow(rows);
      const { mean, wins, ties, losses, standardDeviation } = summarize(differences);
      return {
        system,
        baseline,
        metric,
        difference: mean,
        interval: bootstrapIntervalOverSeeds(rows, { level: 1 - alpha, samples }),
        tTestP: pairedTTest(differences).p,
        randomizationP: randomizationTest(differences, { samples }).p,
        wins,
        ties,
        losses,
        smallestDetectable: detectable * standardDeviation,
      };
    }),
  );
  const tTests = holm(uncorrected.map(({ tTestP }) => tTestP));
  const randomizations = holm(uncorrected.map(({ randomizationP }) => randomizationP));
  return {
    queries: queries.length,
    systems: systems.map(({ name }) => ({
      name,
      metrics: Object.fromEntries(names.map((metric) => [metric, measured(valuesOf(name, metric))])),
    })),
    comparisons: uncorrected.map((pair, i) => ({
      ...pair,
      tTestHolmP: tTests[i] ?? 1,
      randomizationHolmP: randomizations[i] ?? 1,
    })),
  };
}

/** Query → value of the first measure that a name stands for. */
export function queryValues(
  judgments: Judgments,
  ranking: Ranking,
  measure: string,
  level: number,
): ReadonlyMap<string, number> {
  const requested = parseMeasures(measure);
  const [name = ''] = requested.flatMap(measureNames);
  const { perQuery } = evaluate(judgments, rankingToRun(ranking), requested, {
    complete: true,
    relevanceLevel: level,
  });
  return new Map([...perQuery].map(([query, values]) => [query, values[name] ?? 0]));
}

function measured(rows: readonly Float64Array[]): MeasuredValue {
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
