import { productOf, type Dimension, type Graph, type Tensor } from '../../graph/expression.ts';
import { geluTanh, relu } from '../../graph/ops/activation.ts';
import { reshape } from '../../graph/ops/broadcasting.ts';
import { add, erf, mul, sub } from '../../graph/ops/elementwise.ts';
import { gather } from '../../graph/ops/indexing.ts';
import { gemm, matMul } from '../../graph/ops/linear.ts';
import { layerNorm, softmax } from '../../graph/ops/normalization.ts';
import { slice, swapLastAxes, transpose } from '../../graph/ops/shape.ts';
import type { DropoutSite, Forward, ForwardOptions, TokenInputs } from '../forward.ts';
import type { Activation, EncoderShape } from '../types.ts';
import type { ClassificationHead, LinearLayer, Parameters, Transformer } from './family.ts';

/** The Hugging Face names of one layer's tensors, by role. A linear layer has `.weight` and `.bias`. */
export interface LayerNames {
  readonly query: string;
  readonly key: string;
  readonly value: string;
  readonly attentionOutput: string;
  readonly attentionNorm: string;
  readonly intermediate: string;
  readonly output: string;
  readonly outputNorm: string;
}

/** Names of the tensors of BERT's transformer in a family. */
export interface BertNames {
  readonly words: string;
  readonly positions: string;
  /** Left out by families without segments. */
  readonly segments?: string;
  readonly norm: string;
  readonly layer: (layer: number) => LayerNames;
}

/** The transformer of BERT, and of the families that differ from it by names. */
export function bertTransformer(names: BertNames): Transformer {
  return {
    wordEmbeddings: names.words,
    parameters: (shape) => parameters(names, shape),
    linearLayers: (shape) => everyLayer(names, shape).flatMap((layer) => linearLayers(layer, shape)),
    depthOf: (shape, parameter) =>
      1 +
      everyLayer(names, shape).findIndex((layer) =>
        Object.values<string>({ ...layer }).some((name) => parameter.startsWith(`${name}.`)),
      ),
    forward: (graph, inputs, options) => forward(names, graph, inputs, options),
  };
}

function everyLayer(names: BertNames, shape: EncoderShape): LayerNames[] {
  return Array.from({ length: shape.layers }, (_, layer) => names.layer(layer));
}

function linearLayers(layer: LayerNames, { hiddenSize, intermediateSize }: EncoderShape): LinearLayer[] {
  const square = { outputs: hiddenSize, inputs: hiddenSize };
  const { query, key, value, attentionOutput, intermediate, output } = layer;
  return [
    ...[query, key, value, attentionOutput].map((name) => ({ name, ...square })),
    { name: intermediate, outputs: intermediateSize, inputs: hiddenSize },
    { name: output, outputs: hiddenSize, inputs: intermediateSize },
  ];
}

function parameters(names: BertNames, shape: EncoderShape): Parameters {
  const { hiddenSize } = shape;
  const result: Parameters = new Map();
  const norm = (name: string): void => {
    result.set(`${name}.weight`, [hiddenSize]).set(`${name}.bias`, [hiddenSize]);
  };
  result.set(names.words, [shape.vocabSize, hiddenSize]);
  result.set(names.positions, [shape.maxPositions, hiddenSize]);
  if (names.segments !== undefined && shape.segments > 0) {
    result.set(names.segments, [shape.segments, hiddenSize]);
  }
  norm(names.norm);
  for (const layer of everyLayer(names, shape)) {
    for (const { name, outputs, inputs } of linearLayers(layer, shape)) {
      if (name === layer.intermediate) norm(layer.attentionNorm);
      result.set(`${name}.weight`, [outputs, inputs]).set(`${name}.bias`, [outputs]);
    }
    norm(layer.outputNorm);
  }
  return result;
}

/** Masks padding: large enough that its exponential is 0, small enough to stay finite in sums. */
const maskedScore = -1e9;

const activations: Readonly<Record<Exclude<Activation, 'gelu'>, (x: Tensor) => Tensor>> = {
  gelu_tanh: geluTanh,
  relu,
};

