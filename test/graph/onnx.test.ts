import ort from 'onnxruntime-node';
import { describe, expect, it } from 'vitest';
import { Graph, productOf, type Tensor } from '../../src/graph/expression.ts';
import { vjp } from '../../src/graph/gradients.ts';
import { peakBytes } from '../../src/graph/memory.ts';
import { toOnnx, type EmbeddedWeights } from '../../src/graph/onnx.ts';
import { reduceSum, reshape } from '../../src/graph/ops/broadcasting.ts';
import { add, exp, mul } from '../../src/graph/ops/elementwise.ts';
import { gemm, matMul } from '../../src/graph/ops/linear.ts';
import { layerNorm } from '../../src/graph/ops/normalization.ts';
import { slice, transpose } from '../../src/graph/ops/shape.ts';
import { openRuntime } from '../../src/host/node/runtime.ts';
import { WireMessage } from '../support/protobuf-reader.ts';

interface ReadNode {
  readonly type: string;
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  readonly attributes: Readonly<Record<string, WireMessage>>;
}

/** The parts of an ONNX file that are looked at here, by the field numbers of onnx.proto. */
function read(model: Uint8Array) {
  const file = new WireMessage(model);
  const graph = file.messages(7)[0]!;
  const valueInfo = (value: WireMessage) => {
    const tensor = value.messages(2)[0]!.messages(1)[0]!;
    const dims = tensor
      .messages(2)[0]!
      .messages(1)
      .map((dim) => dim.texts(2)[0] ?? dim.integers(1)[0]);
    return { name: value.texts(1)[0], type: tensor.integers(1)[0], dims };
  };
  return {
    irVersion: file.integers(1)[0],
    opsets: file.messages(8).map((opset) => [opset.texts(1)[0], opset.integers(2)[0]]),
    name: graph.texts(2)[0],
    nodes: graph.messages(1).map((node): ReadNode => ({
      type: node.texts(4)[0]!,
      inputs: node.texts(1),
      outputs: node.texts(2),
      attributes: Object.fromEntries(node.messages(5).map((a) => [a.texts(1)[0]!, a])),
    })),
    initializers: new Map(
      graph
        .messages(5)
        .map((tensor) => [
          tensor.texts(8)[0]!,
          { dims: tensor.integers(1), type: tensor.integers(2)[0], data: tensor.bytes(9)[0]! },
        ]),
    ),
    inputs: graph.messages(11).map(valueInfo),
    outputs: graph.messages(12).map(valueInfo),
  };
}

/** What the model computes on the Node CPU from inputs of 1, 2, 3 … each. */
async function run(
  outputs: Readonly<Record<string, Tensor>>,
  embed: EmbeddedWeights = new Map(),
): Promise<Record<string, number[]>> {
  const runtime = await openRuntime({ device: 'cpu', threads: 1 });
  const { model } = toOnnx('test', outputs, embed);
  const session = await runtime.createSession(model, { name: 'test' });
  const feeds = Object.fromEntries(
    read(model).inputs.map(({ name, dims }) => {
      const size = (dims as number[]).reduce((a, b) => a * b, 1);
      const data = Float32Array.from({ length: size }, (_, i) => i + 1);
      return [name!, runtime.tensor('float32', dims as number[], data)];
    }),
  );
  const values: Record<string, number[]> = {};
  for (const [name, tensor] of Object.entries(await session.run(feeds))) {
    values[name] = [...((await runtime.read(tensor)) as Float32Array)];
  }
  await runtime.close();
  return values;
}

