import type { ListRecord } from '../../corpus/types.ts';
import { isPositive } from '../../corpus/text-key.ts';
import { parseLossSpec } from '../../losses/loss-spec.ts';
import { diagnosisColumns, diagnosisRow, scoreRows } from '../../lists/diagnostics/diagnosis-table.ts';
import { diagnoseSources, type SourceDiagnosis } from '../../lists/diagnostics/diagnose.ts';
import type { Json } from '../../core/json.ts';
import { withTeacherScores } from '../../lists/teacher-scores.ts';
import { withEmbedder, type ShelvedEncoder } from '../encoder-shelf.ts';
import type { DiagnosticsSettings } from '../schema/diagnostics.ts';
import {
  encodingFlops,
  defineStage,
  noWork,
  type ListsStage,
  type Stage,
  type Task,
  type Workshop,
} from '../stage.ts';
import type { StageTable } from '../stage-table.ts';
import { sampleOf } from '../written-about.ts';
import { scoreWithModel, scoringWork, type Scorer } from './scores.ts';

/** Of each source that a recipe wants looked at. */
export type DiagnosisReport = readonly SourceDiagnosis[];

/** A source of a recipe, whoever its passages came from: with several sources of one model they stay apart. */
export interface DiagnosedSource {
  /** Null where its passages stay apart by who they came from. */
  readonly name: string | null;
  readonly lists: ListsStage;
  /** Of the whole source, about. */
  readonly passages: number;
}

const diagnosed = defineStage<DiagnosisReport>({ kind: 'diagnosed', version: 3, tables: diagnosisTables });

/**
 * What the negatives of sources look like beside each other.
 * @param encoder embeds them; without it only words are looked at
 * @param scorer says how many are relevant after all; without it the scores that the lists carry do
 */
export async function diagnosedStage(
  { loss, sample, seed }: Pick<DiagnosticsSettings, 'loss' | 'sample' | 'seed'>,
  sources: readonly DiagnosedSource[],
  encoder: ShelvedEncoder | undefined,
  scorer: Scorer | undefined,
): Promise<Stage<DiagnosisReport>> {
  const texts = sources.reduce((sum, { passages }) => sum + passages, 0);
  return diagnosed({
    label: 'diagnosis of the sources',
    inputs: {
      ...{ loss, sample, seed, ...inputsOf(encoder) },
      sources: sources.map(({ name, lists }) => [name, lists.key]),
      ...(scorer !== undefined && { scorer: { kind: scorer.kind, hash: scorer.hash } }),
    },
    needs: sources.map(({ lists }) => lists),
    // Vectors are made for the table, and again for the gradients.
    work: {
      ...noWork,
      forwardFlops:
        (encoder === undefined
          ? 0
          : 2 * encodingFlops(encoder.model, texts, encoder.model.encoding.passageMaxLength / 2)) +
        (scorer === undefined ? 0 : scoringWork(scorer, texts).forwardFlops),
    },
    run: async (workshop, task) => {
      const all: ListRecord[] = [];
      for (const { name, lists } of sources) {
        const chosen = sampleOf(await workshop.listsOf(lists), { sample, seed });
        all.push(...chosen.map((list) => attributed(list, name)));
      }
      const scored = scorer === undefined ? all : await scoredBy(scorer, all, workshop, task);
      const options = { loss: parseLossSpec(loss), seed };
      if (encoder === undefined) return { value: await diagnoseSources(scored, options) };
      const value: DiagnosisReport = await withEmbedder(
        workshop.runtime,
        encoder.model,
        (embedder) =>
          diagnoseSources(scored, { ...options, embed: (batch, side) => embedder.embed(batch, side) }),
        (warning) => task.warn(warning),
      );
      return { value };
    },
  });
}

function diagnosisTables(sources: DiagnosisReport): readonly StageTable[] {
  const rows = [diagnosisColumns.map(([name]) => name), ...sources.map(diagnosisRow)];
  const table: StageTable = { title: 'Source diagnostics', note: diagnosisNote, rows, words: 1 };
  const scores = scoreRows(sources);
  if (scores === undefined) return [table];
  const scored = sources.map(({ source, teacher, positives }) => ({ source, teacher, positives }));
  return [table, { title: 'Teacher scores', note: scoresNote, rows: scores, words: 2, scores: scored }];
}

const diagnosisNote =
  'Means over the negatives of a source. Cosines, gradient and probe use the untrained encoder. The probe is a ' +
  "classifier that tells a source's passages from those of the others, tested on held-out queries; an AUC of 0.5 is " +
  'chance, and the next column is its AUC with shuffled source names. False-negative rate: the fraction of judged ' +
  'negatives that a person, a language model or the teacher considers relevant; for the teacher, those that it scores ' +
  'above the positive.';

const scoresNote =
  'Distribution of the scores of the negatives of a source, and of the positives of their lists. Negatives far below ' +
  'the positives teach little; those among the positives may be relevant.';

function inputsOf(encoder: ShelvedEncoder | undefined): Readonly<Record<string, Json>> {
  if (encoder === undefined) return { encoder: null };
  return { encoder: encoder.hash, normalize: encoder.model.encoding.normalize };
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
function attributed(list: ListRecord, source: string | null): ListRecord {
  if (source === null) return list;
  const documents = list.documents.map((each) => (isPositive(each) ? each : { ...each, source }));
  return { ...list, documents };
}