function forward(names: BertNames, graph: Graph, inputs: TokenInputs, options: ForwardOptions): Forward {
  const { shape } = options;
  const { hiddenSize, heads } = shape;
  const [rows, length] = inputs.mask.dims as readonly [Dimension, Dimension];
  const tokens = productOf([rows, length]);
  const headSize = hiddenSize / heads;
  const dropoutSites: DropoutSite[] = [];

  const parameter = (name: string, dims: readonly number[]): Tensor => graph.input(name, dims);
  const dropout = (x: Tensor, name: string, kind: DropoutSite['kind']): Tensor => {
    if (options.dropout !== true) return x;
    dropoutSites.push({ name: `dropout.${name}`, shape: x.shape, kind });
    return mul(x, graph.input(`dropout.${name}`, x.shape));
  };
  /** scale · (inputScale · x·Wᵀ + b): factors that cost nothing inside the matrix product. */
  const linear = (
    x: Tensor,
    name: string,
    [inputs, outputs]: readonly [number, number],
    { scale = 1, inputScale = 1 }: { readonly scale?: number; readonly inputScale?: number } = {},
  ): Tensor => {
    const plain = gemm(x, parameter(`${name}.weight`, [outputs, inputs]), {
      c: parameter(`${name}.bias`, [outputs]),
      transB: true,
      alpha: scale * inputScale,
      beta: scale,
    });
    if (options.lora === undefined) return plain;
    const { rank, scale: loraScale } = options.lora;
    const low = gemm(x, parameter(`${name}.lora_a`, [rank, inputs]), { transB: true });
    const b = parameter(`${name}.lora_b`, [outputs, rank]);
    return gemm(low, b, { c: plain, transB: true, alpha: scale * inputScale * loraScale });
  };
  const feedForward = (x: Tensor, layer: LayerNames): Tensor => {
    const up = [hiddenSize, shape.intermediateSize] as const;
    const down = [shape.intermediateSize, hiddenSize] as const;
    if (shape.activation !== 'gelu') {
      return linear(activations[shape.activation](linear(x, layer.intermediate, up)), layer.output, down);
    }
    // GELU is u·(1 + erf u)/√2 with u = x/√2: both factors go into the products before and after it, and its
    // gradient needs no second error function.
    const u = linear(x, layer.intermediate, up, { scale: Math.SQRT1_2 });
    return linear(mul(u, add(erf(u), 1)), layer.output, down, { inputScale: Math.SQRT1_2 });
  };
  const norm = (x: Tensor, name: string): Tensor =>
    layerNorm(
      x,
      parameter(`${name}.weight`, [hiddenSize]),
      parameter(`${name}.bias`, [hiddenSize]),
      shape.layerNormEpsilon,
    );

  const attentionBias = reshape(mul(sub(1, inputs.mask), maskedScore), [rows, 1, 1, length]);

  const embedded = gather(parameter(names.words, [shape.vocabSize, hiddenSize]), inputs.ids);
  let sum = embedded;
  let positions = slice(parameter(names.positions, [shape.maxPositions, hiddenSize]), 0, 0, length);
  if (names.segments !== undefined && shape.segments > 0) {
    const table = parameter(names.segments, [shape.segments, hiddenSize]);
    if (inputs.segments === undefined) positions = add(positions, slice(table, 0, 0, 1));
    else sum = add(sum, segmentRows(table, inputs.segments));
  }
  sum = reshape(add(reshape(sum, [rows, length, hiddenSize]), positions), [tokens, hiddenSize]);
  let hidden = dropout(norm(sum, names.norm), 'embeddings', 'hidden');

  const splitHeads = (x: Tensor): Tensor =>
    transpose(reshape(x, [rows, length, heads, headSize]), [0, 2, 1, 3]);
  for (const [index, layer] of everyLayer(names, shape).entries()) {
    const square = [hiddenSize, hiddenSize] as const;
    // The scale of the scores costs nothing as the factor of the query projection.
    const query = splitHeads(linear(hidden, layer.query, square, { scale: 1 / Math.sqrt(headSize) }));
    const key = splitHeads(linear(hidden, layer.key, square));
    const value = splitHeads(linear(hidden, layer.value, square));
    const probabilities = softmax(add(matMul(query, swapLastAxes(key)), attentionBias));
    const dropped = dropout(probabilities, `layer.${index}.attention`, 'attention');
    const context = reshape(transpose(matMul(dropped, value), [0, 2, 1, 3]), [tokens, hiddenSize]);
    const attended = linear(context, layer.attentionOutput, square);
    hidden = norm(
      add(dropout(attended, `layer.${index}.attention_output`, 'hidden'), hidden),
      layer.attentionNorm,
    );
    const narrow = feedForward(hidden, layer);
    hidden = norm(add(dropout(narrow, `layer.${index}.output`, 'hidden'), hidden), layer.outputNorm);
  }
  return { embedded, hidden, dropoutSites };
}

/**
 * Segment embeddings as first + id·(second − first): differentiable without a scatter.
 * @param table [segments, hidden]
 * @param ids 0 or 1, [tokens, 1]
 */
function segmentRows(table: Tensor, ids: Tensor): Tensor {
  const first = slice(table, 0, 0, 1);
  return table.shape[0] === 1 ? first : add(matMul(ids, sub(slice(table, 0, 1, 2), first)), first);
}

/** The head of BertForSequenceClassification: a dense layer over the first token, then a linear classifier. */
export function bertHead({
  pooler,
  activation,
  classifier,
}: {
  readonly pooler: string;
  readonly activation: (x: Tensor) => Tensor;
  readonly classifier: string;
}): ClassificationHead {
  return {
    classifier,
    parameters: ({ hiddenSize }, labels) =>
      new Map([
        [`${pooler}.weight`, [hiddenSize, hiddenSize]],
        [`${pooler}.bias`, [hiddenSize]],
        [`${classifier}.weight`, [labels, hiddenSize]],
        [`${classifier}.bias`, [labels]],
      ]),
    logits: (graph, hidden, [rows, length], labels) => {
      const width = hidden.dims[1] as number;
      const dense = (x: Tensor, name: string, outputs: number): Tensor =>
        gemm(x, graph.input(`${name}.weight`, [outputs, width]), {
          c: graph.input(`${name}.bias`, [outputs]),
          transB: true,
        });
      const first = reshape(slice(reshape(hidden, [rows, length, width]), 1, 0, 1), [rows, width]);
      return dense(activation(dense(first, pooler, width)), classifier, labels);
    },
  };
}
