import { familyOf } from '../../encoders/families/index.ts';
import type { EncoderShape, Weights, WeightTensor } from '../../encoders/types.ts';
import { elementCount } from '../../core/tensor-size.ts';
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

/** Biases are 0, the gains of normalizations 1. */
function initial(name: string, dims: readonly number[], seed: number): Float32Array<ArrayBuffer> {
  const size = elementCount(dims);
  if (dims.length === 1) return new Float32Array(size).fill(name.endsWith('.bias') ? 0 : 1);
  const random = new RandomStream(seed, 'student', name);
  return Float32Array.from({ length: size }, () => spread * random.normal());
}
