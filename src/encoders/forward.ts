import type { Graph, Tensor } from '../graph/expression.ts';
import { geluTanh, relu } from '../graph/ops/activation.ts';
import { expand, reduceSum, reshape } from '../graph/ops/broadcasting.ts';
import { add, div, erf, mul, sqrt, sub, tanh } from '../graph/ops/elementwise.ts';
import { gather } from '../graph/ops/indexing.ts';
import { gemm, matMul } from '../graph/ops/linear.ts';
import { layerNorm, softmax } from '../graph/ops/normalization.ts';
import { slice, swapLastAxes, transpose } from '../graph/ops/shape.ts';
import {
  classificationPooler,
  embeddingNorm,
  namesOfLayer,
  positionEmbeddings,
  segmentEmbeddings,
  wordEmbeddings,
  type LayerNames,
} from './parameters.ts';
import type { Activation, EncoderShape } from './types.ts';

/** The static shape of a micro-batch: sequences × tokens. */
export interface BatchShape {
  readonly rows: number;
  readonly length: number;
}

/** Low-rank adaptation of linear layers (Hu et al. 2021): W + scale·B·A, W frozen. */
export interface LoraShape {
  readonly rank: number;
  readonly scale: number;
}

export interface ForwardOptions {
  readonly shape: EncoderShape;
  readonly batch: BatchShape;
  /** Drop hidden values and attention probabilities by masks fed as `dropout.<site>`. */
  readonly dropout?: boolean;
  /** Linear layers of the transformer get `<name>.lora_a` [rank, in] and `<name>.lora_b` [out, rank]. */
  readonly lora?: LoraShape;
  /** Whether segment ids are fed (cross-encoders); all tokens are in segment 0 otherwise. */
  readonly segments?: boolean;
}

/** What masks padding: large enough that its exponential is 0, small enough to stay finite in sums. */
const maskedScore = -1e9;

const activations: Readonly<Record<Exclude<Activation, 'gelu'>, (x: Tensor) => Tensor>> = {
  gelu_tanh: geluTanh,
  relu,
};

/** A place where dropout applies, with the shape of its mask. */
export interface DropoutSite {
  readonly name: string;
  readonly shape: readonly number[];
  readonly kind: 'hidden' | 'attention';
}

/** The values of a forward pass that others build on. Matrices have one row per token, sequence by sequence. */
export interface Forward {
  /** Rows of the word embedding table, before anything is added: [rows·length, hidden]. */
  readonly embedded: Tensor;
  /** [rows·length, hidden] */
  readonly hidden: Tensor;
  readonly dropoutSites: readonly DropoutSite[];
}

/**
 * The transformer of a BERT or DistilBERT encoder as an expression.
 *
 * Inputs by name: `ids` int32 [rows·length]; `mask` float32 [rows, length], 1 for a token and 0 for padding;
 * `segments` int32 [rows·length] on request; every parameter under its Hugging Face name; dropout masks.
 */