describe('toOnnx', () => {
  it('declares IR version 10, opset 20, names, types and shapes', () => {
    const graph = new Graph();
    const x = graph.input('x', [2, 3]);
    graph.input('unused', [7]);
    const { model, inputNames } = toOnnx('a name', { y: exp(x) });
    const onnx = read(model);
    expect(onnx).toMatchObject({ irVersion: 10, opsets: [['', 20]], name: 'a name' });
    expect(inputNames).toEqual(['x']);
    expect(onnx.inputs).toEqual([{ name: 'x', type: 1, dims: [2, 3] }]);
    expect(onnx.outputs).toEqual([{ name: 'y', type: 1, dims: [2, 3] }]);
    expect(onnx.nodes).toMatchObject([{ type: 'Exp', inputs: ['x'], outputs: ['y'] }]);
  });

  it('gives each type its number', () => {
    const graph = new Graph();
    const outputs = Object.fromEntries(
      (['float32', 'int32', 'int64', 'bool'] as const).map((type) => [
        type,
        graph.input(`in.${type}`, [1], type),
      ]),
    );
    const onnx = read(toOnnx('types', outputs).model);
    expect(onnx.outputs.map(({ type }) => type)).toEqual([1, 6, 7, 9]);
    expect(onnx.inputs.map(({ type }) => type)).toEqual([1, 6, 7, 9]);
  });

  it('returns inputs, constants and one value under two names through Identity', async () => {
    const graph = new Graph();
    const x = graph.input('x', [2]);
    const y = mul(x, 2);
    const outputs = { plain: y, again: y, input: x, constant: graph.constant(3) };
    const types = read(toOnnx('aliases', outputs).model).nodes.map(({ type }) => type);
    expect(types).toEqual(['Mul', 'Identity', 'Identity', 'Identity']);
    expect(await run(outputs)).toEqual({ plain: [2, 4], again: [2, 4], input: [1, 2], constant: [3] });
  });

  it('returns an intermediate value of another output', async () => {
    const x = new Graph().input('x', [2]);
    const y = mul(x, 2);
    expect(await run({ whole: add(y, 1), part: y })).toEqual({ whole: [3, 5], part: [2, 4] });
  });

  it('names every value once, whatever the number of outputs of a node', () => {
    const graph = new Graph();
    const x = graph.input('x', [2, 3]);
    const y = layerNorm(x, graph.input('gamma', [3]), graph.input('beta', [3]), 1e-5);
    const [, mean, deviation] = y.node.outputs;
    const onnx = read(toOnnx('norm', { y, deviation: deviation!, sum: add(y, mean!) }).model);
    const norm = onnx.nodes.find(({ type }) => type === 'LayerNormalization')!;
    expect(norm.inputs).toEqual(['x', 'gamma', 'beta']);
    expect(norm.outputs[0]).toBe('y');
    expect(norm.outputs[2]).toBe('deviation');
    const made = onnx.nodes.flatMap(({ outputs }) => outputs);
    expect(new Set(made).size).toBe(made.length);
    const sum = onnx.nodes.find(({ type }) => type === 'Add')!;
    expect(sum.inputs).toEqual(['y', norm.outputs[1]]);
  });

  it('stores each list of integers once, as int64', () => {
    const graph = new Graph();
    const [x, y] = [graph.input('x', [4, 6]), graph.input('y', [6, 4])];
    const outputs = {
      a: reshape(x, [2, 12]),
      b: reshape(y, [2, 12]),
      c: slice(x, 0, 1, 2),
      d: reduceSum(y, [1]),
    };
    const { initializers, nodes } = read(toOnnx('lists', outputs).model);
    const [a, b] = nodes.filter(({ type }) => type === 'Reshape');
    expect(a!.inputs[1]).toBe(b!.inputs[1]);
    const values = [...initializers.values()];
    expect(values.every(({ type }) => type === 7)).toBe(true);
    const lists = values.map(({ data }) => [...new BigInt64Array(data.slice().buffer)].map(Number).join(','));
    expect(lists.sort()).toEqual(['0', '1', '2', '2,12']);
  });

  it('writes integers, lists and floats as the attributes that ONNX asks for', () => {
    const graph = new Graph();
    const [a, b] = [graph.input('a', [3, 2]), graph.input('b', [3, 4])];
    const y = transpose(gemm(a, b, { transA: true, alpha: 0.5, beta: 2 }), [1, 0]);
    const { nodes } = read(toOnnx('attributes', { y }).model);
    const [gemmNode, transposeNode] = nodes;
    expect(gemmNode!.attributes.transA!.integers(3)).toEqual([1]);
    expect(gemmNode!.attributes.transA!.integers(20)).toEqual([2]);
    const alpha = gemmNode!.attributes.alpha!;
    expect(new Float32Array(alpha.bytes(2)[0]!.slice().buffer)).toEqual(Float32Array.of(0.5));
    expect(alpha.integers(20)).toEqual([1]);
    expect(transposeNode!.attributes.perm!.integers(8)).toEqual([1, 0]);
    expect(transposeNode!.attributes.perm!.integers(20)).toEqual([7]);
  });

  it('stores weights that it is given instead of asking for them', async () => {
    const graph = new Graph();
    const product = mul(graph.input('x', [2]), graph.input('w', [2]));
    const embed = new Map([['w', Float32Array.of(10, 100)]]);
    const { model, inputNames } = toOnnx('embedded', { y: product }, embed);
    expect(inputNames).toEqual(['x']);
    expect(read(model).initializers.get('w')).toMatchObject({ dims: [2], type: 1 });
    expect(await run({ y: product }, embed)).toEqual({ y: [10, 200] });
  });

  it('stores a view of weights, not the whole buffer', async () => {
    const graph = new Graph();
    const product = mul(graph.input('x', [2]), graph.input('w', [2]));
    const embed = new Map([['w', Float32Array.of(7, 10, 100, 7).subarray(1, 3)]]);
    expect(await run({ y: product }, embed)).toEqual({ y: [10, 200] });
  });

  describe('with open sizes', () => {
    it('names them in inputs and outputs', () => {
      const x = new Graph().input('x', ['batch', 3]);
      const onnx = read(toOnnx('open', { y: exp(x) }).model);
      expect(onnx.inputs[0]!.dims).toEqual(['batch', 3]);
      expect(onnx.outputs[0]!.dims).toEqual(['batch', 3]);
    });

    it('computes with those of each run', async () => {
      const graph = new Graph();
      const x = graph.input('x', ['batch', 'length']);
      const tokens = reshape(x, [productOf(['batch', 'length']), 1]);
      const doubled = matMul(tokens, graph.constant({ shape: [1, 2], data: Float64Array.of(1, 2) }));
      const positions = slice(graph.input('p', [4, 2]), 0, 0, 'length');
      const y = transpose(add(reshape(doubled, ['batch', 'length', 2]), positions), [0, 2, 1]);
      expect(y.dims).toEqual(['batch', 2, 'length']);
      const { model } = toOnnx('open', { y });
      const session = await ort.InferenceSession.create(model);
      const p = new ort.Tensor('float32', Float32Array.of(0, 0, 100, 200, 300, 400, 500, 600), [4, 2]);
      for (const [batch, length, expected] of [
        [1, 2, [1, 102, 2, 204]],
        [2, 1, [1, 2, 2, 4]],
        [1, 3, [1, 102, 303, 2, 204, 406]],
      ] as const) {
        const values = Float32Array.from({ length: batch * length }, (_, i) => i + 1);
        const result = await session.run({ x: new ort.Tensor('float32', values, [batch, length]), p });
        expect(result.y!.dims).toEqual([batch, 2, length]);
        expect([...(result.y!.data as Float32Array)]).toEqual(expected);
      }
      await session.release();
    });

    it('folds constants and shares what is equal', () => {
      const graph = new Graph();
      const x = graph.input('x', ['batch', 4]);
      const scale = mul(graph.constant(2), 3);
      expect(mul(x, scale)).toBe(mul(x, 6));
      expect(reshape(reshape(x, [2, productOf([2, 'batch'])]), ['batch', 4])).toBe(x);
      expect(slice(graph.input('rows', ['batch', 2]), 0, 0, 'batch')).toBe(graph.input('rows', ['batch', 2]));
    });

    it('refuses what does not fit, and what needs every size', () => {
      const graph = new Graph();
      const x = graph.input('x', ['batch', 'length']);
      expect(() => reshape(x, ['batch', 2])).toThrow('Reshape: [batch, length] does not fit [batch, 2]');
      expect(() => add(x, graph.input('y', ['length', 'batch']))).toThrow('do not broadcast');
      expect(() => slice(x, 1, 1, 'length')).toThrow('Slice: no 1..length');
      const shifted = add(x, graph.input('shift', ['length']));
      expect(() => vjp([{ tensor: shifted, gradient: exp(x) }], [x])).toThrow(/: \[.*\] leaves sizes open/);
      expect(() => peakBytes([shifted])).toThrow('Add: [batch, length] leaves sizes open');
      expect(reduceSum(x, [0]).dims).toEqual(['length']);
      expect(() => reduceSum(x, [2])).toThrow('ReduceSum: no axes 2 in [batch, length]');
      expect(() => vjp([{ tensor: reduceSum(x, [0]), gradient: graph.input('g', ['length']) }], [x])).toThrow(
        'leaves sizes open',
      );
      const nowhere = reshape(graph.input('flat', ['batch*length']), ['batch', 'length']);
      expect(() => toOnnx('open', { nowhere })).toThrow('no input has an axis of the size length');
    });
  });
});
