import { expect } from 'vitest';
import { Graph, type Tensor } from '../../src/graph/expression.ts';
import { vjp } from '../../src/graph/gradients.ts';
import type { NdArray } from '../../src/graph/nd-array.ts';
import { toOnnx } from '../../src/graph/onnx.ts';
import type { Runtime } from '../../src/host/contract.ts';
import { builders } from './cases.ts';
import { goldenCases, relativeError, toNdArray, type GoldenCase } from './golden.ts';

/** The golden cases of operations that the graph has, with names for the test report. */
export const labeledCases = goldenCases()
  .filter(({ op }) => op in builders)
  .map((golden, i) => ({
    label: `${golden.op} ${JSON.stringify(golden.inputs.map(({ dims }) => dims))} #${i}`,
    golden,
  }));

export interface Built {
  readonly feeds: Map<string, NdArray>;
  readonly output: Tensor;
  readonly gradients: readonly (Tensor | undefined)[];
}

/** The case as expressions, with its inputs and ∂L/∂output as feeds. */
export function build(golden: GoldenCase): Built {
  const graph = new Graph();
  const feeds = new Map<string, NdArray>();
  const inputs = golden.inputs.map((input, i) => {
    feeds.set(`x${i}`, toNdArray(input));
    return graph.input(`x${i}`, input.dims);
  });
  const output = builders[golden.op]!(inputs, golden.attributes);
  const upstream = graph.input('upstream', output.shape);
  feeds.set('upstream', toNdArray(golden.upstream));
  return { feeds, output, gradients: vjp([{ tensor: output, gradient: upstream }], inputs) };
}

/** Runs forward and gradients as one ONNX model and compares with PyTorch. */
export async function checkOnRuntime(runtime: Runtime, golden: GoldenCase, tolerance: number): Promise<void> {
  const { feeds, output, gradients } = build(golden);
  const outputs: Record<string, Tensor> = { y: output };
  golden.gradients.forEach((expected, i) => {
    if (expected !== null) outputs[`g${i}`] = gradients[i]!;
  });
  const { model, inputNames } = toOnnx('case', outputs);
  const session = await runtime.createSession(model, { name: golden.op });
  const results = await session.run(
    Object.fromEntries(
      inputNames.map((name) => {
        const { shape, data } = feeds.get(name)!;
        return [name, runtime.tensor('float32', shape, Float32Array.from(data))];
      }),
    ),
  );
  const read = async (name: string): Promise<Float32Array> =>
    (await runtime.read(results[name]!)) as Float32Array;
  expect(relativeError(await read('y'), golden.output.data)).toBeLessThan(tolerance);
  for (const [i, expected] of golden.gradients.entries()) {
    if (expected !== null) {
      expect(relativeError(await read(`g${i}`), expected.data, 1e-3)).toBeLessThan(tolerance);
    }
  }
  await session.release();
}
