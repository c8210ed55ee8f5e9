import { ProtobufWriter } from '../host/protobuf.ts';
import {
  classificationPooler,
  embeddingNorm,
  namesOfLayer,
  positionEmbeddings,
  segmentEmbeddings,
  wordEmbeddings,
} from './parameters.ts';
import type { CrossEncoderModel, EncoderShape, Weights, WeightTensor } from './types.ts';

/** TensorProto.DataType and AttributeProto.AttributeType of the ONNX specification. */
const float32 = 1;
const int64 = 7;
const attributeTypes = { float: 1, int: 2, string: 3, ints: 7 } as const;

/**
 * The transformer with its weights as an ONNX model of open batch and sequence sizes, laid out as transformers.js
 * and sentence-transformers expect it in `onnx/model.onnx`: `input_ids`, `attention_mask` and (BERT)
 * `token_type_ids`, int64 [batch, sequence], to `last_hidden_state` [batch, sequence, hidden]. Pooling and
 * normalization are the caller's.
 */
export function exportOnnx(shape: EncoderShape, weights: Weights): Uint8Array<ArrayBuffer> {
  const graph = new OpenGraph(weights);
  const hidden = transformer(graph, shape);
  return graph.finish(hidden, 'last_hidden_state', ['batch_size', 'sequence_length', shape.hiddenSize]);
}

/** A cross-encoder in the same way: the same inputs to `logits` [batch, labels]. */
export function exportCrossEncoderOnnx({
  shape,
  labels,
  weights,
}: Pick<CrossEncoderModel, 'shape' | 'labels' | 'weights'>): Uint8Array<ArrayBuffer> {
  const graph = new OpenGraph(weights);
  const first = graph.node('Gather', [transformer(graph, shape), graph.integers([], [0])], { axis: 1 });
  const dense = graph.linear(first, classificationPooler[shape.family]);
  const pooled = graph.node(shape.family === 'bert' ? 'Tanh' : 'Relu', [dense]);
  return graph.finish(graph.linear(pooled, 'classifier'), 'logits', ['batch_size', labels]);
}

/** @returns the name of the last hidden state */
function transformer(graph: OpenGraph, shape: EncoderShape): string {
  const { hiddenSize, heads } = shape;
  const headSize = hiddenSize / heads;
  const table = (name: string): string => graph.table(name);
  const linear = (x: string, name: string): string => graph.linear(x, name);
  const norm = (x: string, name: string): string =>
    graph.node('LayerNormalization', [x, table(`${name}.weight`), table(`${name}.bias`)], {
      axis: -1,
      epsilon: { float: shape.layerNormEpsilon },
    });

  graph.input('input_ids').input('attention_mask');
  const sequence = graph.node('Gather', [graph.node('Shape', ['input_ids']), graph.integers([], [1])], {
    axis: 0,
  });
  const range = graph.node('Range', [graph.integers([], [0]), sequence, graph.integers([], [1])]);
  let sum = graph.node('Add', [
    graph.node('Gather', [table(wordEmbeddings), 'input_ids']),
    graph.node('Gather', [table(positionEmbeddings), range]),
  ]);
  if (shape.segments > 0) {
    graph.input('token_type_ids');
    sum = graph.node('Add', [sum, graph.node('Gather', [table(segmentEmbeddings), 'token_type_ids'])]);
  }
  let hidden = norm(sum, embeddingNorm);

  const mask = graph.node(
    'Cast',
    [graph.node('Unsqueeze', ['attention_mask', graph.integers([2], [1, 2])])],
    {
      to: float32,
    },
  );
  const bias = graph.node('Mul', [graph.node('Sub', [graph.scalar(1), mask]), graph.scalar(-1e9)]);
  const split = graph.integers([4], [0, 0, heads, headSize]);
  const joined = graph.integers([3], [0, 0, hiddenSize]);
  const splitHeads = (x: string, perm: readonly number[]): string =>
    graph.node('Transpose', [graph.node('Reshape', [x, split])], { perm });
  for (let layer = 0; layer < shape.layers; layer++) {
    const names = namesOfLayer(shape.family, layer);
    const query = splitHeads(linear(hidden, names.query), [0, 2, 1, 3]);
    const key = splitHeads(linear(hidden, names.key), [0, 2, 3, 1]);
    const value = splitHeads(linear(hidden, names.value), [0, 2, 1, 3]);
    const scores = graph.node('Mul', [
      graph.node('MatMul', [query, key]),
      graph.scalar(1 / Math.sqrt(headSize)),
    ]);
    const probabilities = graph.node('Softmax', [graph.node('Add', [scores, bias])], { axis: -1 });
    const context = graph.node('Transpose', [graph.node('MatMul', [probabilities, value])], {
      perm: [0, 2, 1, 3],
    });
    const attended = linear(graph.node('Reshape', [context, joined]), names.attentionOutput);
    hidden = norm(graph.node('Add', [attended, hidden]), names.attentionNorm);
    const wide = graph.activation(linear(hidden, names.intermediate), shape.activation);
    hidden = norm(graph.node('Add', [linear(wide, names.output), hidden]), names.outputNorm);
  }
  return hidden;
}

