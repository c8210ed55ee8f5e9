import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { evaluate } from './evaluate.ts';
import { Graph } from '../../src/graph/expression.ts';
import { vjp } from '../../src/graph/gradients.ts';
import type { NdArray } from '../../src/graph/nd-array.ts';
import { padAxis } from '../../src/graph/ops/shape.ts';
import type { Runtime } from '../../src/host/contract.ts';
import { openRuntime } from '../../src/host/node/runtime.ts';
import { checkHandMade, handMadeCases } from './hand-made.ts';

describe('operations without golden values', () => {
  let runtime: Runtime;
  beforeAll(async () => {
    runtime = await openRuntime({ device: 'cpu', threads: 2 });
  });
  afterAll(() => runtime.close());

  it.each(handMadeCases)('$name: reference evaluation', ({ build, feeds, shape, expected }) => {
    const graph = new Graph();
    const y = build(graph);
    const arrays = Object.entries(feeds).map(([name, values]): [string, NdArray] => {
      return [name, { shape: graph.findInput(name)!.shape, data: Float64Array.from(values) }];
    });
    const [value] = evaluate([y], new Map(arrays));
    expect(y.shape).toEqual(shape);
    expect(value!.shape).toEqual(shape);
    expect([...value!.data]).toEqual(expected);
  });

  it.each(handMadeCases)('$name: on the Node CPU', (example) => checkHandMade(runtime, example));

  it('padAxis hands back the middle of the gradient', () => {
    const graph = new Graph();
    const x = graph.input('x', [1, 2]);
    const padded = padAxis(x, 1, 1, 2);
    const [gradient] = vjp([{ tensor: padded, gradient: graph.input('upstream', [1, 5]) }], [x]);
    const feeds = new Map([['upstream', { shape: [1, 5], data: Float64Array.of(1, 2, 3, 4, 5) }]]);
    expect(evaluate([gradient!], feeds)[0]).toEqual({ shape: [1, 2], data: Float64Array.of(2, 3) });
  });
});
