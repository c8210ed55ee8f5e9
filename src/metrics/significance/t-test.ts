import type { Alternative, Differences } from './differences.ts';
import { summarize } from './differences.ts';
import { studentTail } from './special-functions.ts';

export interface TTestResult {
  /** The mean difference in standard errors; infinite where all queries differ by the same amount. */
  readonly t: number;
  readonly degreesOfFreedom: number;
  readonly p: number;
}

/**
 * Student's paired t-test on the differences per query. Without any difference t is 0 and p is 1.
 * @throws RangeError for fewer than two queries.
 */
export function pairedTTest(differences: Differences, alternative: Alternative = 'two-sided'): TTestResult {
  const { queries, mean, standardDeviation } = summarize(differences);
  if (queries < 2) throw new RangeError(`pairedTTest: ${queries} queries, two or more are needed`);
  const degreesOfFreedom = queries - 1;
  if (mean === 0 && standardDeviation === 0) return { t: 0, degreesOfFreedom, p: 1 };
  const t = mean / (standardDeviation / Math.sqrt(queries));
  return { t, degreesOfFreedom, p: tailOf(t, degreesOfFreedom, alternative) };
}

function tailOf(t: number, degrees: number, alternative: Alternative): number {
  switch (alternative) {
    case 'two-sided':
      return Math.min(1, 2 * studentTail(Math.abs(t), degrees));
    case 'greater':
      return studentTail(t, degrees);
    case 'less':
      return studentTail(-t, degrees);
  }
}
