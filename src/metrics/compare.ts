import type { Judgments } from '../corpus/types.ts';
import type { EvaluationOptions } from './evaluate.ts';
import { evaluate } from './evaluate.ts';
import type { RequestedMeasure } from './measures/registry.ts';
import { measureNames } from './measures/registry.ts';
import type { Run } from './run.ts';
import { bootstrapInterval } from './significance/bootstrap.ts';
import { smallestDetectableDifference } from './significance/detectable-difference.ts';
import type { DifferenceSummary } from './significance/differences.ts';
import { summarize } from './significance/differences.ts';
import { holm } from './significance/holm.ts';
import { randomizationTest } from './significance/randomization-test.ts';
import { pairedTTest } from './significance/t-test.ts';
import { own } from '../core/own.ts';

export interface NamedRun {
  readonly name: string;
  readonly run: Run;
}

export interface CompareOptions extends Omit<EvaluationOptions, 'complete'> {
  /** Level of the tests, of the interval (1 − alpha) and of the detectable difference; 0.05 by default. */
  readonly alpha?: number | undefined;
  /** Sign patterns and resamples; 10,000 by default. */
  readonly samples?: number | undefined;
  readonly seed?: number | undefined;
}

/** One run against the baseline on one measure. All differences are run minus baseline. */
export interface PairedComparison extends DifferenceSummary {
  readonly run: string;
  readonly metric: string;
  readonly interval: readonly [low: number, high: number];
  /** Two-sided p of the paired t-test, and corrected for all comparisons (Holm). */
  readonly tTestP: number;
  readonly tTestHolmP: number;
  /** The same for the paired randomization test. */
  readonly randomizationP: number;
  readonly randomizationHolmP: number;
  /** The smallest true difference that the t-test would have found with a chance of 0.8. */
  readonly smallestDetectable: number;
}

export interface RunComparison {
  readonly queries: number;
  /** In the given order: the baseline first. */
  readonly runs: readonly { readonly name: string; readonly metrics: Readonly<Record<string, number>> }[];
  /** Every other run on every measure, run by run. */
  readonly comparisons: readonly PairedComparison[];
}

/**
 * Compares runs with a baseline, query by query, over all judged queries; a query that a run lacks counts 0. The
 * p-values of both tests are corrected over all (run, measure) pairs.
 * @throws RangeError for fewer than two judged queries.
 */
export function compareRuns(
  judgments: Judgments,
  baseline: NamedRun,
  others: readonly NamedRun[],
  measures: readonly RequestedMeasure[],
  { alpha = 0.05, samples = 10_000, seed = 0, ...evaluation }: CompareOptions = {},
): RunComparison {
  const names = measures.flatMap(measureNames);
  const score = ({ run }: NamedRun) => evaluate(judgments, run, measures, { ...evaluation, complete: true });
  const reference = score(baseline);
  const scored = others.map((other) => ({ name: other.name, evaluation: score(other) }));
  const uncorrected = scored.flatMap(({ name, evaluation: { perQuery } }) =>
    names.map((metric) => {
      const differences = [...reference.perQuery].map(
        ([query, values]) => (own(perQuery.get(query), metric) ?? 0) - (own(values, metric) ?? 0),
      );
      const summary = summarize(differences);
      return {
        run: name,
        metric,
        ...summary,
        interval: bootstrapInterval(differences, { level: 1 - alpha, samples, seed }),
        tTestP: pairedTTest(differences).p,
        randomizationP: randomizationTest(differences, { samples, seed }).p,
        smallestDetectable: smallestDetectableDifference(summary.queries, summary.standardDeviation, {
          alpha,
        }),
      };
    }),
  );
  const tTestHolm = holm(uncorrected.map(({ tTestP }) => tTestP));
  const randomizationHolm = holm(uncorrected.map(({ randomizationP }) => randomizationP));
  return {
    queries: reference.queries,
    runs: [
      { name: baseline.name, metrics: reference.metrics },
      ...scored.map(({ name, evaluation: { metrics } }) => ({ name, metrics })),
    ],
    comparisons: uncorrected.map((comparison, i) => ({
      ...comparison,
      tTestHolmP: tTestHolm[i] ?? 1,
      randomizationHolmP: randomizationHolm[i] ?? 1,
    })),
  };
}
