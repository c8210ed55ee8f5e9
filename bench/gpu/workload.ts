/** The work that the GPU benchmarks count and time, with random weights and tokens: the same on both hosts. */
import { Embedder, type EncoderDescription } from '../../src/encoders/embedder.ts';
import { uploadWeights } from '../../src/encoders/device-weights.ts';
import { encoderParameters } from '../../src/encoders/parameters.ts';
import type { EncoderShape, WeightTensor } from '../../src/encoders/types.ts';
import type { Runtime } from '../../src/host/contract.ts';
import { RandomStream } from '../../src/host/random.ts';
import { parseLossSpec } from '../../src/losses/loss-spec.ts';
import { DocumentNumbers, layOutBatch } from '../../src/training/batch-layout.ts';
import { chooseMicroBatches } from '../../src/training/choose-micro-batches.ts';
import { GradientCache } from '../../src/training/gradient-cache.ts';
import { defaultAdamW } from '../../src/training/optimizer.ts';
import { createParameterState } from '../../src/training/parameter-state.ts';
import { batchLoss } from '../../src/training/similarity.ts';

export type ModelName = 'MiniLM-L6' | 'nano';

const common = {
  family: 'bert',
  segments: 2,
  layerNormEpsilon: 1e-12,
  activation: 'gelu',
  hiddenDropout: 0,
  attentionDropout: 0,
} as const;

/**
 * The shape of a model.
 * @param narrow divides the width: the same graphs with less arithmetic, for counts where software plays the GPU
 */
export function modelShape(model: ModelName, narrow = 1): EncoderShape {
  const shape =
    model === 'nano'
      ? {
          ...common,
          vocabSize: 7600,
          hiddenSize: 160,
          layers: 2,
          heads: 5,
          intermediateSize: 640,
          maxPositions: 256,
        }
      : {
          ...common,
          vocabSize: 30522,
          hiddenSize: 384,
          layers: 6,
          heads: 12,
          intermediateSize: 1536,
          maxPositions: 512,
        };
  return {
    ...shape,
    hiddenSize: shape.hiddenSize / narrow,
    intermediateSize: shape.intermediateSize / narrow,
  };
}

const noTexts = (): never => {
  throw new Error('the sequences are tokens already');
};

export function describeModel(shape: EncoderShape): EncoderDescription {
  return {
    shape,
    encoding: {
      pooling: 'mean',
      normalize: true,
      queryPrefix: '',
      passagePrefix: '',
      queryMaxLength: 32,
      passageMaxLength: 128,
    },
    tokenizer: { vocabSize: shape.vocabSize, padId: 0, encode: noTexts, encodePair: noTexts },
  };
}

export function randomWeights(shape: EncoderShape): Map<string, WeightTensor> {
  const stream = new RandomStream(1, 'weights');
  return new Map(
    [...encoderParameters(shape)].map(([name, dims]) => {
      const data = Float32Array.from({ length: dims.reduce((a, b) => a * b, 1) }, () =>
        name.includes('Norm.weight') ? 1 : 0.04 * (stream.uniform() - 0.5),
      );
      return [name, { dims, data }];
    }),
  );
}

function randomTexts(
  shape: EncoderShape,
  lengths: readonly number[],
  seed: number,
): Int32Array<ArrayBuffer>[] {
  const stream = new RandomStream(seed, 'tokens');
  return lengths.map((length) => Int32Array.from({ length }, () => 5 + stream.integer(shape.vocabSize - 5)));
}

export interface TrainingWorkload {
  /** One step: forward, loss, backward, gradient norm, AdamW. Steps count from 1. */
  readonly step: (step: number) => Promise<{ readonly loss: number; readonly gradientNorm: number }>;
  readonly close: () => Promise<void>;
}

export interface TrainingWorkloadOptions {
  /** `auto` is what the trainer takes on the device. */
  readonly tokensPerMicroBatch: number | 'auto';
  readonly pairs?: number;
  /** The model whose micro-batches are planned, where `shape` is a narrow one of the same graphs. */
  readonly planned?: EncoderShape;
  /** Divides the lengths of texts and the micro-batch: as many graphs, with less arithmetic. */
  readonly short?: number;
}

/** Training on pairs of 32 and 128 tokens, in-batch InfoNCE, clipping, no dropout. */
export async function trainingWorkload(
  runtime: Runtime,
  shape: EncoderShape,
  { tokensPerMicroBatch, pairs = 16, planned = shape, short = 1 }: TrainingWorkloadOptions,
): Promise<TrainingWorkload> {
  const [queryLength, passageLength] = [32 / short, 128 / short];
  const weights = randomWeights(shape);
  const state = await createParameterState(runtime, weights, [...weights.keys()], defaultAdamW);
  const plan = chooseMicroBatches(runtime, describeModel(planned), {
    tokens: tokensPerMicroBatch,
    trainable: new Set(weights.keys()),
  });
  const cache = new GradientCache(runtime, describeModel(shape), state, {
    lengthLadder: [queryLength, passageLength],
    tokensPerMicroBatch: plan.tokensPerMicroBatch / short,
    launchTokens: plan.launchTokens === undefined ? undefined : plan.launchTokens / short,
    activationBytes: 2 ** 33,
  });
  const spec = parseLossSpec('infonce(temperature=0.05, scope=batch)');
  const layout = layOutBatch(
    Array.from({ length: pairs }, (_, i) => {
      const documents = [{ id: `p${i}`, text: `passage ${i}`, label: 1, source: 'gold' }];
      return { record: { query_id: `q${i}`, query: '', documents }, documents, positive: 0 };
    }),
    new DocumentNumbers(),
  );
  const lengths = (length: number): number[] => new Array<number>(pairs).fill(length);
  return {
    step: async (step) => {
      const { value } = await cache.run(
        {
          queries: randomTexts(shape, lengths(queryLength), 2 * step),
          passages: randomTexts(shape, lengths(passageLength), 2 * step + 1),
        },
        (queries, passages) =>
          batchLoss(spec, { queries, passages, dimension: shape.hiddenSize }, layout, { similarity: 'dot' }),
        step,
      );
      const gradientNorm = await state.gradientNorm();
      await state.update(2e-5, step, gradientNorm);
      return { loss: value, gradientNorm };
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

/** Encoding passages, of 16 to 240 tokens unless they shall all have one length. */
export async function encodingWorkload(
  runtime: Runtime,
  shape: EncoderShape,
  passages: number,
  length?: number,
): Promise<EncodingWorkload> {
  const stream = new RandomStream(3, 'lengths');
  const lengths = Array.from({ length: passages }, () => length ?? 16 + stream.integer(225));
  const sequences = randomTexts(shape, lengths, 4);
  const model = describeModel(shape);
  const tokenizer = {
    ...model.tokenizer,
    encode: (text: string) => sequences[Number(text)] as Int32Array<ArrayBuffer>,
  };
  const weights = await uploadWeights(runtime, randomWeights(shape));
  const embedder = new Embedder(runtime, { ...model, tokenizer }, () => weights);
  const texts = sequences.map((_, i) => String(i));
  return {
    encode: () => embedder.embed(texts, 'passage'),
    close: async () => {
      await embedder.close();
      for (const tensor of weights.values()) tensor.dispose();
    },
  };
}
