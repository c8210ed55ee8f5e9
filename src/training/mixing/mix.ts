import type { MovingChoice } from '../negative-choice.ts';

/** One of the sources of a mix: lists whose `origin` has its name, and how they take part. */
export interface MixedSource {
  readonly name: string;
  /** How many rows it gives, relative to the other sources that are trained on at the same step. */
  readonly weight: number;
  /** The weight at its last step, reached linearly; the weight itself by default. */
  readonly endWeight?: number;
  /** The steps, counted from 1, in which it takes part; from the first step to the last by default. */
  readonly firstStep?: number;
  readonly lastStep?: number;
  /** In place of the temperature of each loss that has one. */
  readonly temperature?: number;
  /** In place of the margin of each loss that has one. */
  readonly margin?: number;
  /** Which negatives of its lists, in place of the batches' own choice. */
  readonly choice?: MovingChoice;
}

/** How lists of several sources become batches. */
export interface Mix {
  /**
   * - `mixed`: each batch has rows of all sources, by their weights;
   * - `same-source`: each batch has rows of one source, and sources take turns by their weights, so that no source's
   *   passages are in-batch negatives of another's queries;
   * - `concatenated`: all lists are pooled and shuffled, as if they had one source (arXiv 2504.21015). A source
   *   counts by the number of its lists, and weights and steps are not read.
   */
  readonly batches: 'mixed' | 'same-source' | 'concatenated';
  /** At least one. */
  readonly sources: readonly MixedSource[];
}
