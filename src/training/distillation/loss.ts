import { exp, log } from '../../core/exact-math.ts';
import type { TermValue } from '../similarity.ts';

export interface DistillationWeights {
  /** Weight of the vector term. */
  readonly vectorWeight: number;
  /** Weight of the similarity term. */
  readonly similarityWeight: number;
  /** τ, what the similarities are divided by before the softmax. */
  readonly similarityTemperature: number;
}

export interface DistillationLoss {
  readonly value: number;
  readonly terms: readonly TermValue[];
  /** ∂value/∂vectors, [texts, dimension] */
  readonly gradient: Float32Array<ArrayBuffer>;
}

/**
 * How far a batch's vectors s are from a teacher's t, all of length 1, with its gradient. Two terms: the vectors
 * themselves, mean 1 − s·t; and what each text is near to among the others of the batch, the mean over rows i of
 * KL(softmax(t_i·t_j / τ) ‖ softmax(s_i·s_j / τ)) over j ≠ i, as in relational distillation (Park et al. 2019).
 * @param vectors s, [texts, dimension]
 * @param targets t, [texts, dimension]; at a vectorWeight of 0, of any dimension
 */
export function distillationLoss(
  vectors: Float32Array,
  targets: Float32Array,
  dimension: number,
  { vectorWeight, similarityWeight, similarityTemperature }: DistillationWeights,
): DistillationLoss {
  const texts = vectors.length / dimension;
  const gradient = new Float64Array(vectors.length);
  let vectorTerm = 0;
  if (vectorWeight > 0) {
    let alignment = 0;
    for (let at = 0; at < vectors.length; at++) {
      alignment += (vectors[at] as number) * (targets[at] as number);
      gradient[at] = (-vectorWeight * (targets[at] as number)) / texts;
    }
    vectorTerm = 1 - alignment / texts;
  }
  let similarityTerm = 0;
  if (similarityWeight > 0 && texts > 2) {
    const student = similarities(vectors, dimension);
    const teacher = similarities(targets, targets.length / texts);
    const ofScores = new Float64Array(texts * texts);
    for (let row = 0; row < texts; row++) {
      const wanted = softmaxOfOthers(teacher, row, texts, similarityTemperature);
      const had = softmaxOfOthers(student, row, texts, similarityTemperature);
      for (let column = 0; column < texts; column++) {
        if (column === row) continue;
        const p = wanted[column] as number;
        const q = had[column] as number;
        if (p > 0) similarityTerm += (p * log(p / Math.max(q, Number.MIN_VALUE))) / texts;
        ofScores[row * texts + column] = (q - p) / similarityTemperature / texts;
      }
    }
    for (let row = 0; row < texts; row++) {
      for (let column = 0; column < texts; column++) {
        const pull = (ofScores[row * texts + column] as number) + (ofScores[column * texts + row] as number);
        if (pull === 0) continue;
        for (let k = 0; k < dimension; k++) {
          const at = row * dimension + k;
          gradient[at] =
            (gradient[at] as number) + similarityWeight * pull * (vectors[column * dimension + k] as number);
        }
      }
    }
  }
  return {
    value: vectorWeight * vectorTerm + similarityWeight * similarityTerm,
    terms: [
      { name: 'vectors', weight: vectorWeight, value: vectorTerm, maskedShare: 0 },
      { name: 'similarities', weight: similarityWeight, value: similarityTerm, maskedShare: 0 },
    ],
    gradient: new Float32Array(gradient),
  };
}

/** s_i·s_j, [texts, texts] */
function similarities(vectors: Float32Array, dimension: number): Float64Array {
  const texts = vectors.length / dimension;
  const scores = new Float64Array(texts * texts);
  for (let row = 0; row < texts; row++) {
    for (let column = 0; column <= row; column++) {
      let sum = 0;
      for (let k = 0; k < dimension; k++) {
        sum += (vectors[row * dimension + k] as number) * (vectors[column * dimension + k] as number);
      }
      scores[row * texts + column] = sum;
      scores[column * texts + row] = sum;
    }
  }
  return scores;
}

/** Over the columns other than the row's own, where it is 0. */
function softmaxOfOthers(
  scores: Float64Array,
  row: number,
  texts: number,
  temperature: number,
): Float64Array {
  const shares = scores.slice(row * texts, (row + 1) * texts);
  shares[row] = -Infinity;
  const largest = shares.reduce((a, b) => Math.max(a, b), -Infinity);
  let sum = 0;
  for (let column = 0; column < texts; column++) {
    const share = exp(((shares[column] as number) - largest) / temperature);
    shares[column] = share;
    sum += share;
  }
  for (let column = 0; column < texts; column++) shares[column] = (shares[column] as number) / sum;
  return shares;
}
