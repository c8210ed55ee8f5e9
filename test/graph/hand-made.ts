import { expect } from 'vitest';
import { Graph, type Tensor } from '../../src/graph/expression.ts';
import { toOnnx } from '../../src/graph/onnx.ts';
import { reduceSumSquare } from '../../src/graph/ops/broadcasting.ts';
import { equal, greater, toFloat } from '../../src/graph/ops/elementwise.ts';
import { embeddingGradient, gather, scatterRows } from '../../src/graph/ops/indexing.ts';
import { padAxis } from '../../src/graph/ops/shape.ts';
import type { DataType } from '../../src/core/tensor-size.ts';
import type { Runtime, TensorData } from '../../src/host/contract.ts';

export interface HandMadeCase {
  readonly name: string;
  readonly build: (graph: Graph) => Tensor;
  readonly feeds: Readonly<Record<string, readonly number[]>>;
  readonly shape: readonly number[];
  readonly expected: readonly number[];
}

/** What PyTorch's golden values leave out, computed by hand. */
export const handMadeCases: readonly HandMadeCase[] = [
  {
    name: 'gather takes rows, some twice',
    build: (graph) => gather(graph.input('table', [3, 2]), graph.input('ids', [4], 'int32')),
    feeds: { table: [1, 2, 3, 4, 5, 6], ids: [2, 0, 2, 1] },
    shape: [4, 2],
    expected: [5, 6, 1, 2, 5, 6, 3, 4],
  },
  {
    name: 'embeddingGradient sums the rows of each distinct id, and gives zeros where there are none',
    build: (graph) =>
      embeddingGradient(
        graph.input('upstream', [4, 2]),
        graph.input('slots', [4], 'int32'),
        graph.constant({ shape: [3], data: Float64Array.of(0, 1, 2) }, 'int32'),
      ),
    feeds: { upstream: [1, 2, 10, 20, 100, 200, 1000, 2000], slots: [1, 0, 1, 1] },
    shape: [3, 2],
    expected: [10, 20, 1101, 2202, 0, 0],
  },
  {
    name: 'scatterRows replaces rows and keeps the others',
    build: (graph) =>
      scatterRows(
        graph.input('table', [4, 2]),
        graph.input('ids', [2, 1], 'int64'),
        graph.input('rows', [2, 2]),
      ),
    feeds: { table: [1, 2, 3, 4, 5, 6, 7, 8], ids: [3, 1], rows: [70, 80, 30, 40] },
    shape: [4, 2],
    expected: [1, 2, 30, 40, 5, 6, 70, 80],
  },
  {
    name: 'equal compares int32, broadcast, beyond what a float32 tells apart',
    build: (graph) =>
      toFloat(equal(graph.input('column', [2, 1], 'int32'), graph.input('row', [1, 3], 'int32'))),
    feeds: { column: [16777217, -5], row: [16777216, 16777217, -5] },
    shape: [2, 3],
    expected: [0, 1, 0, 0, 0, 1],
  },
  {
    name: 'reduceSumSquare sums squares along an axis',
    build: (graph) => reduceSumSquare(graph.input('x', [2, 3]), [1]),
    feeds: { x: [1, -2, 3, 0, 0.5, -4] },
    shape: [2],
    expected: [14, 16.25],
  },
  {
    name: 'greater is strict',
    build: (graph) => toFloat(greater(graph.input('x', [4]), 0.5)),
    feeds: { x: [0.4, 0.5, 0.6, -1] },
    shape: [4],
    expected: [0, 0, 1, 0],
  },
  {
    name: 'toFloat of int32',
    build: (graph) => toFloat(graph.input('ids', [3], 'int32')),
    feeds: { ids: [-2, 0, 7] },
    shape: [3],
    expected: [-2, 0, 7],
  },
  {
    name: 'padAxis puts zeros before and after on an inner axis',
    build: (graph) => padAxis(graph.input('x', [2, 1, 2]), 1, 1, 2),
    feeds: { x: [1, 2, 3, 4] },
    shape: [2, 4, 2],
    expected: [0, 0, 1, 2, 0, 0, 0, 0, 0, 0, 3, 4, 0, 0, 0, 0],
  },
];

const arrays: Readonly<Record<DataType, (values: readonly number[]) => TensorData>> = {
  float32: (values) => Float32Array.from(values),
  int32: (values) => Int32Array.from(values),
  int64: (values) => BigInt64Array.from(values, BigInt),
  bool: (values) => Uint8Array.from(values),
};

export async function checkHandMade(
  runtime: Runtime,
  { build, feeds, shape, expected }: HandMadeCase,
): Promise<void> {
  const graph = new Graph();
  const y = build(graph);
  const session = await runtime.createSession(toOnnx('case', { y }).model, { name: 'case' });
  const tensors = Object.entries(feeds).map(([name, values]) => {
    const input = graph.findInput(name)!;
    return [name, runtime.tensor(input.dataType, input.shape, arrays[input.dataType](values))] as const;
  });
  const outputs = await session.run(Object.fromEntries(tensors));
  expect(outputs.y!.dims).toEqual(shape);
  expect([...(await runtime.read(outputs.y!))]).toEqual(expected);
  await session.release();
}
