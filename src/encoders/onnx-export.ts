import { Graph, productOf, type Tensor } from '../graph/expression.ts';
import { toOnnx } from '../graph/onnx.ts';
import { reshape } from '../graph/ops/broadcasting.ts';
import { toFloat } from '../graph/ops/elementwise.ts';
import { familyOf } from './families/index.ts';
import type { BatchDimensions } from './forward.ts';
import type { CrossEncoderModel, EncoderShape, Weights } from './types.ts';

/** Sizes that the file leaves open, under transformers' names. */
const open: BatchDimensions = ['batch_size', 'sequence_length'];

/**
 * The transformer with its weights as an ONNX model of open batch and sequence sizes, laid out as transformers.js
 * and sentence-transformers expect it in `onnx/model.onnx`: `input_ids`, `attention_mask` and, where the encoder has
 * segments, `token_type_ids` (0 or 1), int64 [batch, sequence], to `last_hidden_state` [batch, sequence, hidden].
 * Pooling and normalization are the caller's.
 */
export function exportOnnx(shape: EncoderShape, weights: Weights): Uint8Array<ArrayBuffer> {
  const hidden = openForward(new Graph(), shape);
  return written({ last_hidden_state: reshape(hidden, [...open, shape.hiddenSize]) }, weights);
}

/** A cross-encoder in the same way: the same inputs to `logits` [batch, labels]. */
export function exportCrossEncoderOnnx({
  shape,
  labels,
  weights,
}: Pick<CrossEncoderModel, 'shape' | 'labels' | 'weights'>): Uint8Array<ArrayBuffer> {
  const graph = new Graph();
  const { classification } = familyOf(shape);
  const logits = classification.logits(graph, openForward(graph, shape), open, labels);
  return written({ logits }, weights);
}

/** The expression that trains, over the inputs that other libraries feed. */
function openForward(graph: Graph, shape: EncoderShape): Tensor {
  const input = (name: string): Tensor => graph.input(name, open, 'int64');
  const ids = reshape(input('input_ids'), [productOf(open)]);
  const mask = toFloat(input('attention_mask'));
  const segments =
    shape.segments > 0 ? reshape(toFloat(input('token_type_ids')), [productOf(open), 1]) : undefined;
  return familyOf(shape).forward(graph, { ids, mask, segments }, { shape }).hidden;
}

function written(outputs: Readonly<Record<string, Tensor>>, weights: Weights): Uint8Array<ArrayBuffer> {
  const embed = new Map([...weights].map(([name, { data }]) => [name, data] as const));
  return toOnnx('encoder', outputs, embed).model;
}
