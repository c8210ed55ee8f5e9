import type { EncoderDescription } from '../encoders/embedder.ts';
import type { LoraShape } from '../encoders/forward.ts';
import { trainingGraphs, type TrainingGraphOptions, type TrainingGraphs } from '../encoders/graphs.ts';
import { isGpu, type Runtime } from '../host/contract.ts';
import { square } from '../core/exact-math.ts';
import { lengthLadder, type MicroBatchPlan } from './micro-batches.ts';

/**
 * Tokens per micro-batch. With few, a CPU keeps elementwise operations in its cache. A GPU needs enough that the
 * several hundred dispatches of a graph cost little compared with their work.
 */
const tokensOf = { cpu: 512, gpu: 4096 } as const;
/**
 * The cost of launching the graphs of a micro-batch on a GPU, in tokens of work: at 7 µs per dispatch, 128 tokens of
 * MiniLM-L6 at 1.5 TFLOP/s, between integrated and discrete GPUs. Dispatches and work both grow with the layers, the
 * work of a token alone with the square of the width.
 */
function launchTokens(hiddenSize: number): number {
  return Math.round(128 * square(384 / hiddenSize));
}

/** Limits of a device. */
export type DeviceLimits = Pick<Runtime, 'device' | 'largestTensorBytes' | 'availableMemory'>;

export interface MicroBatchChoice {
  readonly trainable: TrainingGraphOptions['trainable'];
  readonly lora?: LoraShape | undefined;
  readonly dropout?: boolean;
  /** Tokens per micro-batch, if the user sets it. */
  readonly tokens: number | 'auto';
}

/** How a training on a device cuts its batches: by kind of device, and by what its buffers and memory hold. */
export function chooseMicroBatches(
  limits: DeviceLimits,
  { shape, encoding }: Pick<EncoderDescription, 'shape' | 'encoding'>,
  { tokens, trainable, lora, dropout = false }: MicroBatchChoice,
): MicroBatchPlan {
  const longest = Math.max(encoding.queryMaxLength, encoding.passageMaxLength);
  const ladder = lengthLadder(longest, limits.device === 'cpu');
  if (!isGpu(limits.device)) {
    return { lengthLadder: ladder, tokensPerMicroBatch: tokens === 'auto' ? tokensOf.cpu : tokens };
  }
  const graphsOf = (rows: number): TrainingGraphs =>
    trainingGraphs({
      shape,
      batch: { rows, length: longest },
      head: { kind: 'embedding', normalize: encoding.normalize },
      embeddingRows: 'device',
      trainable,
      dropout,
      ...(lora === undefined ? {} : { lora }),
    });
  return {
    lengthLadder: ladder,
    tokensPerMicroBatch: tokens === 'auto' ? tokensThatFit(limits, longest, graphsOf) : tokens,
    launchTokens: launchTokens(shape.hiddenSize),
  };
}

/** Halves the tokens until the graphs fit the device, down to one sequence. */
function tokensThatFit(
  limits: DeviceLimits,
  longest: number,
  graphsOf: (rows: number) => TrainingGraphs,
): number {
  let tokens: number = tokensOf.gpu;
  while (tokens >= 2 * longest && !fits(limits, graphsOf(Math.floor(tokens / longest)))) tokens /= 2;
  return tokens;
}

function fits(limits: DeviceLimits, graphs: TrainingGraphs): boolean {
  const { forward, backward } = graphs;
  return (
    Math.max(forward.largestTensorBytes, backward.largestTensorBytes) <= limits.largestTensorBytes &&
    bytesNeeded(graphs) <= limits.availableMemory()
  );
}

/** Maximum bytes of a micro-batch, forward and backward. */
export function bytesNeeded({ forward, backward, savedBytes }: TrainingGraphs): number {
  return Math.max(forward.peakBytes, backward.peakBytes + savedBytes);
}
