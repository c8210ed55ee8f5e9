import { describe, expect, it } from 'vitest';
import { evaluate } from './evaluate.ts';
import { Graph, isConstant, nodesBehind, type Tensor } from '../../src/graph/expression.ts';
import { expand, reduceSum, reshape } from '../../src/graph/ops/broadcasting.ts';
import { add, div, exp, mul, sub } from '../../src/graph/ops/elementwise.ts';
import { gather, scatterRows } from '../../src/graph/ops/indexing.ts';
import { gemm, matMul } from '../../src/graph/ops/linear.ts';
import { layerNorm, softmax } from '../../src/graph/ops/normalization.ts';
import { concat, padAxis, slice, transpose } from '../../src/graph/ops/shape.ts';

function operationsBehind(...tensors: readonly Tensor[]): string[] {
  return nodesBehind(tensors).map((node) => node.operation.name);
}

describe('shared subexpressions', () => {
  it('exist once, and the same expression is the same tensor', () => {
    const graph = new Graph();
    const [x, y] = [graph.input('x', [2, 3]), graph.input('y', [2, 3])];
    const once = mul(exp(add(x, y)), exp(add(x, y)));
    expect(exp(add(x, y))).toBe(exp(add(x, y)));
    expect(operationsBehind(once)).toEqual(['Input', 'Input', 'Add', 'Exp', 'Mul']);
  });

  it('differ by operation, order of inputs, attributes and output', () => {
    const graph = new Graph();
    const [x, y] = [graph.input('x', [2, 2]), graph.input('y', [2, 2])];
    expect(sub(x, y)).not.toBe(sub(y, x));
    expect(add(x, y)).not.toBe(mul(x, y));
    expect(reduceSum(x, [0])).not.toBe(reduceSum(x, [1]));
    expect(gemm(x, y)).not.toBe(gemm(x, y, { transB: true }));
    const normalized = layerNorm(x, graph.input('gamma', [2]), graph.input('beta', [2]), 1e-12);
    const [, mean, deviation] = normalized.node.outputs;
    expect(exp(mean!)).not.toBe(exp(deviation!));
  });

  it('are told apart between graphs', () => {
    const x = new Graph().input('x', [2]);
    const y = new Graph().input('y', [2]);
    expect(() => add(x, y)).toThrow('Add: an input belongs to another graph');
  });

  it('share equal constants of the same type and shape', () => {
    const graph = new Graph();
    expect(graph.constant(0.1)).toBe(graph.constant(Math.fround(0.1)));
    expect(graph.constant(1)).not.toBe(graph.constant(1, 'int32'));
    expect(graph.constant(1)).not.toBe(graph.constant({ shape: [1], data: Float64Array.of(1) }));
  });

  it('give an input of a known name, and refuse another shape', () => {
    const graph = new Graph();
    expect(graph.input('x', [2, 3])).toBe(graph.input('x', [2, 3]));
    expect(() => graph.input('x', [3, 2])).toThrow('input x: [3, 2] was [2, 3] before');
    expect(graph.findInput('x')?.shape).toEqual([2, 3]);
    expect(graph.findInput('y')).toBeUndefined();
  });
});

describe('constants', () => {
  it('are folded as soon as they meet', () => {
    const graph = new Graph();
    const folded = mul(exp(graph.constant(0)), add(graph.constant(2), 3));
    expect(isConstant(folded)).toBe(true);
    expect(graph.valueOf(folded)).toEqual({ shape: [], data: Float64Array.of(5) });
  });

  it('are rounded to float32, also when folded', () => {
    const graph = new Graph();
    expect(graph.valueOf(graph.constant(0.1)).data[0]).toBe(Math.fround(0.1));
    const third = div(graph.constant(1), graph.constant(3));
    expect(graph.valueOf(third).data[0]).toBe(Math.fround(1 / 3));
  });

  it('are kept apart where the folded value would be large', () => {
    const graph = new Graph();
    const wide = expand(graph.constant(1), [4097]);
    expect(isConstant(wide)).toBe(false);
    expect(isConstant(expand(graph.constant(1), [4096]))).toBe(true);
  });

  it('have a value; other tensors have none', () => {
    const graph = new Graph();
    expect(() => graph.valueOf(graph.input('x', [1]))).toThrow('Input is not a constant');
  });
});

