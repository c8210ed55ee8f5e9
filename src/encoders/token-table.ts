/**
 * Vectors as means of token vectors, and the way back, in plain loops: float32 where values are kept, float64 in between,
 * in the order of the tokens. They use nothing but IEEE arithmetic, so every engine gives the same bits.
 */
import { familyOf } from './families/index.ts';
import type { EncoderModel } from './types.ts';

/** What stands in for the length of a vanishing vector, as in PyTorch's normalize. */
const smallestLength = 1e-12;

/** The token vectors of an encoder that is a table of them, [vocabulary, dimensions]. */
export function rowsOf({
  shape,
  weights,
}: Pick<EncoderModel, 'shape' | 'weights'>): Float32Array<ArrayBuffer> {
  const table = weights.get(familyOf(shape).wordEmbeddings);
  if (table === undefined) throw new Error('the encoder has no table of token vectors');
  return table.data;
}

/**
 * Writes the mean of the tokens' rows, zeros without tokens, and normalizes it on request.
 * @param sums room for float64 sums, [dimensions]
 * @returns the length that the mean was divided by; 1 where it is not normalized
 */
export function writeMean(
  out: Float32Array,
  at: number,
  rows: Float32Array,
  tokens: Int32Array,
  sums: Float64Array,
  normalize: boolean,
): number {
  const width = sums.length;
  sums.fill(0);
  for (let token = 0; token < tokens.length; token++) {
    const from = (tokens[token] as number) * width;
    for (let x = 0; x < width; x++) sums[x] = (sums[x] as number) + (rows[from + x] as number);
  }
  const count = Math.max(1, tokens.length);
  let squares = 0;
  for (let x = 0; x < width; x++) {
    const mean = (sums[x] as number) / count;
    sums[x] = mean;
    squares += mean * mean;
  }
  const length = normalize ? Math.max(smallestLength, Math.sqrt(squares)) : 1;
  for (let x = 0; x < width; x++) out[at + x] = (sums[x] as number) / length;
  return length;
}

/**
 * ∂L/∂row of each token of a text, the same for all, from ∂L/∂vector.
 * @param length as {@link writeMean} returned it
 * @param out [dimensions]
 */
export function rowGradient(
  out: Float64Array,
  upstream: Float32Array,
  vectors: Float32Array,
  at: number,
  {
    length,
    tokens,
    normalize,
  }: { readonly length: number; readonly tokens: number; readonly normalize: boolean },
): void {
  const width = out.length;
  let along = 0;
  // Below the smallest length the divisor is a constant.
  if (normalize && length > smallestLength) {
    for (let x = at; x < at + width; x++) along += (upstream[x] as number) * (vectors[x] as number);
  }
  const scale = 1 / (length * tokens);
  for (let x = 0; x < width; x++) {
    out[x] = scale * ((upstream[at + x] as number) - along * (vectors[at + x] as number));
  }
}
