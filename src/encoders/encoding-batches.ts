import type { TokenSequence } from './batch-inputs.ts';
import { planBuckets, type TokenBatch } from './length-buckets.ts';
import type { EncoderShape } from './types.ts';

/** Tokens of one batch: enough to keep the cores busy, few enough for the activations to stay in the cache. */
const tokensPerBatch = 2048;

/** The batches in which sequences are encoded, without training: many lengths, little padding. */
export function encodingBatches(
  sequences: readonly TokenSequence[],
  shape: Pick<EncoderShape, 'maxPositions'>,
): readonly TokenBatch[] {
  const lengths = sequences.map((sequence) => sequence.length);
  return planBuckets(lengths, {
    tokensPerBatch,
    maxBatch: 256,
    multiple: 16,
    maxBuckets: 16,
    maxLength: shape.maxPositions,
  }).batches;
}
