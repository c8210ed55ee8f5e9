import { randomUint32, streamKey } from '../../core/random.ts';
import type { Alternative, Differences } from './differences.ts';

export interface RandomizationOptions {
  readonly alternative?: Alternative | undefined;
  /** Random sign patterns where there are too many to try all; 10,000 by default. */
  readonly samples?: number | undefined;
  readonly seed?: number | undefined;
}

export interface RandomizationResult {
  readonly p: number;
  /** Whether every sign pattern was tried, so that p is exact. */
  readonly exact: boolean;
}

/** Up to this many differing queries, all sign patterns are tried: 65,536 of them. */
const exactQueries = 16;

/**
 * Fisher's paired randomization test (Smucker, Allan and Carterette 2007): were the two systems equal, each
 * query's difference could as well have the other sign. p is the share of sign patterns whose sum of differences
 * is at least as extreme as the observed one; sampled patterns count the observed one among them, so that p is
 * never 0.
 */
export function randomizationTest(
  differences: Differences,
  { alternative = 'two-sided', samples = 10_000, seed = 0 }: RandomizationOptions = {},
): RandomizationResult {
  // The sign of a zero changes nothing.
  const values = Float64Array.from(differences).filter((value) => value !== 0);
  const observed = values.reduce((sum, value) => sum + value, 0);
  // Sums that are equal in exact arithmetic differ by rounding.
  const slack = 1e-12 * values.reduce((sum, value) => sum + Math.abs(value), 0);
  const isExtreme = (sum: number): boolean => {
    switch (alternative) {
      case 'two-sided':
        return Math.abs(sum) >= Math.abs(observed) - slack;
      case 'greater':
        return sum >= observed - slack;
      case 'less':
        return sum <= observed + slack;
    }
  };
  let extreme = 0;
  if (values.length <= exactQueries) {
    const patterns = 2 ** values.length;
    for (let pattern = 0; pattern < patterns; pattern++) {
      if (isExtreme(signedSum(values, () => pattern))) extreme += 1;
    }
    return { p: extreme / patterns, exact: true };
  }
  const key = streamKey(seed, 'randomization test');
  const words = Math.ceil(values.length / 32);
  for (let sample = 0; sample < samples; sample++) {
    const sum = signedSum(values, (word) => randomUint32(key, sample * words + word));
    if (isExtreme(sum)) extreme += 1;
  }
  return { p: (extreme + 1) / (samples + 1), exact: false };
}

/** The sum of the values, negated where a bit is set; `bitsOf(w)` gives the bits of values 32w to 32w + 31. */
function signedSum(values: Float64Array, bitsOf: (word: number) => number): number {
  let sum = 0;
  let bits = 0;
  for (let i = 0; i < values.length; i++) {
    if (i % 32 === 0) bits = bitsOf(i / 32);
    const value = values[i] as number;
    sum += (bits & 1) === 1 ? -value : value;
    bits >>>= 1;
  }
  return sum;
}
