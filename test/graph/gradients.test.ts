import { describe, expect, it } from 'vitest';
import { evaluate } from './evaluate.ts';
import { Graph, type Tensor } from '../../src/graph/expression.ts';
import { vjp } from '../../src/graph/gradients.ts';
import type { NdArray } from '../../src/graph/nd-array.ts';
import { reduceSum, reshape } from '../../src/graph/ops/broadcasting.ts';
import { add, div, exp, greater, mul, sqrt, sub, tanh, toFloat } from '../../src/graph/ops/elementwise.ts';
import { gather } from '../../src/graph/ops/indexing.ts';
import { accumulate, gemm, matMul } from '../../src/graph/ops/linear.ts';
import { layerNorm, softmax } from '../../src/graph/ops/normalization.ts';
import { slice, transpose } from '../../src/graph/ops/shape.ts';
import { RandomStream } from '../../src/core/random.ts';
import { gelu } from './cases.ts';
import { relativeError } from './golden.ts';

function randomFeeds(shapes: Readonly<Record<string, readonly number[]>>): Map<string, NdArray> {
  const random = new RandomStream(7, 'gradients');
  return new Map(
    Object.entries(shapes).map(([name, shape]) => {
      const size = shape.reduce((a, b) => a * b, 1);
      return [name, { shape, data: Float64Array.from({ length: size }, () => random.normal()) }];
    }),
  );
}

/** Of a scalar. */
function gradients(loss: Tensor, targets: readonly Tensor[]): (Tensor | undefined)[] {
  return vjp([{ tensor: loss, gradient: loss.node.graph.constant(1) }], targets);
}

/** Central differences of a scalar in every element of an input. */
function differences(loss: Tensor, feeds: ReadonlyMap<string, NdArray>, name: string): Float64Array {
  const { data } = feeds.get(name)!;
  const step = 1e-6;
  const at = (i: number, value: number): number => {
    const held = data[i]!;
    data[i] = value;
    const [result] = evaluate([loss], feeds);
    data[i] = held;
    return result!.data[0]!;
  };
  return data.map((value, i) => (at(i, value + step) - at(i, value - step)) / (2 * step));
}

