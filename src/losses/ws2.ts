import type { LossBlock, LossDefinition, LossResult, LossSettings } from './contract.ts';
import { polarFactor } from './polar-factor.ts';
import { readSettings } from './settings.ts';
import { softmaxInPlace } from './softmax.ts';

const settings = {
  temperature: {
    default: 1,
    above: 0,
    meaning: 'Divides the scores before the softmax; 1 suits dot products, 0.05 cosines.',
  },
} as const;

/**
 * WS2: the squared 2-Wasserstein distance between two Gaussians, one fitted to the batch's score distributions and
 * one to its label distributions.
 *
 * Optimizes: with P = softmax(s/τ) and T = softmax(l) by rows, A and B their centered rows over √(rows − 1),
 * ‖μ_P − μ_T‖² + ‖A‖² + ‖B‖² − 2‖ABᵀ‖_* (nuclear norm), which equals the form with covariances and their root.
 * Inputs: labels (grades). A passage of unknown grade counts as grade 0: it is another query's passage.
 * When: graded synthetic lists, in batches of equal size, since the batch size changes the target. It does not know
 * which query is which (exchanging two rows' scores changes nothing), so sum it with InfoNCE or KL for an anchor.
 * Relations: ListNet has the same targets, row by row.
 * Source: arXiv 2503.23239; trace of the root by singular values instead of arXiv 2009.14075's eigenvalues.
 * Example: `ws2(temperature=0.05) + 0.1*infonce`.
 */
export const ws2: LossDefinition = {
  name: 'ws2',
  aliases: ['wasserstein', 'wasserstein-2', 'sycl'],
  title: 'Wasserstein (WS2)',
  needs: ['labels'],
  scopes: ['batch', 'own'],
  rowwise: false,
  settings,
  compute: computeWs2,
};

function computeWs2(block: LossBlock, given: LossSettings): LossResult {
  const { temperature } = readSettings('ws2', settings, given);
  const { rows, columns, scores, mask, labels } = block;
  if (labels === undefined) throw new TypeError('ws2: the block has no labels');
  const predicted = new Float64Array(rows * columns);
  const target = new Float64Array(rows * columns);
  for (let at = 0; at < predicted.length; at++) {
    const takesPart = mask[at] === 1;
    predicted[at] = takesPart ? (scores[at] as number) / temperature : -Infinity;
    target[at] = takesPart ? (labels[at] as number) || 0 : -Infinity;
  }
  for (let row = 0; row < rows; row++) {
    softmaxInPlace(predicted, row * columns, (row + 1) * columns);
    softmaxInPlace(target, row * columns, (row + 1) * columns);
  }

  const { distance, gradient } = gaussianDistance(predicted, target, rows, columns);
  // From ∂/∂P to ∂/∂s through each row's softmax.
  for (let row = 0; row < rows; row++) {
    const start = row * columns;
    let mean = 0;
    for (let j = 0; j < columns; j++)
      mean += (predicted[start + j] as number) * (gradient[start + j] as number);
    for (let j = 0; j < columns; j++) {
      const share = predicted[start + j] as number;
      gradient[start + j] = (rows * share * ((gradient[start + j] as number) - mean)) / temperature;
    }
  }
  return { value: rows * distance, gradient };
}

/**
 * The squared 2-Wasserstein distance of the Gaussians fitted to the rows of P and T, both [rows, columns], and its
 * derivative by P. A single row has no covariance: only the means count.
 */
function gaussianDistance(
  predicted: Float64Array,
  target: Float64Array,
  rows: number,
  columns: number,
): { distance: number; gradient: Float64Array } {
  const predictedMean = columnMeans(predicted, rows, columns);
  const targetMean = columnMeans(target, rows, columns);
  const gradient = new Float64Array(rows * columns);
  let distance = 0;
  for (let j = 0; j < columns; j++) {
    const difference = (predictedMean[j] as number) - (targetMean[j] as number);
    distance += difference * difference;
    for (let row = 0; row < rows; row++) gradient[row * columns + j] = (2 * difference) / rows;
  }
  if (rows < 2) return { distance, gradient };

  const spread = 1 / Math.sqrt(rows - 1);
  // What rounding leaves in ABᵀ where its true singular value is 0.
  const noise =
    rows * Number.EPSILON * Math.sqrt(sumOfSquares(predicted) * sumOfSquares(target)) * spread * spread;
  const a = centered(predicted, predictedMean, spread);
  const b = centered(target, targetMean, spread);
  const { nuclearNorm, factor } = polarFactor(crossProduct(a, b, rows, columns), rows, noise);
  distance += sumOfSquares(a) + sumOfSquares(b) - 2 * nuclearNorm;

  // ∂/∂A = 2A − 2UVᵀB has rows that sum to nothing only after its column means are taken off.
  const byA = a.map((entry) => 2 * entry);
  for (let row = 0; row < rows; row++) {
    for (let other = 0; other < rows; other++) {
      const weight = 2 * (factor[row * rows + other] as number);
      for (let j = 0; j < columns; j++) {
        byA[row * columns + j] =
          (byA[row * columns + j] as number) - weight * (b[other * columns + j] as number);
      }
    }
  }
  const mean = columnMeans(byA, rows, columns);
  for (let at = 0; at < gradient.length; at++) {
    gradient[at] = (gradient[at] as number) + ((byA[at] as number) - (mean[at % columns] as number)) * spread;
  }
  return { distance, gradient };
}

function columnMeans(matrix: Float64Array, rows: number, columns: number): Float64Array {
  const means = new Float64Array(columns);
  for (let at = 0; at < matrix.length; at++) {
    means[at % columns] = (means[at % columns] as number) + (matrix[at] as number) / rows;
  }
  return means;
}

function centered(matrix: Float64Array, means: Float64Array, factor: number): Float64Array {
  return matrix.map((entry, at) => (entry - (means[at % means.length] as number)) * factor);
}

function sumOfSquares(matrix: Float64Array): number {
  return matrix.reduce((sum, entry) => sum + entry * entry, 0);
}

/** A Bᵀ, [rows, rows]. */
function crossProduct(a: Float64Array, b: Float64Array, rows: number, columns: number): Float64Array {
  const product = new Float64Array(rows * rows);
  for (let i = 0; i < rows; i++) {
    for (let k = 0; k < rows; k++) {
      let sum = 0;
      for (let j = 0; j < columns; j++)
        sum += (a[i * columns + j] as number) * (b[k * columns + j] as number);
      product[i * rows + k] = sum;
    }
  }
  return product;
}
