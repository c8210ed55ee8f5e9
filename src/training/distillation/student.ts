import { encoderParameters, wordEmbeddings } from '../../encoders/parameters.ts';
import type { EncoderShape, Weights, WeightTensor } from '../../encoders/types.ts';
import { RandomStream } from '../../host/random.ts';

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
  for (const [name, dims] of encoderParameters(shape)) {
    const size = dims.reduce((product, dim) => product * dim, 1);
    weights.set(name, { dims, data: name === wordEmbeddings ? tokenVectors : initial(name, size, seed) });
  }
  return weights;
}

function initial(name: string, size: number, seed: number): Float32Array<ArrayBuffer> {
  if (name.endsWith('LayerNorm.weight')) return new Float32Array(size).fill(1);
  if (name.endsWith('.bias')) return new Float32Array(size);
  const random = new RandomStream(seed, 'student', name);
  return Float32Array.from({ length: size }, () => spread * random.normal());
}
