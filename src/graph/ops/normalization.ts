import {
  elementCount,
  only,
  showShape,
  type Node,
  type Operation,
  type Dimension,
  type Dimensions,
  type Tensor,
} from '../expression.ts';
import { exp, square } from '../../core/exact-math.ts';
import { reduceSum, reshape } from './broadcasting.ts';
import { add, mul, sub } from './elementwise.ts';
import { columnSum, gemm, rowDot } from './linear.ts';

const softmaxOperation: Operation = {
  name: 'Softmax',
  infer: ([x]) => [{ dims: (x as Tensor).dims, dataType: 'float32' }],
  evaluate: ([x]) => {
    if (x === undefined) throw new Error('Softmax takes one');
    const width = x.shape.at(-1) as number;
    const data = new Float64Array(x.data.length);
    for (let start = 0; start < data.length; start += width) {
      const row = x.data.subarray(start, start + width);
      const largest = row.reduce((a, b) => Math.max(a, b), -Infinity);
      const exponentials = row.map((value) => exp(value - largest));
      const sum = exponentials.reduce((a, b) => a + b, 0);
      data.set(
        exponentials.map((value) => value / sum),
        start,
      );
    }
    return [{ shape: x.shape, data }];
  },
  gradient: (node, [upstream]) => {
    if (upstream === undefined) return [];
    const p = only(node.outputs);
    return [mul(p, sub(upstream, reduceSum(mul(upstream, p), [-1], true)))];
  },
  onnx: (node) => ({ type: 'Softmax', inputs: node.inputs, attributes: { axis: -1 } }),
};

/** Softmax over the last axis. */
export function softmax(x: Tensor): Tensor {
  return only(x.node.graph.apply(softmaxOperation, [x]));
}

const layerNormOperation: Operation = {
  name: 'LayerNormalization',
  infer: ([x, gamma, beta]) => {
    const [matrix, scale, shift] = [x, gamma, beta].map((tensor) => (tensor as Tensor).dims) as [
      Dimensions,
      Dimensions,
      Dimensions,
    ];
    const [rows, width] = matrix;
    if (matrix.length !== 2 || [scale, shift].some((shape) => shape.length !== 1 || shape[0] !== width)) {
      throw new Error(
        `LayerNormalization: ${showShape(matrix)} does not fit gamma ${showShape(scale)} and beta ${showShape(shift)}`,
      );
    }
    const column = { dims: [rows as Dimension, 1], dataType: 'float32' as const };
    return [{ dims: matrix, dataType: 'float32' }, column, column];
  },
  evaluate: ([x, gamma, beta], { epsilon }, types) => {
    if (x === undefined || gamma === undefined || beta === undefined) throw new Error('takes three');
    const [rows, width] = x.shape as readonly [number, number];
    const data = new Float64Array(x.data.length);
    const means = new Float64Array(rows);
    const inverseDeviations = new Float64Array(rows);
    for (let r = 0; r < rows; r++) {
      const row = x.data.subarray(r * width, (r + 1) * width);
      const mean = row.reduce((a, b) => a + b, 0) / width;
      const variance = row.reduce((a, b) => a + square(b - mean), 0) / width;
      const inverse = 1 / Math.sqrt(variance + (epsilon as number));
      means[r] = mean;
      inverseDeviations[r] = inverse;
      for (let i = 0; i < width; i++) {
        data[r * width + i] =
          ((row[i] as number) - mean) * inverse * (gamma.data[i] as number) + (beta.data[i] as number);
      }
    }
    return [data, means, inverseDeviations].map((values, i) => ({
      shape: types[i]?.shape ?? [],
      data: values,
    }));
  },
  gradient: (node, [upstream]) => (upstream === undefined ? [] : layerNormGradient(node, upstream)),
  onnx: (node) => ({
    type: 'LayerNormalization',
    inputs: node.inputs,
    attributes: { axis: -1 },
    floats: { epsilon: node.attributes.epsilon as number },
  }),
};

/**
 * With x̂ = (x − μ)·ρ, ρ = 1/σ, h = ∂y·γ and means over a row:
 * ∂x = ρ·(h − mean(h) − x̂·mean(h·x̂)), ∂γ = Σ_rows ∂y·x̂, ∂β = Σ_rows ∂y.
 * x̂ is never built: both means are matrix-vector products, and ∂x is ρ·h minus one linear function of x per
 * row, which leaves six passes over the matrix.
 */
function layerNormGradient(node: Node, upstream: Tensor): readonly Tensor[] {
  const [x, gamma] = node.inputs as readonly [Tensor, Tensor];
  const [, mean, inverseDeviation] = node.outputs as readonly [Tensor, Tensor, Tensor];
  const width = elementCount(gamma.shape);
  const meanWeights = mul(gamma, 1 / width);
  const product = mul(upstream, x);
  const meanH = rowDot(upstream, meanWeights);
  const meanHx = rowDot(product, meanWeights);
  const meanHxHat = mul(inverseDeviation, sub(meanHx, mul(mean, meanH)));
  const slope = mul(mul(inverseDeviation, inverseDeviation), meanHxHat);
  const offset = sub(mul(inverseDeviation, meanH), mul(slope, mean));
  const dx = sub(mul(mul(upstream, gamma), inverseDeviation), add(mul(x, slope), offset));
  const dGamma = sub(
    gemm(inverseDeviation, product, { transA: true }),
    gemm(mul(inverseDeviation, mean), upstream, { transA: true }),
  );
  return [dx, reshape(dGamma, gamma.shape), columnSum(upstream)];
}

/** Layer normalization of each row of x [rows, width], scaled by gamma [width] and shifted by beta [width]. */
export function layerNorm(x: Tensor, gamma: Tensor, beta: Tensor, epsilon: number): Tensor {
  const [y] = x.node.graph.apply(layerNormOperation, [x, gamma, beta], { epsilon });
  return y as Tensor;
}
