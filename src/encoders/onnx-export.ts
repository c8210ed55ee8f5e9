import { Graph, productOf, type Tensor } from '../graph/expression.ts';
import { toOnnx } from '../graph/onnx.ts';
import { reduceSum, reshape } from '../graph/ops/broadcasting.ts';
import { add, div, mul, sqrt, toFloat } from '../graph/ops/elementwise.ts';
import { matMul } from '../graph/ops/linear.ts';
import { familyOf, tableFamilyOf, transformerOf } from './families/index.ts';
import type { BatchDimensions } from './forward.ts';
import type { CrossEncoderModel, EncoderModel, EncoderShape, Weights } from './types.ts';

/** Sizes that the file leaves open, under transformers' names. */
const open: BatchDimensions = ['batch_size', 'sequence_length'];

/**
 * The encoder's transformer with its weights as an ONNX model of open batch and sequence sizes, laid out as transformers.js
 * and sentence-transformers expect it in `onnx/model.onnx`: `input_ids`, `attention_mask` and, where the encoder has
 * segments, `token_type_ids` (0 or 1), int64 [batch, sequence], to `last_hidden_state` [batch, sequence, hidden].
 * Pooling and normalization are the caller's. A table of token vectors gives texts' vectors too: `sentence_embedding`
 * [batch, hidden], with both.
 */
export function exportOnnx({
  shape,
  weights,
  encoding,
}: Pick<EncoderModel, 'shape' | 'weights' | 'encoding'>): Uint8Array<ArrayBuffer> {
  const { hidden, mask } = openForward(new Graph(), shape);
  const outputs: Record<string, Tensor> = { last_hidden_state: reshape(hidden, [...open, shape.hiddenSize]) };
  if (tableFamilyOf(shape) !== undefined) {
    outputs.sentence_embedding = mean(outputs.last_hidden_state as Tensor, mask, encoding.normalize);
  }
  return written(outputs, weights);
}

/** The mean of the tokens that the mask counts, zeros without any. */
function mean(hidden: Tensor, mask: Tensor, normalize: boolean): Tensor {
  const [rows] = open;
  const width = hidden.dims[2] as number;
  const sums = reshape(matMul(reshape(mask, [rows, 1, open[1]]), hidden), [rows, width]);
  // A mean without tokens is 0 / 1e-9, and a length of 0 is 1e-12.
  const means = div(sums, add(reduceSum(mask, [1], true), 1e-9));
  return normalize ? div(means, sqrt(add(reduceSum(mul(means, means), [1], true), 1e-24))) : means;
}

/** A cross-encoder in the same way: the same inputs to `logits` [batch, labels]. */
export function exportCrossEncoderOnnx({
  shape,
  labels,
  weights,
}: Pick<CrossEncoderModel, 'shape' | 'labels' | 'weights'>): Uint8Array<ArrayBuffer> {
  const graph = new Graph();
  const { classification } = transformerOf(shape);
  const logits = classification.logits(graph, openForward(graph, shape).hidden, open, labels);
  return written({ logits }, weights);
}

/** The expression that trains, over the inputs that other libraries feed. */
function openForward(graph: Graph, shape: EncoderShape): { readonly hidden: Tensor; readonly mask: Tensor } {
  const input = (name: string): Tensor => graph.input(name, open, 'int64');
  const ids = reshape(input('input_ids'), [productOf(open)]);
  const mask = toFloat(input('attention_mask'));
  const segments =
    shape.segments > 0 ? reshape(toFloat(input('token_type_ids')), [productOf(open), 1]) : undefined;
  return { hidden: familyOf(shape).forward(graph, { ids, mask, segments }, { shape }).hidden, mask };
}

function written(outputs: Readonly<Record<string, Tensor>>, weights: Weights): Uint8Array<ArrayBuffer> {
  const embed = new Map([...weights].map(([name, { data }]) => [name, data] as const));
  return toOnnx('encoder', outputs, embed).model;
}
