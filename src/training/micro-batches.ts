import { planBuckets, type TokenBatch } from '../encoders/length-buckets.ts';

/**
 * Cuts a batch into micro-batches of few static shapes: lengths from `bucketSizes`, row counts full or a power of
 * two, so that a half-empty micro-batch is not computed at full size.
 * @param lengths tokens of each sequence
 * @param bucketSizes padded lengths, the same for the whole training
 */
export function planMicroBatches(
  lengths: ArrayLike<number>,
  bucketSizes: readonly number[],
  tokensPerBatch: number,
): TokenBatch[] {
  const plan = planBuckets(lengths, { bucketSizes, tokensPerBatch, maxBatch: tokensPerBatch });
  return plan.batches.map((batch) => {
    const used = batch.items.reduce((count, item) => count + (item >= 0 ? 1 : 0), 0);
    const rows = Math.min(batch.rows, 2 ** Math.ceil(Math.log2(used)));
    return rows === batch.rows ? batch : { rows, length: batch.length, items: batch.items.slice(0, rows) };
  });
}