function transposed(matrix: Float32Array, rows: number, columns: number): Float32Array {
  const result = new Float32Array(matrix.length);
  for (let row = 0; row < rows; row++) {
    for (let column = 0; column < columns; column++) {
      result[column * rows + row] = matrix[row * columns + column] as number;
    }
  }
  return result;
}

type AttributeValue = number | string | readonly number[] | { readonly float: number };

/**
 * Writes nodes by name, without shapes. The expressions of graph/ have static shapes, which training wants and a
 * file for any batch and length must not have.
 */
class OpenGraph {
  readonly #weights: Weights;
  readonly #graph = new ProtobufWriter();
  readonly #constants = new Set<string>();
  #count = 0;

  constructor(weights: Weights) {
    this.#weights = weights;
  }

  /** A tensor of the weights as it is. */
  table(name: string): string {
    const { dims, data } = this.#weight(name);
    return this.floats(name, dims, data);
  }

  /** x·Wᵀ + b */
  linear(x: string, name: string): string {
    const { dims, data } = this.#weight(`${name}.weight`);
    const [outputs, inputs] = dims as readonly [number, number];
    const matrix = this.floats(`${name}.weight`, [inputs, outputs], transposed(data, outputs, inputs));
    return this.node('Add', [this.node('MatMul', [x, matrix]), this.table(`${name}.bias`)]);
  }

  /** An int64 input of open size [batch, sequence]. */
  input(name: string): this {
    this.#graph.message(11, valueInfo(name, int64, ['batch_size', 'sequence_length']));
    return this;
  }

  node(
    type: string,
    inputs: readonly string[],
    attributes: Readonly<Record<string, AttributeValue>> = {},
  ): string {
    const output = `${type}_${this.#count++}`;
    const node = new ProtobufWriter();
    for (const input of inputs) node.text(1, input);
    node.text(2, output).text(3, output).text(4, type);
    for (const [name, value] of Object.entries(attributes)) node.message(5, attributeOf(name, value));
    this.#graph.message(1, node);
    return output;
  }

  activation(x: string, kind: EncoderShape['activation']): string {
    if (kind === 'relu') return this.node('Relu', [x]);
    return this.node('Gelu', [x], kind === 'gelu_tanh' ? { approximate: 'tanh' } : {});
  }

  floats(name: string, dims: readonly number[], data: Float32Array): string {
    return this.#constant(name, dims, float32, new Uint8Array(data.buffer, data.byteOffset, data.byteLength));
  }

  scalar(value: number): string {
    return this.floats(`scalar ${value}`, [], Float32Array.of(value));
  }

  integers(dims: readonly number[], values: readonly number[]): string {
    const data = BigInt64Array.from(values, BigInt);
    const name = `integers [${dims.join(',')}] ${values.join(',')}`;
    return this.#constant(name, dims, int64, new Uint8Array(data.buffer));
  }

  finish(last: string, outputName: string, dims: readonly (number | string)[]): Uint8Array<ArrayBuffer> {
    this.#graph
      .message(
        1,
        new ProtobufWriter().text(1, last).text(2, outputName).text(3, outputName).text(4, 'Identity'),
      )
      .text(2, 'encoder')
      .message(12, valueInfo(outputName, float32, dims));
    return new ProtobufWriter()
      .integer(1, 10)
      .text(2, 'retriever-studio')
      .message(7, this.#graph)
      .message(8, new ProtobufWriter().text(1, '').integer(2, 20))
      .finish();
  }

  #weight(name: string): WeightTensor {
    const tensor = this.#weights.get(name);
    if (tensor === undefined) throw new Error(`no weights for ${name}`);
    return tensor;
  }

  #constant(name: string, dims: readonly number[], dataType: number, data: Uint8Array): string {
    if (!this.#constants.has(name)) {
      this.#constants.add(name);
      this.#graph.message(
        5,
        new ProtobufWriter().integers(1, dims).integer(2, dataType).text(8, name).bytes(9, data),
      );
    }
    return name;
  }
}

function attributeOf(name: string, value: AttributeValue): ProtobufWriter {
  const attribute = new ProtobufWriter().text(1, name);
  if (typeof value === 'number') return attribute.integer(3, value).integer(20, attributeTypes.int);
  if (typeof value === 'string') return attribute.text(4, value).integer(20, attributeTypes.string);
  if ('float' in value) return attribute.float(2, value.float).integer(20, attributeTypes.float);
  return attribute.integers(8, value).integer(20, attributeTypes.ints);
}

function valueInfo(name: string, dataType: number, dims: readonly (number | string)[]): ProtobufWriter {
  const shape = new ProtobufWriter();
  for (const dim of dims) {
    shape.message(
      1,
      typeof dim === 'number' ? new ProtobufWriter().integer(1, dim) : new ProtobufWriter().text(2, dim),
    );
  }
  const type = new ProtobufWriter().integer(1, dataType).message(2, shape);
  return new ProtobufWriter().text(1, name).message(2, new ProtobufWriter().message(1, type));
}
