import { bertEmbeddings, bertLayer } from '../../encoders/families/bert.ts';
import { familyOf } from '../../encoders/families/index.ts';
import type { EncoderShape, Weights, WeightTensor } from '../../encoders/types.ts';
import { elementCount } from '../../core/tensor-size.ts';
import { norm } from '../../core/exact-math.ts';
import { RandomStream } from '../../core/random.ts';

/** The standard deviation of BERT's random weights. */
const spread = 0.02;

/**
 * A student's first weights: each token's embedding is the teacher's vector for it, so that the student begins as the
 * mean of its tokens' vectors; the rest is as BERT is initialized, small at random, which adds little to that.
 * @param tokenVectors [vocabSize, hiddenSize]
 */
export function studentWeights(
  shape: EncoderShape,
  tokenVectors: Float32Array<ArrayBuffer>,
  seed: number,
): Weights {
  const weights = new Map<string, WeightTensor>();
  const { wordEmbeddings, parameters } = familyOf(shape);
  for (const [name, dims] of parameters(shape)) {
    weights.set(name, { dims, data: name === wordEmbeddings ? tokenVectors : initial(name, dims, seed) });
  }
  return weights;
}

/**
 * A student's first weights where a static encoder's token vectors are the start. The vectors' lengths say how much a
 * token counts, and the normalization of the embeddings would undo them. Therefore the same larger vector is added to
 * every token's, and the last bias takes it off. The layers add nothing at first. So the student starts nearly as the
 * static encoder.
 * @param tokenVectors [vocabSize, hiddenSize]
 */
export function startedWeights(
  shape: EncoderShape,
  tokenVectors: Float32Array<ArrayBuffer>,
  seed: number,
): Weights {
  const weights = studentWeights(shape, scaledToUnit(tokenVectors), seed);
  const set = (name: string, value: (column: number) => number): void => {
    const tensor = weights.get(name);
    if (tensor === undefined) throw new Error(`the student has no ${name}`);
    tensor.data.forEach((_, at) => (tensor.data[at] = value(at % shape.hiddenSize)));
  };
  const side = (column: number): number => (column % 2 === 0 ? -1 : 1);
  set(bertEmbeddings.positions, () => 0);
  set(bertEmbeddings.segments, (column) => common * side(column));
  for (let layer = 0; layer < shape.layers; layer++) {
    const { attentionOutput, output } = bertLayer(layer);
    set(`${attentionOutput}.weight`, () => 0);
    set(`${output}.weight`, () => 0);
  }
  set(`${bertLayer(shape.layers - 1).outputNorm}.bias`, (column) => -side(column));
  return weights;
}

/** The size of the common vector's values, where those of the token vectors are of size 1. */
const common = 2;

/**
 * A started student's final weights: the mean of the first and the trained ones (Wortsman et al. 2022). The embeddings are
 * put at an eighth, which the normalization of their sum takes back: the vectors stay the same, and learning rates
 * for other encoders of this size suit this one.
 * @param startShare of the first weights
 */
export function finishedWeights(first: Weights, trained: Weights, startShare: number): Weights {
  const { words, positions, segments } = bertEmbeddings;
  const finished = new Map<string, WeightTensor>();
  for (const [name, { dims, data }] of trained) {
    const before = first.get(name)?.data;
    const scale = name === words || name === positions || name === segments ? 1 / 8 : 1;
    const mean = data.map(
      (value, at) => scale * (startShare * (before?.[at] ?? value) + (1 - startShare) * value),
    );
    finished.set(name, { dims, data: mean });
  }
  return finished;
}

/** Such that the mean square of a value is 1: a learning rate then changes a token's vector by little of its size. */
function scaledToUnit(vectors: Float32Array): Float32Array<ArrayBuffer> {
  const scale = 1 / (norm(vectors) / Math.sqrt(vectors.length) || 1);
  return Float32Array.from(vectors, (value) => value * scale);
}

/** Biases are 0, the gains of normalizations 1. */
function initial(name: string, dims: readonly number[], seed: number): Float32Array<ArrayBuffer> {
  const size = elementCount(dims);
  if (dims.length === 1) return new Float32Array(size).fill(name.endsWith('.bias') ? 0 : 1);
  const random = new RandomStream(seed, 'student', name);
  return Float32Array.from({ length: size }, () => spread * random.normal());
}
