import type { Json } from '../core/json.ts';
import type { TokenSequence } from '../encoders/batch-inputs.ts';
import type { Embedder } from '../encoders/embedder.ts';
import type { TrainingCheckpoint } from './checkpoint-state.ts';

/** A batch as token sequences; their vectors come in the same order. */
export interface TokenizedBatch {
  readonly queries: readonly TokenSequence[];
  readonly passages: readonly TokenSequence[];
}

/** ∂L/∂vectors, [queries, width] and [passages, width], and any other results of the loss. */
export interface VectorGradients {
  readonly queryGradient: Float32Array;
  readonly passageGradient: Float32Array;
}

export type VectorLoss<Result extends VectorGradients> = (
  queryVectors: Float32Array<ArrayBuffer>,
  passageVectors: Float32Array<ArrayBuffer>,
) => Result | Promise<Result>;

/** Weights, moments and gradients of an encoder in training, wherever they are computed. */
export interface Trainable {
  /** Embeds with the weights as they are. */
  readonly embedder: Embedder;
  /** What computes. Equal fingerprints promise equal bits. */
  readonly fingerprint: Readonly<Record<string, string>>;
  /** How it cuts batches, as checkpoints keep it: what fixes the order of additions. */
  readonly plan: Readonly<Record<string, Json>>;
  /** The tokens of a micro-batch that the user chose, where memory made the plan's fewer. */
  readonly chosenTokens: number | undefined;
  /** The device's floating-point operations per second, which its speed is measured against, where there is such a rate. */
  readonly peakRate: number | undefined;
  /**
   * Adds the gradients of a batch.
   * @param step those done so far; names what is random
   */
  gradients<Result extends VectorGradients>(
    batch: TokenizedBatch,
    loss: VectorLoss<Result>,
    step: number,
  ): Promise<{ readonly result: Result; readonly gradientNorm: number }>;
  /** One step of the optimizer (counted from 1), then gradients are zero again. */
  update(learningRate: number, step: number, gradientNorm: number): Promise<void>;
  /** What a checkpoint keeps of the weights: encoderWeights makes the encoder's of it. */
  readWeights(): Promise<TrainingCheckpoint['weights']>;
  readMoments(): Promise<TrainingCheckpoint['moments']>;
  /** Resumes from a checkpoint; gradients are zero afterwards. */
  restore(checkpoint: TrainingCheckpoint): Promise<void>;
  close(): Promise<void>;
}

/** Reports that memory ran out and that smaller micro-batches follow. */
export type OnSmaller = (told: {
  readonly step: number;
  readonly tokens: number;
  readonly message: string;
}) => void;