export function transformer(graph: Graph, options: ForwardOptions): Forward {
  const { shape, batch } = options;
  const { rows, length } = batch;
  const { hiddenSize, heads } = shape;
  const tokens = rows * length;
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
  const feedForward = (x: Tensor, names: LayerNames): Tensor => {
    const up = [hiddenSize, shape.intermediateSize] as const;
    const down = [shape.intermediateSize, hiddenSize] as const;
    if (shape.activation !== 'gelu') {
      return linear(activations[shape.activation](linear(x, names.intermediate, up)), names.output, down);
    }
    // GELU is u·(1 + erf u)/√2 with u = x/√2: both factors go into the products before and after it, and its
    // gradient needs no second error function.
    const u = linear(x, names.intermediate, up, { scale: Math.SQRT1_2 });
    return linear(mul(u, add(erf(u), 1)), names.output, down, { inputScale: Math.SQRT1_2 });
  };
  const norm = (x: Tensor, name: string): Tensor =>
    layerNorm(
      x,
      parameter(`${name}.weight`, [hiddenSize]),
      parameter(`${name}.bias`, [hiddenSize]),
      shape.layerNormEpsilon,
    );

  const mask = graph.input('mask', [rows, length]);
  const attentionBias = reshape(mul(sub(1, mask), maskedScore), [rows, 1, 1, length]);

  const words = parameter(wordEmbeddings, [shape.vocabSize, hiddenSize]);
  const embedded = gather(words, graph.input('ids', [tokens], 'int32'));
  const positions = slice(parameter(positionEmbeddings, [shape.maxPositions, hiddenSize]), 0, 0, length);
  let sum = embedded;
  if (options.segments === true && shape.segments > 0) {
    sum = add(sum, segmentRows(graph, shape, tokens));
    sum = addPositions(sum, positions, batch, hiddenSize);
  } else if (shape.segments > 0) {
    const first = slice(parameter(segmentEmbeddings, [shape.segments, hiddenSize]), 0, 0, 1);
    sum = addPositions(sum, add(positions, first), batch, hiddenSize);
  } else {
    sum = addPositions(sum, positions, batch, hiddenSize);
  }
  let hidden = dropout(norm(sum, embeddingNorm), 'embeddings', 'hidden');

  const splitHeads = (x: Tensor): Tensor =>
    transpose(reshape(x, [rows, length, heads, headSize]), [0, 2, 1, 3]);
  for (let layer = 0; layer < shape.layers; layer++) {
    const names = namesOfLayer(shape.family, layer);
    const square = [hiddenSize, hiddenSize] as const;
    // The scale of the scores costs nothing as the factor of the query projection.
    const query = splitHeads(linear(hidden, names.query, square, { scale: 1 / Math.sqrt(headSize) }));
    const key = splitHeads(linear(hidden, names.key, square));
    const value = splitHeads(linear(hidden, names.value, square));
    const probabilities = softmax(add(matMul(query, swapLastAxes(key)), attentionBias));
    const dropped = dropout(probabilities, `layer.${layer}.attention`, 'attention');
    const context = reshape(transpose(matMul(dropped, value), [0, 2, 1, 3]), [tokens, hiddenSize]);
    const attended = linear(context, names.attentionOutput, square);
    hidden = norm(
      add(dropout(attended, `layer.${layer}.attention_output`, 'hidden'), hidden),
      names.attentionNorm,
    );
    const narrow = feedForward(hidden, names);
    hidden = norm(add(dropout(narrow, `layer.${layer}.output`, 'hidden'), hidden), names.outputNorm);
  }
  return { embedded, hidden, dropoutSites };
}

function addPositions(sum: Tensor, rows: Tensor, batch: BatchShape, hiddenSize: number): Tensor {
  const cube = reshape(sum, [batch.rows, batch.length, hiddenSize]);
  return reshape(add(cube, rows), [batch.rows * batch.length, hiddenSize]);
}

/** Segment embeddings of two segments as first + id·(second − first): differentiable without a scatter. */
function segmentRows(graph: Graph, shape: EncoderShape, tokens: number): Tensor {
  const table = graph.input(segmentEmbeddings, [shape.segments, shape.hiddenSize]);
  const first = slice(table, 0, 0, 1);
  if (shape.segments === 1) return expand(first, [tokens, shape.hiddenSize]);
  const second = slice(table, 0, 1, 2);
  const ids = graph.input('segments', [tokens, 1]);
  return add(matMul(ids, sub(second, first)), first);
}

/**
 * Sequence vectors: a weighted mean of each sequence's token vectors, by weights [rows, 1, length] that the host
 * feeds as `pooling` (1/tokens for mean pooling, 1 at [CLS] for CLS pooling, 0 for padding), L2-normalized on
 * request. A padding row gives zeros.
 * @returns [rows, hidden]
 */
export function pool(graph: Graph, hidden: Tensor, batch: BatchShape, normalize: boolean): Tensor {
  const { rows, length } = batch;
  const width = hidden.shape[1] as number;
  const weights = graph.input('pooling', [rows, 1, length]);
  const pooled = reshape(matMul(weights, reshape(hidden, [rows, length, width])), [rows, width]);
  if (!normalize) return pooled;
  // As in PyTorch's normalize, a vector shorter than 1e-12 is not blown up.
  const norm = sqrt(add(reduceSum(mul(pooled, pooled), [1], true), 1e-24));
  return div(pooled, norm);
}

/**
 * The head of BertForSequenceClassification or DistilBertForSequenceClassification: a pooler over the first token,
 * tanh or ReLU, then a linear classifier.
 * @returns logits [rows, labels]
 */
export function classify(
  graph: Graph,
  hidden: Tensor,
  shape: EncoderShape,
  batch: BatchShape,
  labels: number,
): Tensor {
  const { family, hiddenSize } = shape;
  const pooler = classificationPooler[family];
  const cube = reshape(hidden, [batch.rows, batch.length, hiddenSize]);
  const first = reshape(slice(cube, 1, 0, 1), [batch.rows, hiddenSize]);
  const dense = gemm(first, graph.input(`${pooler}.weight`, [hiddenSize, hiddenSize]), {
    c: graph.input(`${pooler}.bias`, [hiddenSize]),
    transB: true,
  });
  return gemm(
    family === 'bert' ? tanh(dense) : relu(dense),
    graph.input('classifier.weight', [labels, hiddenSize]),
    {
      c: graph.input('classifier.bias', [labels]),
      transB: true,
    },
  );
}
