/** The work that benchmarks count and time, with random weights and tokens: the same on every host. */
import { uploadWeights } from '../../src/encoders/device-weights.ts';
import { GraphEmbedder } from '../../src/encoders/graph-embedder.ts';
import type { EncoderShape } from '../../src/encoders/types.ts';
import type { Runtime } from '../../src/host/contract.ts';
import { RandomStream } from '../../src/core/random.ts';
import { parseLossSpec } from '../../src/losses/loss-spec.ts';
import { DocumentNumbers, layOutBatch } from '../../src/training/batch-layout.ts';
import { chooseMicroBatches } from '../../src/training/choose-micro-batches.ts';
import { forwardFlops } from '../../src/training/flops.ts';
import { GradientCache } from '../../src/training/gradient-cache.ts';
import { planMicroBatches } from '../../src/training/micro-batches.ts';
import { defaultAdamW } from '../../src/training/optimizer.ts';
import { createParameterState } from '../../src/training/parameter-state.ts';
import { batchLoss } from '../../src/training/similarity.ts';
import { randomTokens, randomWeights, tokensOnly } from './random-encoder.ts';

export interface TrainingWorkload {
  /** Tokens of a micro-batch at most, as given or as chosen for the device. */
  readonly tokensPerMicroBatch: number;
  /** How a batch is cut: `micro-batches of at most 4096 tokens: 4 of 32 × 128, 1 of 128 × 32 (texts × tokens)`. */
  readonly microBatches: string;
  /** Floating-point operations of a step. */
  readonly flops: number;
  /** One step: `gradients`, then `update`. Returns the loss. */
  step(): Promise<number>;
  /** Forward pass, loss and backward pass. Returns the loss. */
  gradients(): Promise<number>;
  /** Gradient norm, clipping and AdamW. */
  update(): Promise<void>;
  /** Waits for the device: a GPU that has been told what to do may still be doing it. */
  settled(): Promise<void>;
  close(): Promise<void>;
}

export interface TrainingWorkloadOptions {
  /** Batches are cut as the trainer cuts them at this setting, `auto` being its default. */
  readonly tokensPerMicroBatch: number | 'auto';
  readonly pairs?: number;
  readonly queryTokens?: number;
  readonly passageTokens?: number;
  readonly activationBytes?: number;
  /** The model whose micro-batches are planned, where `shape` is a narrow one of the same graphs. */
  readonly planned?: EncoderShape;
  /** Divides the lengths of texts and the micro-batch: as many graphs, with less arithmetic. */
  readonly short?: number;
}

/** Training on pairs of random texts: in-batch InfoNCE, clipping, AdamW, no dropout. */
export async function trainingWorkload(
  runtime: Runtime,
  shape: EncoderShape,
  options: TrainingWorkloadOptions,
): Promise<TrainingWorkload> {
  const { pairs = 16, queryTokens = 32, passageTokens = 128, planned = shape, short = 1 } = options;
  const [queryLength, passageLength] = [queryTokens / short, passageTokens / short];
  const longest = Math.max(queryTokens, passageTokens);
  const weights = randomWeights(shape);
  const state = await createParameterState(runtime, weights, [...weights.keys()], defaultAdamW);
  const chosen = chooseMicroBatches(runtime, tokensOnly(planned, longest), {
    tokens: options.tokensPerMicroBatch,
    trainable: new Set(weights.keys()),
  });
  const plan = {
    lengthLadder: [queryLength, passageLength].sort((a, b) => a - b),
    tokensPerMicroBatch: chosen.tokensPerMicroBatch / short,
    launchTokens: chosen.launchTokens === undefined ? undefined : chosen.launchTokens / short,
  };
  const lengths = Array.from({ length: 2 * pairs }, (_, i) => (i < pairs ? queryLength : passageLength));
  const cuts = planMicroBatches(lengths, plan).map(({ rows, length }) => `${rows} × ${length}`);
  const counted = [...new Set(cuts)].map((cut) => `${cuts.filter((each) => each === cut).length} of ${cut}`);
  const cache = new GradientCache(runtime, tokensOnly(shape, longest), state, {
    ...plan,
    activationBytes: options.activationBytes ?? 2 ** 34,
  });
  const spec = parseLossSpec('infonce(temperature=0.05, scope=batch)');
  const layout = layOutBatch(
    Array.from({ length: pairs }, (_, i) => {
      const documents = [{ id: `p${i}`, text: `passage ${i}`, label: 1, source: 'gold' }];
      return { record: { query_id: `q${i}`, query: '', documents }, documents, positive: 0 };
    }),
    new DocumentNumbers(),
  );
  const stream = new RandomStream(1, 'texts');
  const texts = (length: number): Int32Array[] =>
    Array.from({ length: pairs }, () => randomTokens(stream, shape, length));
  let steps = 0;
  const gradients = async (): Promise<number> => {
    const { value } = await cache.run(
      { queries: texts(queryLength), passages: texts(passageLength) },
      (queries, passages) =>
        batchLoss(spec, { queries, passages, dimension: shape.hiddenSize }, layout, { similarity: 'dot' }),
      ++steps,
    );
    return value;
  };
  const update = async (): Promise<void> => state.update(2e-5, steps, await state.gradientNorm());
  return {
    tokensPerMicroBatch: plan.tokensPerMicroBatch,
    microBatches: `micro-batches of at most ${plan.tokensPerMicroBatch} tokens: ${counted.join(', ')} (texts × tokens)`,
    flops: 3 * pairs * (forwardFlops(shape, queryLength) + forwardFlops(shape, passageLength)),
    step: async () => {
      const loss = await gradients();
      await update();
      return loss;
    },
    gradients,
    update,
    settled: async () => {
      const sizeOf = (dims: readonly number[]): number => dims.reduce((a, b) => a * b, 1);
      const [smallest] = [...state.weights.values()].sort((a, b) => sizeOf(a.dims) - sizeOf(b.dims));
      if (smallest !== undefined) await runtime.read(smallest);
    },
    close: async () => {
      await cache.close();
      await state.close();
    },
  };
}

export interface EncodingWorkload {
  readonly encode: () => Promise<Float32Array<ArrayBuffer>>;
  readonly close: () => Promise<void>;
}

/** Encoding passages, of 16 to 240 tokens unless they shall all have one length; tokenizing costs nothing. */
export async function encodingWorkload(
  runtime: Runtime,
  shape: EncoderShape,
  passages: number,
  length?: number,
): Promise<EncodingWorkload> {
  const lengths = new RandomStream(3, 'lengths');
  const tokens = new RandomStream(4, 'tokens');
  const sequences = Array.from({ length: passages }, () =>
    randomTokens(tokens, shape, length ?? 16 + lengths.integer(225)),
  );
  const model = tokensOnly(shape, shape.maxPositions);
  const tokenizer = {
    ...model.tokenizer,
    // A text is the number of a sequence.
    encode: (text: string) => sequences[Number(text)] as Int32Array<ArrayBuffer>,
  };
  const weights = await uploadWeights(runtime, randomWeights(shape));
  const embedder = new GraphEmbedder(runtime, { ...model, tokenizer }, () => weights);
  const texts = sequences.map((_, i) => String(i));
  return {
    encode: () => embedder.embed(texts, 'passage'),
    close: async () => {
      await embedder.close();
      for (const tensor of weights.values()) tensor.dispose();
    },
  };
}