describe('gradients', () => {
  it('of a composite function are its finite differences', () => {
    const shapes = { x: [4, 6], w: [6, 6], gamma: [6], beta: [6], v: [6] };
    const graph = new Graph();
    const [x, w, gamma, beta, v] = Object.entries(shapes).map(([name, shape]) =>
      graph.input(name, shape),
    ) as [Tensor, Tensor, Tensor, Tensor, Tensor];
    const hidden = layerNorm(add(gelu(gemm(x, w, { transB: true, c: v })), x), gamma, beta, 1e-5);
    const heads = transpose(reshape(hidden, [4, 2, 3]), [1, 0, 2]);
    const attention = softmax(matMul(heads, transpose(heads, [0, 2, 1])));
    const mixed = reshape(transpose(matMul(attention, heads), [1, 0, 2]), [4, 6]);
    const first = slice(mul(mixed, tanh(hidden)), 0, 1, 3);
    const norm = sqrt(add(reduceSum(mul(first, first), [1], true), 1e-6));
    const cosine = reduceSum(div(first, norm), [0, 1]);
    const loss = add(sqrt(add(exp(cosine), 1)), reduceSum(mul(w, w), [0, 1]));
    const feeds = randomFeeds(shapes);
    const names = Object.keys(shapes);
    const results = gradients(loss, [x, w, gamma, beta, v]);
    names.forEach((name, i) => {
      const [gradient] = evaluate([results[i]!], feeds);
      expect(gradient!.shape, name).toEqual(feeds.get(name)!.shape);
      expect(relativeError(gradient!.data, differences(loss, feeds, name)), name).toBeLessThan(1e-6);
    });
  });

  it('add up over every path through a shared node', () => {
    const graph = new Graph();
    const x = graph.input('x', []);
    const square = mul(x, x);
    // L = x² + x²·e^(x²): dL/dx = 2x + 2x·e^(x²) + 2x³·e^(x²).
    const loss = add(square, mul(square, exp(square)));
    const [gradient] = gradients(loss, [x]);
    const [value] = evaluate([gradient!], new Map([['x', { shape: [], data: Float64Array.of(0.7) }]]));
    const power = Math.exp(0.49);
    expect(value!.data[0]).toBeCloseTo(1.4 + 1.4 * power + 2 * 0.343 * power, 12);
  });

  it('sum over axes along which an operand was broadcast', () => {
    const graph = new Graph();
    const [row, column] = [graph.input('row', [1, 3]), graph.input('column', [2, 1])];
    const [dRow, dColumn] = gradients(reduceSum(mul(row, column), [0, 1]), [row, column]);
    const feeds = new Map([
      ['row', { shape: [1, 3], data: Float64Array.of(1, 2, 3) }],
      ['column', { shape: [2, 1], data: Float64Array.of(10, 20) }],
    ]);
    const [rowValue, columnValue] = evaluate([dRow!, dColumn!], feeds);
    expect(rowValue).toEqual({ shape: [1, 3], data: Float64Array.of(30, 30, 30) });
    expect(columnValue).toEqual({ shape: [2, 1], data: Float64Array.of(6, 6) });
  });

  it('of what does not reach the loss are undefined, and of the loss itself 1', () => {
    const graph = new Graph();
    const [x, y] = [graph.input('x', []), graph.input('y', [])];
    const loss = mul(x, 3);
    const [dx, dy, own] = gradients(loss, [x, y, loss]);
    expect(graph.valueOf(dx!).data[0]).toBe(3);
    expect(dy).toBeUndefined();
    expect(graph.valueOf(own!).data[0]).toBe(1);
  });

  it('of an intermediate value stop there', () => {
    const graph = new Graph();
    const x = graph.input('x', [2]);
    const middle = exp(x);
    const [gradient] = gradients(reduceSum(mul(middle, middle), [0]), [middle]);
    const [value] = evaluate([gradient!], new Map([['x', { shape: [2], data: Float64Array.of(0, 1) }]]));
    expect(relativeError(value!.data, [2, 2 * Math.E])).toBeLessThan(1e-12);
  });

  it('name the operation that has none, where a target lies behind it', () => {
    const graph = new Graph();
    const table = graph.input('table', [3, 2]);
    const rows = gather(table, graph.input('ids', [2], 'int32'));
    const loss = reduceSum(mul(rows, rows), [0, 1]);
    expect(() => gradients(loss, [table])).toThrow('Gather has no gradient, and a target lies behind it');
    expect(gradients(loss, [rows])[0]?.shape).toEqual([2, 2]);
    const above = toFloat(greater(table, 0));
    expect(() => gradients(reduceSum(above, [0, 1]), [table])).toThrow('Cast has no gradient');
  });

  it('pass around an operation without one that only supplies a factor', () => {
    const graph = new Graph();
    const [x, y] = [graph.input('x', [2]), graph.input('y', [2])];
    const gated = mul(x, toFloat(greater(y, 0)));
    const [gradient] = gradients(reduceSum(gated, [0]), [x]);
    const feeds = new Map([
      ['x', { shape: [2], data: Float64Array.of(5, 5) }],
      ['y', { shape: [2], data: Float64Array.of(1, -1) }],
    ]);
    expect(evaluate([gradient!], feeds)[0]!.data).toEqual(Float64Array.of(1, 0));
  });
});

describe('vjp', () => {
  it('adds the gradients of several outputs, one of which is behind another', () => {
    const graph = new Graph();
    const x = graph.input('x', [2]);
    const [inner, outer] = [mul(x, 2), exp(mul(x, 2))];
    const [gradient] = vjp(
      [
        { tensor: inner, gradient: graph.input('a', [2]) },
        { tensor: outer, gradient: graph.input('b', [2]) },
      ],
      [x],
    );
    const feeds = new Map([
      ['x', { shape: [2], data: Float64Array.of(0, 0.5) }],
      ['a', { shape: [2], data: Float64Array.of(1, 10) }],
      ['b', { shape: [2], data: Float64Array.of(1, 1) }],
    ]);
    expect(relativeError(evaluate([gradient!], feeds)[0]!.data, [4, 20 + 2 * Math.E])).toBeLessThan(1e-12);
  });
});

describe('accumulate', () => {
  it('makes the earlier sum the C of a plain product, and adds to anything else', () => {
    const graph = new Graph();
    const [a, b] = [graph.input('a', [2, 3]), graph.input('b', [2, 4])];
    const earlier = graph.input('earlier', [3, 4]);
    const product = gemm(a, b, { transA: true, alpha: 0.5 });
    const sum = accumulate(earlier, product);
    expect(sum.node.operation.name).toBe('Gemm');
    expect(accumulate(earlier, sub(product, 1)).node.operation.name).toBe('Add');
    expect(accumulate(earlier, sum).node.operation.name).toBe('Add');
    const feeds = randomFeeds({ a: [2, 3], b: [2, 4], earlier: [3, 4] });
    const [fused, plain] = evaluate([sum, add(earlier, product)], feeds);
    expect(relativeError(fused!.data, plain!.data)).toBeLessThan(1e-15);
  });
});
