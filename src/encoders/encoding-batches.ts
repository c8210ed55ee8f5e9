import { isGpu, type Device } from '../host/contract.ts';
import type { TokenSequence } from './batch-inputs.ts';
import { planBuckets, type TokenBatch } from './length-buckets.ts';
import type { EncoderShape } from './types.ts';

/**
 * How batches are made. CPU: enough tokens to keep the cores busy, few enough for the activations to stay in the cache,
 * and many lengths. GPU: large batches of few shapes, so that launches cost little compared with the work.
 */
const choices = {
  cpu: { tokensPerBatch: 2048, maxBatch: 256, maxBuckets: 16 },
  gpu: { tokensPerBatch: 8192, maxBatch: 512, maxBuckets: 8, evenBatches: true },
} as const;

/** The batches in which sequences are encoded, without training. */
export function encodingBatches(
  sequences: readonly TokenSequence[],
  shape: Pick<EncoderShape, 'maxPositions'>,
  device: Device,
): readonly TokenBatch[] {
  const lengths = sequences.map((sequence) => sequence.length);
  return planBuckets(lengths, {
    ...choices[isGpu(device) ? 'gpu' : 'cpu'],
    multiple: 16,
    maxLength: shape.maxPositions,
  }).batches;
}
