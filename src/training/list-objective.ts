import type { ListRecord } from '../corpus/types.ts';
import { DocumentNumbers, layOutBatch } from './batch-layout.ts';
import { Batches } from './batches.ts';
import type { Objective, ObjectiveBatch } from './objective.ts';
import type { TrainingSettings } from './settings.ts';
import { batchLoss } from './similarity.ts';

/** Learns from training lists: any loss over the scores of queries and passages. */
export class ListObjective implements Objective {
  readonly #settings: TrainingSettings;
  readonly #similarity: TrainingSettings['similarity'];
  readonly #numbers = new DocumentNumbers();
  readonly #batches: Batches;

  /**
   * @param normalized whether the encoder's vectors have length 1
   * @throws InputError if the lists cannot fill a batch
   */
  constructor(lists: readonly ListRecord[], settings: TrainingSettings, normalized: boolean) {
    this.#settings = settings;
    this.#similarity = normalized ? 'dot' : settings.similarity;
    this.#batches = new Batches(lists, this.#numbers, { ...settings.batches, seed: settings.seed });
  }

  stepsInEpochs(epochs: number): number {
    return this.#batches.stepsInEpochs(epochs);
  }

  locate(globalStep: number): { readonly epoch: number; readonly step: number } {
    return this.#batches.locate(globalStep);
  }

  batch(epoch: number, step: number): ObjectiveBatch {
    const lists = this.#batches.batch(epoch, step);
    const layout = layOutBatch(lists, this.#numbers);
    return {
      queries: lists.map(({ record }) => record.query),
      passages: lists.flatMap(({ documents }) => documents.map(({ text }) => text)),
      loss: (queries, passages, dimension) =>
        batchLoss(this.#settings.loss, { queries, passages, dimension }, layout, {
          similarity: this.#similarity,
        }),
    };
  }
}
