import { familyOf } from '../../src/encoders/families/index.ts';
import type { EncoderShape } from '../../src/encoders/types.ts';
import { RandomStream } from '../../src/core/random.ts';

/** Sequences × tokens of the input. */
export const rows = 16;
export const length = 64;
export const tokens = rows * length;
export const epsilon = 1e-12;

export interface Values {
  readonly dims: readonly number[];
  readonly data: Float32Array<ArrayBuffer>;
}

/** One encoder layer of BERT with the numbers that every system computes with: the same for the same width. */
export interface Problem {
  readonly hidden: number;
  readonly heads: number;
  readonly intermediate: number;
  /** [tokens, hidden] */
  readonly input: Values;
  /** G of the loss Σ(output · G): [tokens, hidden] */
  readonly upstream: Values;
  /** By Hugging Face name; the matrices are [outputs, inputs]. */
  readonly parameters: ReadonlyMap<string, Values>;
}

const shapes: Readonly<Record<number, readonly [heads: number, intermediate: number]>> = {
  128: [2, 512],
  384: [12, 1536],
};

/** The name under which the input's gradient is compared with the parameters'. */
export const inputName = 'input';

export function encoderShape(hidden: number): EncoderShape {
  const shape = shapes[hidden];
  if (shape === undefined)
    throw new Error(`width ${hidden}: only ${Object.keys(shapes).join(', ')} are known`);
  return {
    family: 'bert',
    vocabSize: 1,
    maxPositions: length,
    segments: 0,
    hiddenSize: hidden,
    layers: 1,
    heads: shape[0],
    intermediateSize: shape[1],
    layerNormEpsilon: epsilon,
    activation: 'gelu',
    hiddenDropout: 0,
    attentionDropout: 0,
  };
}

export function problemOf(hidden: number): Problem {
  const shape = encoderShape(hidden);
  const parameters = new Map<string, Values>();
  const { parameters: all, depthOf } = familyOf(shape);
  for (const [name, dims] of all(shape)) {
    if (depthOf(shape, name) === 0) continue;
    const isGain = name.endsWith('LayerNorm.weight');
    const scale = dims.length === 2 ? 1 / Math.sqrt(dims[1] as number) : 0.1;
    parameters.set(name, normal(name, dims, scale, isGain ? 1 : 0));
  }
  return {
    hidden,
    heads: shape.heads,
    intermediate: shape.intermediateSize,
    input: normal('input', [tokens, hidden], 1, 0),
    upstream: normal('upstream', [tokens, hidden], 1, 0),
    parameters,
  };
}

function normal(stream: string, dims: readonly number[], scale: number, mean: number): Values {
  const random = new RandomStream(1, stream);
  const count = dims.reduce((a, b) => a * b, 1);
  return { dims, data: Float32Array.from({ length: count }, () => mean + scale * random.normal()) };
}

/** A matrix as [columns, rows]; whatever is no matrix as it is. */
export function transposed(dims: readonly number[], data: Float32Array): Float32Array<ArrayBuffer> {
  const [rowCount, columns] = dims;
  if (dims.length !== 2 || rowCount === undefined || columns === undefined) return data.slice();
  const result = new Float32Array(data.length);
  for (let r = 0; r < rowCount; r++) {
    for (let c = 0; c < columns; c++) result[c * rowCount + r] = data[r * columns + c] as number;
  }
  return result;
}

/**
 * Floating-point operations of the matrix products of a step: two for each multiplication and addition, and the
 * backward pass twice the forward pass.
 */
export function operationsOfStep({ hidden, intermediate }: Problem): number {
  const linear = tokens * (4 * hidden * hidden + 2 * hidden * intermediate);
  const attention = 2 * tokens * length * hidden;
  return 3 * 2 * (linear + attention);
}
