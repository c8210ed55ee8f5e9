import { describe, expect, it } from 'vitest';
import { Graph } from '../../src/graph/expression.ts';
import { tensorBytes } from '../../src/core/tensor-size.ts';
import { peakBytes } from '../../src/graph/memory.ts';
import { reduceSum } from '../../src/graph/ops/broadcasting.ts';
import { add, exp, greater, mul, tanh, toFloat } from '../../src/graph/ops/elementwise.ts';

describe('tensorBytes', () => {
  it('counts each data type', () => {
    expect(tensorBytes({ shape: [3, 5], dataType: 'float32' })).toBe(60);
    expect(tensorBytes({ shape: [3, 5], dataType: 'int32' })).toBe(60);
    expect(tensorBytes({ shape: [3, 5], dataType: 'int64' })).toBe(120);
    expect(tensorBytes({ shape: [3, 5], dataType: 'bool' })).toBe(15);
    expect(tensorBytes({ shape: [], dataType: 'float32' })).toBe(4);
  });
});

describe('peakBytes', () => {
  const graph = new Graph();
  const x = graph.input('x', [100]);

  it('of a chain is two values: the one that is read and the one that is written', () => {
    expect(peakBytes([exp(x)])).toBe(400);
    expect(peakBytes([exp(tanh(exp(tanh(x))))])).toBe(800);
  });

  it('counts a value until its last use', () => {
    // exp(x) waits for the sum while tanh(exp(x)) and its tanh are made: three values at one time.
    const first = exp(x);
    expect(peakBytes([add(tanh(tanh(first)), first)])).toBe(1200);
  });

  it('counts outputs to the end, and one that is asked for twice once', () => {
    const [a, b, c] = [exp(x), tanh(x), mul(x, x)];
    expect(peakBytes([a, b, c])).toBe(1200);
    expect(peakBytes([a, a])).toBe(400);
  });

  it('counts constants throughout, and no inputs', () => {
    const constant = graph.constant({ shape: [50], data: Float64Array.from({ length: 50 }, (_, i) => i) });
    const y = graph.input('y', [50]);
    expect(peakBytes([x])).toBe(0);
    // 200 bytes of the constant; the product and then its exponential beside it.
    expect(peakBytes([exp(mul(y, constant))])).toBe(200 + 400);
  });

  it('counts comparisons by the byte, and sums by what is left', () => {
    // The scalar 0 (4 bytes) and the bool (100) wait for the float (400); the sum (4) follows.
    expect(peakBytes([reduceSum(toFloat(greater(x, 0)), [0])])).toBe(4 + 100 + 400);
  });
});
