import type { ListRecord } from '../corpus/types.ts';
import { DocumentNumbers, layOutBatch, type SampledList } from './batch-layout.ts';
import { ForceRecorder } from './forces/recorder.ts';
import { Batches } from './batches.ts';
import { lossOfSources } from './mixing/loss-of-source.ts';
import { MixedBatches } from './mixing/mixed-batches.ts';
import type { Objective, ObjectiveBatch } from './objective.ts';
import type { TrainingSettings } from './settings.ts';
import { batchLoss, type SimilarityOptions } from './similarity.ts';
import type { TeacherVectors } from './teacher-vectors.ts';

/** Settings that determine how lists become batches. */
export type BatchSettings = Pick<TrainingSettings, 'batches' | 'mix' | 'epochs' | 'maxSteps' | 'seed'>;

/**
 * Deals lists into batches: of one heap, or as a mix of sources.
 * @throws InputError if the lists cannot fill a batch, or do not fit the mix
 */
export function batchesOf(
  lists: readonly ListRecord[],
  { batches, mix, epochs, maxSteps, seed }: BatchSettings,
  numbers: DocumentNumbers = new DocumentNumbers(),
): Batches | MixedBatches {
  return mix === undefined || mix.batches === 'concatenated'
    ? new Batches(lists, numbers, { ...batches, seed })
    : new MixedBatches(lists, numbers, mix, { ...batches, seed, epochs, maxSteps });
}

/** Learns from training lists: any loss over the scores of queries and passages. */
export class ListObjective implements Objective {
  readonly forces = new ForceRecorder();
  readonly #settings: TrainingSettings;
  readonly #similarity: TrainingSettings['similarity'];
  readonly #numbers = new DocumentNumbers();
  readonly #batches: Batches | MixedBatches;
  readonly #lossOfSources: ReturnType<typeof lossOfSources> | undefined;
  readonly #teacher: TeacherVectors | undefined;

  /**
   * @param normalized whether the encoder's vectors have length 1
   * @param teacher for a loss that compares every query with every passage of a batch
   * @throws InputError if the lists cannot fill a batch, or do not fit the mix
   */
  constructor(
    lists: readonly ListRecord[],
    settings: TrainingSettings,
    normalized: boolean,
    teacher?: TeacherVectors,
  ) {
    this.#teacher = teacher;
    this.#settings = settings;
    this.#similarity = normalized ? 'dot' : settings.similarity;
    this.#batches = batchesOf(lists, settings, this.#numbers);
    this.#lossOfSources = settings.mix === undefined ? undefined : lossOfSources(settings.loss, settings.mix);
  }

  stepsInEpochs(epochs: number): number {
    return this.#batches.stepsInEpochs(epochs);
  }

  locate(globalStep: number): { readonly epoch: number; readonly step: number } {
    return this.#batches.locate(globalStep);
  }

  batch(epoch: number, step: number): ObjectiveBatch {
    const lists = this.#batches.batch(epoch, step);
    const queries = lists.map(({ record }) => record.query);
    const documents = lists.flatMap((list) => list.documents);
    const passages = documents.map(({ text }) => text);
    const recorded = {
      queries: lists.map(({ record }) => record.query_id),
      passages: documents.map(({ id }) => id),
      sources: documents.map(({ source }) => source),
    };
    const layout = {
      ...layOutBatch(lists, this.#numbers, this.#settings.batches.level),
      teacherVectors: this.#teacher?.batch(queries, passages),
    };
    return {
      ...{ queries, passages },
      loss: (queryVectors, passageVectors, dimension) => {
        const embeddings = { queries: queryVectors, passages: passageVectors, dimension };
        this.forces.begin(recorded);
        return batchLoss(this.#settings.loss, embeddings, layout, {
          similarity: this.#similarity,
          settingsOf: this.#settingsOf(lists),
          onScoreGradients: (block) => this.forces.note(block),
        });
      },
    };
  }

  /** A list of a mix is judged with the temperature and margin of its source. */
  #settingsOf(lists: readonly SampledList[]): SimilarityOptions['settingsOf'] {
    const bySource = this.#lossOfSources;
    if (bySource === undefined) return undefined;
    return (term, list) => bySource.get(lists[list]?.record.origin ?? '')?.get(term) ?? term.settings;
  }
}
