import type { ForceRecorder } from './forces/recorder.ts';
import type { BatchLoss } from './similarity.ts';

/** The texts of one step and how their vectors are judged. */
export interface ObjectiveBatch {
  readonly queries: readonly string[];
  readonly passages: readonly string[];
  /**
   * The loss and ∂loss/∂vectors.
   * @param queryVectors [queries, dimension]
   * @param passageVectors [passages, dimension]
   */
  loss(
    queryVectors: Float32Array<ArrayBuffer>,
    passageVectors: Float32Array<ArrayBuffer>,
    dimension: number,
  ): BatchLoss<Float32Array> | Promise<BatchLoss<Float32Array>>;
}

/** What a training learns from. The content of a batch is a pure function of (objective, epoch, step). */
export interface Objective {
  stepsInEpochs(epochs: number): number;
  /** The epoch and step of a step counted from the start of the training. */
  locate(globalStep: number): { readonly epoch: number; readonly step: number };
  batch(epoch: number, step: number): ObjectiveBatch;
  /** Notes what the last batch's loss does to scores; its step is to be committed once it is taken. */
  readonly forces?: ForceRecorder;
}
