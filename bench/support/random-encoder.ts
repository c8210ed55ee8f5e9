import type { EncoderDescription } from '../../src/encoders/embedder.ts';
import { familyOf } from '../../src/encoders/families/index.ts';
import type { EncoderShape, WeightTensor } from '../../src/encoders/types.ts';
import { RandomStream } from '../../src/core/random.ts';

const bert = {
  family: 'bert',
  vocabSize: 30522,
  maxPositions: 512,
  segments: 2,
  layerNormEpsilon: 1e-12,
  activation: 'gelu',
  hiddenDropout: 0,
  attentionDropout: 0,
} as const;

/** The shapes of real encoders; `tiny` is one that a processor playing a GPU can train in seconds. */
export const encoderShapes = {
  'MiniLM-L6': { ...bert, hiddenSize: 384, layers: 6, heads: 12, intermediateSize: 1536 },
  'BERT-base': { ...bert, hiddenSize: 768, layers: 12, heads: 12, intermediateSize: 3072 },
  nano: {
    ...bert,
    vocabSize: 7600,
    hiddenSize: 160,
    layers: 2,
    heads: 5,
    intermediateSize: 640,
    maxPositions: 256,
  },
  tiny: {
    ...bert,
    vocabSize: 96,
    hiddenSize: 16,
    layers: 1,
    heads: 2,
    intermediateSize: 32,
    maxPositions: 32,
  },
} as const satisfies Readonly<Record<string, EncoderShape>>;

/** The same graphs at a fraction of the width: less arithmetic, for counts where software plays the GPU. */
export function narrowed(shape: EncoderShape, divisor: number): EncoderShape {
  const { hiddenSize, intermediateSize } = shape;
  return { ...shape, hiddenSize: hiddenSize / divisor, intermediateSize: intermediateSize / divisor };
}

/** Random numbers in a row, repeated: a hundred million counted ones would take longer than what is measured. */
const period = 65_537;

/** Weights of the shape's sizes: a speed does not depend on their values. */
export function randomWeights(shape: EncoderShape): Map<string, WeightTensor> {
  const stream = new RandomStream(1, 'weights');
  const values = Float32Array.from({ length: period }, () => 0.04 * (stream.uniform() - 0.5));
  return new Map(
    [...familyOf(shape).parameters(shape)].map(([name, dims]) => {
      const data = new Float32Array(dims.reduce((a, b) => a * b, 1));
      if (name.includes('Norm.weight')) data.fill(1);
      else for (let i = 0; i < data.length; i += period) data.set(values.subarray(0, data.length - i), i);
      return [name, { dims, data }];
    }),
  );
}

/** A text of as many random tokens, special tokens left out. */
export function randomTokens(
  stream: RandomStream,
  shape: EncoderShape,
  length: number,
): Int32Array<ArrayBuffer> {
  const first = Math.min(1000, shape.vocabSize >> 1);
  return Int32Array.from({ length }, () => first + stream.integer(shape.vocabSize - first));
}

/** An encoder that takes tokens only. */
export function tokensOnly(shape: EncoderShape, maxLength: number): EncoderDescription {
  const noTexts = (): never => {
    throw new Error('the sequences are tokens already');
  };
  return {
    shape,
    encoding: {
      pooling: 'mean',
      normalize: true,
      queryPrefix: '',
      passagePrefix: '',
      queryMaxLength: maxLength,
      passageMaxLength: maxLength,
    },
    tokenizer: { vocabSize: shape.vocabSize, padId: 0, encode: noTexts, encodePair: noTexts },
  };
}
