import { square } from '../core/exact-math.ts';

/** The sum of a square matrix's singular values and the derivative of that sum. */
export interface PolarFactor {
  readonly nuclearNorm: number;
  /** U Vᵀ over the singular values above the tolerance, row-major [size, size]: ∂‖M‖_*∕∂M. */
  readonly factor: Float64Array;
}

const MAXIMUM_SWEEPS = 60;

/**
 * Singular value decomposition by one-sided Jacobi rotations (Hestenes 1958), which finds small singular values to
 * full relative precision. Takes O(size³) per sweep, about ten sweeps.
 *
 * @param matrix row-major [size, size].
 * @param tolerance singular values up to here count as zero; they are left out of the factor, which is then the
 *   subgradient of least norm.
 */
export function polarFactor(matrix: Float64Array, size: number, tolerance: number): PolarFactor {
  // Row j of `columns` is column j of matrix·V, row j of `rotation` is column j of V: rotations walk memory in order.
  const columns = new Float64Array(size * size);
  const rotation = new Float64Array(size * size);
  for (let i = 0; i < size; i++) {
    rotation[i * size + i] = 1;
    for (let j = 0; j < size; j++) columns[j * size + i] = matrix[i * size + j] as number;
  }
  orthogonalize(columns, rotation, size, tolerance);

  let nuclearNorm = 0;
  const factor = new Float64Array(size * size);
  for (let k = 0; k < size; k++) {
    const at = k * size;
    let squares = 0;
    for (let i = 0; i < size; i++) squares += square(columns[at + i] as number);
    const singularValue = Math.sqrt(squares);
    if (singularValue <= tolerance) continue;
    nuclearNorm += singularValue;
    for (let i = 0; i < size; i++) {
      const left = (columns[at + i] as number) / singularValue;
      for (let j = 0; j < size; j++) {
        factor[i * size + j] = (factor[i * size + j] as number) + left * (rotation[at + j] as number);
      }
    }
  }
  return { nuclearNorm, factor };
}

/** Rotates pairs of rows of `columns` until all are orthogonal; `rotation` goes along. */
function orthogonalize(columns: Float64Array, rotation: Float64Array, size: number, tolerance: number): void {
  const negligible = tolerance * tolerance;
  for (let sweep = 0; sweep < MAXIMUM_SWEEPS; sweep++) {
    let rotated = false;
    for (let p = 0; p < size - 1; p++) {
      for (let q = p + 1; q < size; q++) {
        let squaresP = 0;
        let squaresQ = 0;
        let product = 0;
        for (let i = 0; i < size; i++) {
          const x = columns[p * size + i] as number;
          const y = columns[q * size + i] as number;
          squaresP += x * x;
          squaresQ += y * y;
          product += x * y;
        }
        // Two columns of rounding noise never become orthogonal to each other, and need not.
        if (squaresP <= negligible || squaresQ <= negligible) continue;
        if (Math.abs(product) <= 4 * Number.EPSILON * Math.sqrt(squaresP * squaresQ)) continue;
        rotated = true;
        const ratio = (squaresQ - squaresP) / (2 * product);
        const tangent = (ratio >= 0 ? 1 : -1) / (Math.abs(ratio) + Math.sqrt(1 + ratio * ratio));
        const cosine = 1 / Math.sqrt(1 + tangent * tangent);
        const sine = cosine * tangent;
        rotate(columns, p * size, q * size, size, cosine, sine);
        rotate(rotation, p * size, q * size, size, cosine, sine);
      }
    }
    if (!rotated) return;
  }
}

function rotate(
  rows: Float64Array,
  atP: number,
  atQ: number,
  size: number,
  cosine: number,
  sine: number,
): void {
  for (let i = 0; i < size; i++) {
    const x = rows[atP + i] as number;
    const y = rows[atQ + i] as number;
    rows[atP + i] = cosine * x - sine * y;
    rows[atQ + i] = sine * x + cosine * y;
  }
}
