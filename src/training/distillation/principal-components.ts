import { EigenvalueDecomposition, Matrix } from 'ml-matrix';
import { norm } from '../../core/exact-math.ts';

/**
 * The directions in which vectors extend most: the first eigenvectors of Σ v vᵀ. The mean is not taken off, so that
 * dot products change as little as they can (Eckart and Young 1936).
 * @param vectors [rows, from]
 * @returns [from, to], orthonormal columns
 */
export function principalComponents(vectors: Float32Array, from: number, to: number): Float64Array {
  const moments = Matrix.zeros(from, from).to1DArray();
  for (let start = 0; start < vectors.length; start += from) {
    for (let i = 0; i < from; i++) {
      const value = vectors[start + i] as number;
      for (let j = 0; j <= i; j++) {
        moments[i * from + j] = (moments[i * from + j] as number) + value * (vectors[start + j] as number);
      }
    }
  }
  const matrix = Matrix.from1DArray(from, from, moments);
  for (let i = 0; i < from; i++) for (let j = 0; j < i; j++) matrix.set(j, i, matrix.get(i, j));
  const { realEigenvalues, eigenvectorMatrix } = new EigenvalueDecomposition(matrix, {
    assumeSymmetric: true,
  });
  const order = realEigenvalues
    .map((_, column) => column)
    .sort((a, b) => (realEigenvalues[b] as number) - (realEigenvalues[a] as number));
  const components = new Float64Array(from * to);
  for (let row = 0; row < from; row++) {
    for (let column = 0; column < to; column++) {
      components[row * to + column] = eigenvectorMatrix.get(row, order[column] as number);
    }
  }
  return components;
}

/**
 * Vectors in a smaller space, with length 1 again.
 * @param vectors [rows, from]
 * @param components [from, to]
 * @returns [rows, to]
 */
export function project(
  vectors: Float32Array,
  components: Float64Array,
  from: number,
  to: number,
): Float32Array<ArrayBuffer> {
  const rows = vectors.length / from;
  const projected = new Float32Array(rows * to);
  const sum = new Float64Array(to);
  for (let row = 0; row < rows; row++) {
    sum.fill(0);
    for (let i = 0; i < from; i++) {
      const value = vectors[row * from + i] as number;
      for (let j = 0; j < to; j++) sum[j] = (sum[j] as number) + value * (components[i * to + j] as number);
    }
    const length = norm(sum) || 1;
    for (let j = 0; j < to; j++) projected[row * to + j] = (sum[j] as number) / length;
  }
  return projected;
}
