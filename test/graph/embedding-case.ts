import { distilbert } from '../../src/encoders/families/distilbert.ts';
import { pool } from '../../src/encoders/forward.ts';
import { embeddedGradientName, gradientNames, trainingGraphs } from '../../src/encoders/graphs.ts';
import type { EncoderShape } from '../../src/encoders/types.ts';
import { wordInputs } from '../../src/encoders/word-gradient.ts';
import { evaluate } from './evaluate.ts';
import { Graph, type Operation } from '../../src/graph/expression.ts';
import { vjp } from '../../src/graph/gradients.ts';
import type { NdArray } from '../../src/graph/nd-array.ts';
import { toOnnx } from '../../src/graph/onnx.ts';
import type { DataType } from '../../src/core/tensor-size.ts';
import type { DeviceTensor, Runtime, TensorData } from '../../src/host/contract.ts';
import { openRuntime } from '../../src/host/node/runtime.ts';
import { RandomStream } from '../../src/core/random.ts';
import { defaultAdamW } from '../../src/training/optimizer.ts';
import { createParameterState } from '../../src/training/parameter-state.ts';

const { wordEmbeddings } = distilbert;

export interface EmbeddingSize {
  readonly vocabulary: number;
  readonly width: number;
  /** Sequences and tokens of each. */
  readonly rows: number;
  readonly length: number;
}

/** MiniLM's table, and as many tokens as a micro-batch of a training has. */
export const fullSize: EmbeddingSize = { vocabulary: 30522, width: 384, rows: 18, length: 128 };

export interface HostArray {
  readonly dataType: DataType;
  readonly dims: readonly number[];
  readonly data: TensorData;
}

/** Models to run one after the other, each fed the inputs and the outputs of those before it. */
export interface Way {
  readonly models: readonly Uint8Array[];
  /** The output of the last model: the gradient [vocabulary, width], or ∂L/∂(each token's row) [tokens, width]. */
  readonly result: string;
}

export interface EmbeddingCase {
  readonly size: EmbeddingSize;
  /**
   * Ways to the gradient of the word embeddings: the host adds the tokens' rows; the device adds them as a product
   * and a scatter of distinct rows; and, for what they avoid, a scatter with addition.
   */
  readonly ways: Readonly<Record<'host' | 'device' | 'scatterWithAddition', Way>>;
  readonly inputs: Readonly<Record<string, HostArray>>;
  readonly ids: Int32Array<ArrayBuffer>;
  /** In float64 throughout: [vocabulary, width]. */
  readonly reference: Float64Array;
}

/**
 * An encoder that is only its embeddings (words, positions, LayerNorm, mean pooling, normalization), with token ids
 * as frequent as words are: the r-th most frequent in proportion to 1/r.
 */
export function embeddingCase(size: EmbeddingSize): EmbeddingCase {
  const { vocabulary, width, rows, length } = size;
  const tokens = rows * length;
  const shape: EncoderShape = {
    family: distilbert.name,
    vocabSize: vocabulary,
    hiddenSize: width,
    layers: 0,
    heads: 1,
    intermediateSize: width,
    maxPositions: length,
    segments: 0,
    layerNormEpsilon: 1e-12,
    activation: 'gelu',
    hiddenDropout: 0,
    attentionDropout: 0,
  };
  const options = {
    shape,
    batch: { rows, length },
    head: { kind: 'embedding', normalize: true },
    trainable: new Set([wordEmbeddings]),
  } as const;
  const host = trainingGraphs({ ...options, embeddingRows: 'host' });
  const device = trainingGraphs({ ...options, embeddingRows: 'device' });

  const random = new RandomStream(1, 'embedding case');
  const ids = Int32Array.from({ length: tokens }, () => {
    const rank = Math.floor(vocabulary ** random.uniform()) - 1;
    return (rank * 7919) % vocabulary;
  });
  const normal = (count: number, scale: number): Float32Array<ArrayBuffer> =>
    Float32Array.from({ length: count }, () => scale * random.normal());
  const inputs: Record<string, HostArray> = {
    ids: { dataType: 'int32', dims: [tokens], data: ids },
    mask: float32([rows, length], new Float32Array(tokens).fill(1)),
    pooling: float32([rows, 1, length], new Float32Array(tokens).fill(1 / length)),
    upstream: float32([rows, width], normal(rows * width, 1)),
    [gradientNames(wordEmbeddings).earlier]: float32(
      [vocabulary, width],
      new Float32Array(vocabulary * width),
    ),
    ...wordInputs(ids, vocabulary),
    'token.rows': { dataType: 'int64', dims: [tokens, 1], data: BigInt64Array.from(ids, BigInt) },
  };
  for (const [name, dims] of distilbert.parameters(shape)) {
    const isTable = dims.length === 2;
    const values = normal(
      dims.reduce((a, b) => a * b, 1),
      isTable ? 0.05 : 0.1,
    );
    inputs[name] = float32(dims, name.endsWith('LayerNorm.weight') ? values.map((x) => 1 + x) : values);
  }

  return {
    size,
    ids,
    inputs,
    ways: {
      host: { models: [host.forward.model, host.backward.model], result: embeddedGradientName },
      device: {
        models: [device.forward.model, device.backward.model],
        result: gradientNames(wordEmbeddings).sum,
      },
      scatterWithAddition: {
        models: [host.forward.model, host.backward.model, scatterWithAddition(size)],
        result: 'scattered',
      },
    },
    reference: referenceGradient(shape, size, inputs, ids),
  };
}

