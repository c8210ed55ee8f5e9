import type { ListRecord } from '../../corpus/types.ts';
import { isPositive } from '../../corpus/text-key.ts';
import { parseLossSpec } from '../../losses/loss-spec.ts';
import { diagnoseSources, type SourceDiagnosis } from '../../mining/diagnostics/diagnose.ts';
import { withTeacherScores } from '../../mining/teacher-scores.ts';
import { withEmbedder, type ShelvedEncoder } from '../encoder-shelf.ts';
import type { DiagnosticsSettings } from '../schema/diagnostics.ts';
import {
  encodingFlops,
  makeStage,
  noWork,
  type ListsStage,
  type Stage,
  type Task,
  type Workshop,
} from '../stage.ts';
import { sampleOf } from '../written-about.ts';
import { scoreWithModel, scoringFlops, type Scorer } from './scores.ts';

/** Of each source that a recipe wants looked at. */
export type DiagnosisReport = readonly SourceDiagnosis[];

/** A source of a recipe, whoever its passages came from: with several sources of one model they stay apart. */
export interface DiagnosedSource {
  readonly name: string;
  readonly lists: ListsStage;
  /** Of the whole source, about. */
  readonly passages: number;
}

/**
 * What the negatives of sources look like beside each other.
 * @param scorer says how many are relevant after all; without it the scores that the lists carry do
 */
export async function diagnosedStage(
  { loss, sample, seed }: Pick<DiagnosticsSettings, 'loss' | 'sample' | 'seed'>,
  sources: readonly DiagnosedSource[],
  { model, hash }: ShelvedEncoder,
  scorer: Scorer | undefined,
): Promise<Stage<DiagnosisReport>> {
  const texts = sources.reduce((sum, { passages }) => sum + passages, 0);
  return makeStage({
    kind: 'diagnosed',
    version: 3,
    label: 'what the sources look like',
    inputs: {
      ...{ loss, sample, seed, encoder: hash, normalize: model.encoding.normalize },
      sources: sources.map(({ name, lists }) => [name, lists.key]),
      ...(scorer !== undefined && { scorer: { kind: scorer.kind, hash: scorer.hash } }),
    },
    needs: sources.map(({ lists }) => lists),
    // Vectors are made for the table, and again for the gradients.
    work: {
      ...noWork,
      forwardFlops:
        2 * encodingFlops(model, texts, model.encoding.passageMaxLength / 2) +
        (scorer === undefined ? 0 : scoringFlops(scorer, texts)),
    },
    run: async (workshop, task) => {
      const all: ListRecord[] = [];
      for (const { name, lists } of sources) {
        const chosen = sampleOf(await workshop.listsOf(lists), { sample, seed });
        all.push(...chosen.map((list) => attributed(list, name)));
      }
      const scored = scorer === undefined ? all : await scoredBy(scorer, all, workshop, task);
      const value: DiagnosisReport = await withEmbedder(workshop.runtime, model, (embedder) =>
        diagnoseSources(scored, {
          embed: (batch, side) => embedder.embed(batch, side),
          loss: parseLossSpec(loss),
          seed,
        }),
      );
      return { value };
    },
  });
}

/** A file may have no scores of some sources: they are shown without. */
async function scoredBy(
  scorer: Scorer,
  lists: readonly ListRecord[],
  workshop: Workshop,
  task: Task,
): Promise<readonly ListRecord[]> {
  return scorer.kind === 'file'
    ? withTeacherScores(lists, scorer.scores).lists
    : scoreWithModel(workshop, lists, scorer, task);
}

/** The list with all its negatives under the name of the recipe's source. */
function attributed(list: ListRecord, source: string): ListRecord {
  const documents = list.documents.map((each) => (isPositive(each) ? each : { ...each, source }));
  return { ...list, documents };
}