describe('simplification', () => {
  const graph = new Graph();
  const x = graph.input('x', [2, 3, 4]);

  it.each<[string, Tensor]>([
    ['x · 1', mul(x, 1)],
    ['1 · x', mul(graph.constant(1), x)],
    ['x + 0', add(x, 0)],
    ['0 + x', add(graph.constant(0), x)],
    ['x - 0', sub(x, 0)],
    ['x / 1', div(x, 1)],
    ['x times ones of its own rank', mul(x, graph.constant({ shape: [1, 1, 1], data: Float64Array.of(1) }))],
    ['a reshape to the same shape', reshape(x, [2, 3, 4])],
    ['a reshape there and back', reshape(reshape(x, [24]), [2, 3, 4])],
    ['a transpose that moves nothing', transpose(x, [0, 1, 2])],
    ['two transposes that undo each other', transpose(transpose(x, [1, 2, 0]), [2, 0, 1])],
    ['a whole slice', slice(x, 1, 0, 3)],
    ['no padding', padAxis(x, 0, 0, 0)],
    ['a concatenation of one', concat([x], 1)],
    ['an expansion to the same shape', expand(x, [2, 3, 4])],
  ])('%s is x', (_, tensor) => {
    expect(tensor).toBe(x);
  });

  it.each<[string, Tensor]>([
    ['0 - x', sub(0, x)],
    ['1 / x', div(1, x)],
    ['x · 2', mul(x, 2)],
    ['x + 1', add(x, 1)],
  ])('%s is not', (_, tensor) => {
    expect(tensor).not.toBe(x);
  });

  it('leaves a neutral operand that broadcasts', () => {
    const ones = graph.constant({ shape: [1, 1], data: Float64Array.of(1) });
    expect(mul(graph.input('vector', [3]), ones).shape).toEqual([1, 3]);
  });

  it('collapses reshapes and transposes into one', () => {
    const reshaped = reshape(reshape(x, [6, 4]), [8, 3]);
    expect(operationsBehind(reshaped)).toEqual(['Input', 'Reshape']);
    const transposed = transpose(transpose(x, [1, 2, 0]), [1, 2, 0]);
    expect(operationsBehind(transposed)).toEqual(['Input', 'Transpose']);
    const data = Float64Array.from({ length: 24 }, (_, i) => i);
    const feeds = new Map([['x', { shape: [2, 3, 4], data }]]);
    const [value] = evaluate([transposed], feeds);
    expect(value!.shape).toEqual([4, 2, 3]);
    // Element [k, i, j] of the result is x[i, j, k].
    expect(value!.data[1 * 6 + 1 * 3 + 2]).toBe(1 * 12 + 2 * 4 + 1);
  });
});

describe('errors name what does not fit', () => {
  const graph = new Graph();
  const a = graph.input('a', [2, 3]);
  const b = graph.input('b', [4, 5]);
  const vector = graph.input('vector', [7]);
  const ids = graph.input('ids', [2], 'int32');

  it.each<[string, () => unknown, string]>([
    ['add', () => add(a, b), 'Add: [2, 3] and [4, 5] do not broadcast'],
    ['matMul', () => matMul(a, b), 'MatMul: [2, 3] and [4, 5] do not fit'],
    ['gemm', () => gemm(a, b, { transB: true }), 'Gemm: [2, 3] (transA 0) and [4, 5] (transB 1) do not fit'],
    [
      'gemm with a C',
      () => gemm(a, graph.input('d', [3, 5]), { c: vector }),
      'Gemm: C [7] does not broadcast to [2, 5]',
    ],
    ['reshape', () => reshape(a, [4, 2]), 'Reshape: [2, 3] does not fit [4, 2]'],
    ['expand', () => expand(a, [2, 4]), 'Expand: [2, 3] does not broadcast to [2, 4]'],
    ['transpose', () => transpose(a, [0, 0]), 'Transpose: [0, 0] does not permute [2, 3]'],
    ['slice', () => slice(a, 1, 2, 5), 'Slice: no 2..5 on axis 1 of [2, 3]'],
    ['concat', () => concat([a, b], 0), 'Concat: [4, 5] does not fit [2, 3]'],
    ['reduceSum', () => reduceSum(a, [2]), 'ReduceSum: no axes 2 in [2, 3]'],
    ['gather', () => gather(vector, ids), 'Gather: takes a matrix and a list of rows, not [7] and [2]'],
    ['scatterRows', () => scatterRows(a, ids, b), 'ScatterND: [2] and [4, 5] are not rows of [2, 3]'],
    [
      'layerNorm',
      () => layerNorm(a, vector, vector, 1e-12),
      'LayerNormalization: [2, 3] does not fit gamma [7] and beta [7]',
    ],
    ['pad', () => padAxis(a, 2, 1, 1), 'Pad: no 1 and 1 on axis 2 of [2, 3]'],
  ])('%s', (_, build, message) => {
    expect(build).toThrow(message);
  });
});

it('softmax of equal logits folds to equal shares', () => {
  const graph = new Graph();
  const shares = softmax(graph.constant({ shape: [1, 4], data: new Float64Array(4).fill(3) }));
  expect([...graph.valueOf(shares).data]).toEqual([0.25, 0.25, 0.25, 0.25]);
});
