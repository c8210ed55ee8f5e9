import type { Dimension, Graph, Tensor } from '../graph/expression.ts';
import { reduceSum, reshape } from '../graph/ops/broadcasting.ts';
import { add, div, mul, sqrt } from '../graph/ops/elementwise.ts';
import { matMul } from '../graph/ops/linear.ts';
import type { EncoderShape } from './types.ts';

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

/** Sequences × tokens, which may be open. */
export type BatchDimensions = readonly [rows: Dimension, length: Dimension];

/** Inputs of a transformer for a batch. */
export interface TokenInputs {
  /** Integers [rows·length]. */
  readonly ids: Tensor;
  /** float32 [rows, length]: 1 for a token, 0 for padding. */
  readonly mask: Tensor;
  /** float32 [rows·length, 1], each 0 or 1. Without them all tokens are in segment 0. */
  readonly segments?: Tensor | undefined;
}

export interface ForwardOptions {
  readonly shape: EncoderShape;
  /** Drop hidden values and attention probabilities by masks fed as `dropout.<site>`. */
  readonly dropout?: boolean;
  /** Linear layers of the transformer get `<name>.lora_a` [rank, in] and `<name>.lora_b` [out, rank]. */
  readonly lora?: LoraShape;
}

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
