import { bisect, noncentralStudentTail, studentQuantile } from './special-functions.ts';

export interface PowerOptions {
  /** The test's two-sided level; 0.05 by default. */
  readonly alpha?: number | undefined;
  /** The probability of detecting a true difference; 0.8 by default. */
  readonly power?: number | undefined;
}

/** The probability that a two-sided paired t-test detects a true mean difference, in standard deviations. */
export function tTestPower(queries: number, effect: number, alpha = 0.05): number {
  const degrees = queries - 1;
  const critical = studentQuantile(alpha / 2, degrees);
  const noncentrality = effect * Math.sqrt(queries);
  return (
    noncentralStudentTail(critical, degrees, noncentrality) +
    noncentralStudentTail(critical, degrees, -noncentrality)
  );
}

/**
 * The smallest true mean difference that a two-sided paired t-test would detect with the given power, for this number
 * of queries and standard deviation of the differences. A smaller observed difference is inconclusive.
 * @throws RangeError for fewer than two queries.
 */
export function smallestDetectableDifference(
  queries: number,
  standardDeviation: number,
  { alpha = 0.05, power = 0.8 }: PowerOptions = {},
): number {
  if (queries < 2) throw new RangeError(`smallestDetectableDifference: ${queries} queries`);
  if (standardDeviation === 0) return 0;
  let high = 1;
  while (tTestPower(queries, high, alpha) < power) high *= 2;
  return standardDeviation * bisect((effect) => tTestPower(queries, effect, alpha) >= power, 0, high);
}
