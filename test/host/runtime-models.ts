import { Graph } from '../../src/graph/expression.ts';
import { toOnnx } from '../../src/graph/onnx.ts';
import { add, mul } from '../../src/graph/ops/elementwise.ts';
import { accumulate, gemm, matMul } from '../../src/graph/ops/linear.ts';

/** y = 2·x + b */
export function doubled(size: number): Uint8Array {
  const graph = new Graph();
  return toOnnx('doubled', { y: add(mul(graph.input('x', [size]), 2), graph.input('b', [size])) }).model;
}

/** sum = earlier + aᵀ·b, of [3, 2] and [3, 2] */
export function addedProduct(): Uint8Array {
  const graph = new Graph();
  const product = gemm(graph.input('a', [3, 2]), graph.input('b', [3, 2]), { transA: true });
  return toOnnx('added product', { sum: accumulate(graph.input('earlier', [2, 2]), product) }).model;
}

/** y = x·x·x of square matrices: long enough for runs to overlap where they may. */
export function cubed(size: number): Uint8Array {
  const graph = new Graph();
  const x = graph.input('x', [size, size]);
  return toOnnx('cubed', { y: matMul(matMul(x, x), x) }).model;
}
