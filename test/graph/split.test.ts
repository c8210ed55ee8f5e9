import { describe, expect, it } from 'vitest';
import { evaluate } from './evaluate.ts';
import { Graph, isInput, nodesBehind, type Tensor } from '../../src/graph/expression.ts';
import { vjp } from '../../src/graph/gradients.ts';
import type { NdArray } from '../../src/graph/nd-array.ts';
import { reduceSum, reshape } from '../../src/graph/ops/broadcasting.ts';
import { exp, mul, tanh } from '../../src/graph/ops/elementwise.ts';
import { gemm } from '../../src/graph/ops/linear.ts';
import { layerNorm } from '../../src/graph/ops/normalization.ts';
import { cutAt, savedForBackward } from '../../src/graph/split.ts';
import { RandomStream } from '../../src/core/random.ts';

function inputNames(tensors: readonly Tensor[]): string[] {
  return nodesBehind(tensors)
    .filter((node) => isInput(node.outputs[0]!))
    .map((node) => String(node.attributes.name))
    .sort();
}

function network(): { output: Tensor; targets: readonly Tensor[]; upstream: Tensor; backward: Tensor[] } {
  const graph = new Graph();
  const [x, w] = [graph.input('x', [4, 6]), graph.input('w', [6, 6])];
  const [gamma, beta] = [graph.input('gamma', [6]), graph.input('beta', [6])];
  const hidden = tanh(gemm(layerNorm(x, gamma, beta, 1e-5), w));
  const output = reduceSum(mul(reshape(hidden, [2, 12]), reshape(hidden, [2, 12])), [1]);
  const upstream = graph.input('upstream', [2]);
  const targets = [x, w, gamma, beta];
  const backward = vjp([{ tensor: output, gradient: upstream }], targets).map((gradient) => gradient!);
  return { output, targets, upstream, backward };
}

describe('a backward graph cut from its forward graph', () => {
  it('gives the same gradients to the bit, from the saved values, without the forward pass', () => {
    const { output, targets, upstream, backward } = network();
    const saved = savedForBackward([output], backward, [upstream]);
    const graph = output.node.graph;
    const replaced = new Map(saved.map((tensor, i) => [tensor, graph.input(`saved.${i}`, tensor.shape)]));
    const cut = cutAt(backward, replaced);

    const random = new RandomStream(3, 'split');
    const feeds = new Map<string, NdArray>();
    for (const { shape, node } of [...targets, upstream]) {
      const size = shape.reduce((a, b) => a * b, 1);
      const data = Float64Array.from({ length: size }, () => random.normal());
      feeds.set(String(node.attributes.name), { shape, data });
    }
    const whole = evaluate(backward, feeds);
    const forwardValues = evaluate([output, ...saved], feeds).slice(1);
    const backwardFeeds = new Map(feeds);
    backwardFeeds.delete('beta');
    forwardValues.forEach((value, i) => backwardFeeds.set(`saved.${i}`, value));
    expect(evaluate(cut, backwardFeeds)).toEqual(whole);

    // The forward pass is not repeated: its beta is never asked for, and no saved value is computed.
    expect(inputNames(cut)).not.toContain('beta');
    expect(inputNames(cut)).toEqual(expect.arrayContaining(saved.map((_, i) => `saved.${i}`)));
    const computed = new Set(nodesBehind(cut));
    for (const tensor of saved) expect(computed.has(tensor.node)).toBe(false);
  });

  it('saves what it needs once: outputs of LayerNorm and tanh, not reshapes, not what upstream reaches', () => {
    const { output, upstream, backward } = network();
    const saved = savedForBackward([output], backward, [upstream]);
    const names = saved.map(({ node, index }) => `${node.operation.name}.${index}`).sort();
    expect(names).toEqual(['LayerNormalization.0', 'LayerNormalization.1', 'LayerNormalization.2', 'Tanh.0']);
  });

  it('computes for itself what the forward pass has no use for', () => {
    const graph = new Graph();
    const x = graph.input('x', [3]);
    const upstream = graph.input('upstream', [3]);
    const forward = exp(x);
    const backward = mul(upstream, tanh(x));
    expect(savedForBackward([forward], [backward], [upstream])).toEqual([]);
  });

  it('saves an output of the forward graph that the backward graph asks for directly', () => {
    const graph = new Graph();
    const x = graph.input('x', [3]);
    const forward = exp(x);
    expect(savedForBackward([forward], [forward], [])).toEqual([forward]);
  });
});

describe('cutAt', () => {
  it('leaves alone what does not depend on a saved value', () => {
    const graph = new Graph();
    const [x, y] = [graph.input('x', [2]), graph.input('y', [2])];
    const middle = exp(x);
    const stand = graph.input('stand', [2]);
    const [changed, unchanged, itself] = cutAt([tanh(middle), exp(y), middle], new Map([[middle, stand]]));
    expect(changed).toBe(tanh(stand));
    expect(unchanged).toBe(exp(y));
    expect(itself).toBe(stand);
  });

  it('replaces one output of several and computes the others', () => {
    const graph = new Graph();
    const x = graph.input('x', [2, 3]);
    const normalized = layerNorm(x, graph.input('gamma', [3]), graph.input('beta', [3]), 1e-5);
    const [, mean, deviation] = normalized.node.outputs;
    const stand = graph.input('stand', [2, 1]);
    const [first, second] = cutAt([exp(mean!), exp(deviation!)], new Map([[mean!, stand]]));
    expect(first).toBe(exp(stand));
    expect(second).toBe(exp(deviation!));
  });
});