function float32(dims: readonly number[], data: Float32Array<ArrayBuffer>): HostArray {
  return { dataType: 'float32', dims, data };
}

function scatterWithAddition({ vocabulary, width, rows, length }: EmbeddingSize): Uint8Array {
  const operation: Operation = {
    name: 'ScatterND',
    infer: () => [{ dims: [vocabulary, width], dataType: 'float32' }],
    evaluate: () => {
      throw new Error('only runtimes run it');
    },
    onnx: (node) => ({ type: 'ScatterND', inputs: node.inputs, attributes: { reduction: 'add' } }),
  };
  const graph = new Graph();
  const [scattered] = graph.apply(operation, [
    graph.input(gradientNames(wordEmbeddings).earlier, [vocabulary, width]),
    graph.input('token.rows', [rows * length, 1], 'int64'),
    graph.input(embeddedGradientName, [rows * length, width]),
  ]);
  return toOnnx('scatter with addition', { scattered: scattered! }).model;
}

function referenceGradient(
  shape: EncoderShape,
  { vocabulary, width, rows, length }: EmbeddingSize,
  inputs: Readonly<Record<string, HostArray>>,
  ids: Int32Array,
): Float64Array {
  const graph = new Graph();
  const batch = { rows, length };
  const tokens = {
    ids: graph.input('ids', [rows * length], 'int32'),
    mask: graph.input('mask', [rows, length]),
  };
  const { embedded, hidden } = distilbert.forward(graph, tokens, { shape });
  const output = pool(graph, hidden, batch, true);
  const [gradient] = vjp([{ tensor: output, gradient: graph.input('upstream', output.shape) }], [embedded]);
  const feeds = new Map<string, NdArray>();
  for (const [name, { dims, data }] of Object.entries(inputs)) {
    if (!(data instanceof BigInt64Array)) feeds.set(name, { shape: dims, data: Float64Array.from(data) });
  }
  const [perToken] = evaluate([gradient!], feeds);
  const sum = new Float64Array(vocabulary * width);
  ids.forEach((id, token) => {
    for (let k = 0; k < width; k++) sum[id * width + k]! += perToken!.data[token * width + k]!;
  });
  return sum;
}

export interface Repeatable {
  /** The way's result, once more, and how long everything after the forward pass took. */
  run(): Promise<{ readonly values: Float32Array; readonly milliseconds: number }>;
  close(): Promise<void>;
}

/** Runs a way on a runtime: the forward pass once, what follows as often as asked. */
export async function repeatOn(
  runtime: Runtime,
  { inputs }: EmbeddingCase,
  { models, result }: Way,
): Promise<Repeatable> {
  const [forward, ...rest] = await Promise.all(
    models.map((model, i) => runtime.createSession(model, { name: `model ${i}` })),
  );
  const needed = new Set([forward!, ...rest].flatMap((session) => session.inputNames));
  const feeds: Record<string, DeviceTensor> = {};
  for (const [name, { dataType, dims, data }] of Object.entries(inputs)) {
    // An int64 tensor cannot lie on the GPU between runs; the runtime takes it along with each.
    const tensor = runtime.tensor(dataType, dims, data);
    if (needed.has(name)) feeds[name] = dataType === 'int64' ? tensor : await runtime.upload(tensor);
  }
  Object.assign(feeds, await forward!.run(feeds));
  return {
    run: async () => {
      const startedAt = performance.now();
      const known = { ...feeds };
      const made: DeviceTensor[] = [];
      for (const session of rest) {
        const outputs = await session.run(known);
        Object.assign(known, outputs);
        made.push(...Object.values(outputs));
      }
      const values = (await runtime.read(known[result]!)) as Float32Array;
      for (const tensor of made) tensor.dispose();
      return { values, milliseconds: performance.now() - startedAt };
    },
    close: async () => {
      for (const session of [forward!, ...rest]) await session.release();
      for (const tensor of Object.values(feeds)) tensor.dispose();
    },
  };
}

/** Adds the tokens' rows as a training on the CPU does: from the `host` way's result to the gradient. */
export async function openHostAddition({ inputs, ids }: EmbeddingCase): Promise<{
  readonly add: (rows: Float32Array) => Float32Array;
  readonly close: () => Promise<void>;
}> {
  const runtime = await openRuntime({ device: 'cpu', threads: 1 });
  const { dims, data } = inputs[wordEmbeddings]!;
  const weights = new Map([[wordEmbeddings, { dims, data: data as Float32Array<ArrayBuffer> }]]);
  const state = await createParameterState(runtime, weights, [wordEmbeddings], defaultAdamW);
  const gradient = runtime.hostMemory(state.gradient(wordEmbeddings)) as Float32Array;
  return {
    add: (rows) => {
      gradient.fill(0);
      state.addRows(wordEmbeddings, ids, rows);
      return gradient;
    },
    close: async () => {
      await state.close();
      await runtime.close();
    },
  };
}

/** The distinct bit patterns among arrays of the same length. */
export class BitPatterns {
  readonly patterns: Float32Array[] = [];

  add(values: Float32Array): void {
    const bytes = Buffer.from(values.buffer, values.byteOffset, values.byteLength);
    const known = this.patterns.some((p) => bytes.equals(Buffer.from(p.buffer, p.byteOffset, p.byteLength)));
    if (!known) this.patterns.push(values.slice());
  }
}
