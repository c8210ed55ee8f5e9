import { RandomStream } from '../../core/random.ts';
import type { Differences } from './differences.ts';

export interface BootstrapOptions {
  /** Share of the resampled means inside the interval; 0.95 by default. */
  readonly level?: number | undefined;
  /** Resamples; 10,000 by default. */
  readonly samples?: number | undefined;
  readonly seed?: number | undefined;
}

/**
 * Percentile bootstrap interval [low, high] of the mean difference: the middle of resampled means. Differences have a row
 * for each seed, of the same queries: each resample draws seeds and queries with replacement, so that the interval holds
 * what another seed would have changed.
 * @throws RangeError without rows or queries, or with rows of different lengths.
 */
export function bootstrapInterval(
  differences: readonly Differences[],
  { level = 0.95, samples = 10_000, seed = 0 }: BootstrapOptions = {},
): readonly [low: number, high: number] {
  const rows = differences.map((row) => Float64Array.from(row));
  const queries = rows[0]?.length ?? 0;
  if (queries === 0) throw new RangeError('bootstrapInterval: there are no queries');
  if (rows.some(({ length }) => length !== queries)) {
    throw new RangeError('bootstrapInterval: the seeds were measured on different queries');
  }
  const random = new RandomStream(seed, 'bootstrap');
  const randomSeeds = new RandomStream(seed, 'bootstrap', 'seeds');
  const means = new Float64Array(samples);
  const mixed = new Float64Array(queries);
  for (let sample = 0; sample < samples; sample++) {
    mixed.fill(0);
    for (let draw = 0; draw < rows.length; draw++) {
      const row = rows[randomSeeds.integer(rows.length)] as Float64Array;
      for (let i = 0; i < queries; i++) mixed[i] = (mixed[i] as number) + (row[i] as number);
    }
    let sum = 0;
    for (let i = 0; i < queries; i++) sum += mixed[random.integer(queries)] as number;
    means[sample] = sum / queries / rows.length;
  }
  means.sort();
  return [quantile(means, (1 - level) / 2), quantile(means, (1 + level) / 2)];
}

/** A quantile of ascending values, linear between neighbors. */
function quantile(ascending: Float64Array, share: number): number {
  const position = share * (ascending.length - 1);
  const below = Math.floor(position);
  const low = ascending[below] ?? 0;
  const high = ascending[below + 1] ?? low;
  return low + (high - low) * (position - below);
}
