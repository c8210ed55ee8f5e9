import { square } from '../../core/exact-math.ts';

/** One value per query: how much better the system is than the baseline. */
export type Differences = ArrayLike<number>;

export interface DifferenceSummary {
  readonly queries: number;
  readonly mean: number;
  /** The sample standard deviation (n − 1); 0 for fewer than two queries. */
  readonly standardDeviation: number;
  /** Queries on which the system is better, as good as, and worse than the baseline. */
  readonly wins: number;
  readonly ties: number;
  readonly losses: number;
}

export function summarize(differences: Differences): DifferenceSummary {
  const values = Array.from(differences);
  const mean = values.length === 0 ? 0 : values.reduce((sum, value) => sum + value, 0) / values.length;
  // Equal values have no spread, though their mean may be off by a rounding.
  const constant = values.every((value) => value === values[0]);
  const squares = constant ? 0 : values.reduce((sum, value) => sum + square(value - mean), 0);
  const wins = values.filter((value) => value > 0).length;
  const losses = values.filter((value) => value < 0).length;
  return {
    queries: values.length,
    mean,
    standardDeviation: values.length < 2 ? 0 : Math.sqrt(squares / (values.length - 1)),
    wins,
    ties: values.length - wins - losses,
    losses,
  };
}

/** Which of the two a test looks for: any difference, or the system being better (greater) or worse (less). */
export type Alternative = 'two-sided' | 'greater' | 'less';
