import type { DeviceTensor, Runtime } from '../host/contract.ts';
import type { TokenBatch } from './length-buckets.ts';
import type { Pooling } from './types.ts';

/** Token ids of one text, special tokens included. */
export type TokenSequence = Int32Array;

/**
 * Inputs of an encoder graph for one batch: `ids`, `mask` and `pooling` (see forward.ts). Rows without a
 * sequence hold padding and pool to zeros.
 * @param sequences the texts that `batch.items` counts in
 */
export function batchInputs(
  runtime: Runtime,
  sequences: readonly TokenSequence[],
  batch: TokenBatch,
  pooling: Pooling,
  padId: number,
): Record<'ids' | 'mask' | 'pooling', DeviceTensor> {
  const { rows, length } = batch;
  const ids = new Int32Array(rows * length).fill(padId);
  const mask = new Float32Array(rows * length);
  const weights = new Float32Array(rows * length);
  batch.items.forEach((item, row) => {
    const sequence = sequences[item];
    if (sequence === undefined) return;
    const start = row * length;
    ids.set(sequence, start);
    mask.fill(1, start, start + sequence.length);
    if (pooling === 'mean') weights.fill(1 / sequence.length, start, start + sequence.length);
    else weights[start] = 1;
  });
  return {
    ids: runtime.tensor('int32', [rows * length], ids),
    mask: runtime.tensor('float32', [rows, length], mask),
    pooling: runtime.tensor('float32', [rows, 1, length], weights),
  };
}
