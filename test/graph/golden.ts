import { readFileSync } from 'node:fs';
import type { NdArray } from '../../src/graph/nd-array.ts';
import { goldenFile } from '../support/golden.ts';

interface GoldenArray {
  readonly dims: readonly number[];
  readonly data: readonly number[];
  readonly dtype?: string;
}

export interface GoldenCase {
  readonly op: string;
  readonly attributes: Readonly<Record<string, number | string | readonly number[]>>;
  readonly inputs: readonly GoldenArray[];
  readonly output: GoldenArray;
  readonly upstream: GoldenArray;
  readonly gradients: readonly (GoldenArray | null)[];
}

/** PyTorch's values and gradients of single operations (test/oracle/ops.py). */
export function goldenCases(): readonly GoldenCase[] {
  const text = readFileSync(goldenFile('ops.json'), 'utf8');
  return (JSON.parse(text) as { cases: GoldenCase[] }).cases;
}

export function toNdArray(array: GoldenArray): NdArray {
  return { shape: array.dims, data: Float64Array.from(array.data) };
}

/** ‖a − b‖ / ‖b‖, with ‖b‖ at least `floor`. */
export function relativeError(a: ArrayLike<number>, b: ArrayLike<number>, floor = 1e-30): number {
  let difference = 0;
  let norm = 0;
  for (let i = 0; i < b.length; i++) {
    difference += (a[i]! - b[i]!) ** 2;
    norm += b[i]! ** 2;
  }
  return Math.sqrt(difference) / Math.max(Math.sqrt(norm), floor);
}
