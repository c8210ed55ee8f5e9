/** Embeddings, row-major [count, dimension]. */
export type Embeddings = Float32Array | Float64Array;

/** Sizes of a block of scores: queries × passages, and the length of an embedding. */
export interface ProductShape {
  readonly rows: number;
  readonly columns: number;
  readonly dimension: number;
}

/**
 * The three products between embeddings and a block of scores. They are nearly all of the work of a large batch,
 * so a host may bring its runtime's own in place of {@link plainProduct}.
 */
export interface MatrixProduct {
  /** out[rows, columns] = queries[rows, dimension] · passages[columns, dimension]ᵀ */
  scores(
    queries: Embeddings,
    passages: Embeddings,
    shape: ProductShape,
    out: Float64Array,
  ): Promise<void> | void;
  /** out[rows, dimension] += gradient[rows, columns] · passages[columns, dimension] */
  addToQueries(
    gradient: Float64Array,
    passages: Embeddings,
    shape: ProductShape,
    out: Float64Array,
  ): Promise<void> | void;
  /** out[columns, dimension] += gradient[rows, columns]ᵀ · queries[rows, dimension] */
  addToPassages(
    gradient: Float64Array,
    queries: Embeddings,
    shape: ProductShape,
    out: Float64Array,
  ): Promise<void> | void;
}

/** Plain loops in float64, tiled so that three by three products share what they read. */
export const plainProduct: MatrixProduct = {
  scores: (queries, passages, { rows, columns, dimension }, out) => {
    const tiledRows = rows - (rows % 3);
    const tiledColumns = columns - (columns % 3);
    for (let column = 0; column < tiledColumns; column += 3) {
      for (let row = 0; row < tiledRows; row += 3) {
        scoreTile(queries, passages, row, column, columns, dimension, out);
      }
    }
    for (let row = 0; row < rows; row++) {
      for (let column = row < tiledRows ? tiledColumns : 0; column < columns; column++) {
        out[row * columns + column] = dot(queries, row * dimension, passages, column * dimension, dimension);
      }
    }
  },
  addToQueries: (gradient, passages, { rows, columns, dimension }, out) => {
    addWeighted(out, rows, passages, columns, dimension, gradient, columns, 1);
  },
  addToPassages: (gradient, queries, { rows, columns, dimension }, out) => {
    addWeighted(out, columns, queries, rows, dimension, gradient, 1, columns);
  },
};

export function dot(
  left: Embeddings,
  leftAt: number,
  right: Embeddings,
  rightAt: number,
  dimension: number,
): number {
  let sum = 0;
  for (let x = 0; x < dimension; x++) sum += (left[leftAt + x] as number) * (right[rightAt + x] as number);
  return sum;
}

/** out[outAt…] += weight · vector[vectorAt…] */
export function addScaled(
  out: Float64Array,
  outAt: number,
  weight: number,
  vector: Embeddings,
  vectorAt: number,
  dimension: number,
): void {
  for (let x = 0; x < dimension; x++) {
    out[outAt + x] = (out[outAt + x] as number) + weight * (vector[vectorAt + x] as number);
  }
}

function scoreTile(
  queries: Embeddings,
  passages: Embeddings,
  row: number,
  column: number,
  columns: number,
  dimension: number,
  out: Float64Array,
): void {
  const q0 = row * dimension;
  const q1 = q0 + dimension;
  const q2 = q1 + dimension;
  const p0 = column * dimension;
  const p1 = p0 + dimension;
  const p2 = p1 + dimension;
  let s00 = 0;
  let s01 = 0;
  let s02 = 0;
  let s10 = 0;
  let s11 = 0;
  let s12 = 0;
  let s20 = 0;
  let s21 = 0;
  let s22 = 0;
  for (let x = 0; x < dimension; x++) {
    const a = passages[p0 + x] as number;
    const b = passages[p1 + x] as number;
    const c = passages[p2 + x] as number;
    let query = queries[q0 + x] as number;
    s00 += query * a;
    s01 += query * b;
    s02 += query * c;
    query = queries[q1 + x] as number;
    s10 += query * a;
    s11 += query * b;
    s12 += query * c;
    query = queries[q2 + x] as number;
    s20 += query * a;
    s21 += query * b;
    s22 += query * c;
  }
  const at = row * columns + column;
  out[at] = s00;
  out[at + 1] = s01;
  out[at + 2] = s02;
  out[at + columns] = s10;
  out[at + columns + 1] = s11;
  out[at + columns + 2] = s12;
  out[at + 2 * columns] = s20;
  out[at + 2 * columns + 1] = s21;
  out[at + 2 * columns + 2] = s22;
}

/**
 * out[i] += Σⱼ weight(i, j) · source[j] over rows of `dimension`, with weight(i, j) at i·outStride + j·sourceStride.
 */
function addWeighted(
  out: Float64Array,
  outRows: number,
  source: Embeddings,
  sourceRows: number,
  dimension: number,
  weights: Float64Array,
  outStride: number,
  sourceStride: number,
): void {
  const tiledOut = outRows - (outRows % 3);
  const tiledSource = sourceRows - (sourceRows % 3);
  const tile = (i: number, j: number) => {
    addWeightedTile(out, i, source, j, dimension, weights, outStride, sourceStride);
  };
  // The longer side outside: the shorter one then stays in the cache.
  if (outRows > sourceRows) {
    for (let i = 0; i < tiledOut; i += 3) for (let j = 0; j < tiledSource; j += 3) tile(i, j);
  } else {
    for (let j = 0; j < tiledSource; j += 3) for (let i = 0; i < tiledOut; i += 3) tile(i, j);
  }
  for (let i = 0; i < outRows; i++) {
    for (let j = i < tiledOut ? tiledSource : 0; j < sourceRows; j++) {
      const weight = weights[i * outStride + j * sourceStride] as number;
      addScaled(out, i * dimension, weight, source, j * dimension, dimension);
    }
  }
}

function addWeightedTile(
  out: Float64Array,
  i: number,
  source: Embeddings,
  j: number,
  dimension: number,
  weights: Float64Array,
  outStride: number,
  sourceStride: number,
): void {
  const at = i * outStride + j * sourceStride;
  const w00 = weights[at] as number;
  const w01 = weights[at + sourceStride] as number;
  const w02 = weights[at + 2 * sourceStride] as number;
  const w10 = weights[at + outStride] as number;
  const w11 = weights[at + outStride + sourceStride] as number;
  const w12 = weights[at + outStride + 2 * sourceStride] as number;
  const w20 = weights[at + 2 * outStride] as number;
  const w21 = weights[at + 2 * outStride + sourceStride] as number;
  const w22 = weights[at + 2 * outStride + 2 * sourceStride] as number;
  const o0 = i * dimension;
  const o1 = o0 + dimension;
  const o2 = o1 + dimension;
  const s0 = j * dimension;
  const s1 = s0 + dimension;
  const s2 = s1 + dimension;
  for (let x = 0; x < dimension; x++) {
    const a = source[s0 + x] as number;
    const b = source[s1 + x] as number;
    const c = source[s2 + x] as number;
    out[o0 + x] = (out[o0 + x] as number) + (w00 * a + w01 * b + w02 * c);
    out[o1 + x] = (out[o1 + x] as number) + (w10 * a + w11 * b + w12 * c);
    out[o2 + x] = (out[o2 + x] as number) + (w20 * a + w21 * b + w22 * c);
  }
}
