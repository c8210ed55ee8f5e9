/** What keeps a training from being worth its time, each with what would help. */
import { smallestDetectableDifference } from '../metrics/significance/detectable-difference.ts';
import type { PlannedTraining } from './planner.ts';
import { fittingLength, hubTeacher, leastBatches, longestInput, shareCut } from './proposal.ts';

/** What a button next to a warning does. */
export type Fix =
  | { readonly kind: 'passage-length'; readonly tokens: number }
  | { readonly kind: 'batch-size'; readonly size: number }
  | { readonly kind: 'teacher'; readonly model: string }
  /** The user chooses another one. */
  | { readonly kind: 'encoder' }
  | { readonly kind: 'write' };

export interface TrainingWarning {
  readonly kind: 'cut' | 'teacher' | 'batches' | 'queries' | 'language';
  readonly text: string;
  readonly fix: (Fix & { readonly label: string }) | undefined;
}

export interface WarnedChoices {
  readonly encoder: string;
  /** Undefined where no loss reads one. */
  readonly teacher: string | undefined;
  /** Undefined where the encoder decides. */
  readonly passageMaxLength: number | undefined;
}

/** Standard deviation of the differences in nDCG@10 between an encoder before and after a training, from the demo's figures. */
const usualDeviation = 0.16;
/** A difference that people would want to see. */
const wantedDifference = 0.05;
const warnedCut = 0.2;
/** Below this share of whole words, a vocabulary is of another language than the texts. */
export const leastCover = 0.6;

export function trainingWarnings(
  planned: PlannedTraining,
  choices: WarnedChoices,
): readonly TrainingWarning[] {
  return [
    ...languageWarning(planned, choices),
    ...cutWarning(planned, choices),
    ...teacherWarning(choices),
    ...batchWarning(planned),
    ...queriesWarning(planned),
  ];
}

function languageWarning({ facts }: PlannedTraining, { encoder }: WarnedChoices): TrainingWarning[] {
  if (facts.cover === null || facts.cover >= leastCover) return [];
  const known =
    encoder === 'nano' || encoder === 'pico'
      ? `${encoder} knows English only`
      : `${encoder} is of another language`;
  return [
    {
      kind: 'language',
      text: `${known}: its vocabulary has ${percent(facts.cover)} of the words of these texts.`,
      fix: { kind: 'encoder', label: 'Choose another encoder' },
    },
  ];
}

function cutWarning(
  { facts: { passageTokens } }: PlannedTraining,
  { passageMaxLength, encoder }: WarnedChoices,
): TrainingWarning[] {
  if (passageMaxLength === undefined) return [];
  const cut = shareCut(passageTokens, passageMaxLength);
  if (cut < warnedCut) return [];
  const tokens = fittingLength(passageTokens, longestInput(encoder));
  return [
    {
      kind: 'cut',
      text: `${percent(cut)} of the passages are longer than ${passageMaxLength} tokens, and their ends are not read.`,
      fix: tokens > passageMaxLength ? { kind: 'passage-length', tokens, label: `Use ${tokens}` } : undefined,
    },
  ];
}

function teacherWarning({ encoder, teacher }: WarnedChoices): TrainingWarning[] {
  if (teacher === undefined || teacher !== encoder) return [];
  const model = encoder === 'nano' ? hubTeacher : 'nano';
  return [
    {
      kind: 'teacher',
      text: 'Teacher and student are the same model, and a model learns nothing from itself.',
      fix: { kind: 'teacher', model, label: `Use ${model.replace(/^.*\//, '')}` },
    },
  ];
}

function batchWarning({ batches, batchSize, rows }: PlannedTraining): TrainingWarning[] {
  if (batches === null) return [];
  const expected = Math.floor(rows / batchSize);
  if (batches.filled >= leastBatches && batches.filled >= expected / 2) return [];
  const only =
    batches.filled === 0
      ? 'No batch'
      : `Only ${batches.filled} ${batches.filled === 1 ? 'batch' : 'batches'}`;
  const reason = batches.filled < expected ? ' with queries that share no relevant passage' : '';
  return [
    {
      kind: 'batches',
      text: `${only} of ${batchSize} can be filled${reason}.`,
      fix:
        batches.better === null
          ? undefined
          : { kind: 'batch-size', size: batches.better, label: `Use ${batches.better}` },
    },
  ];
}

function queriesWarning({ testQueries }: PlannedTraining): TrainingWarning[] {
  if (testQueries < 2) {
    return [
      {
        kind: 'queries',
        text: 'There is no more than one test query: no difference can be shown.',
        fix: { kind: 'write', label: 'Write test queries' },
      },
    ];
  }
  const detectable = smallestDetectableDifference(testQueries, usualDeviation);
  if (detectable <= wantedDifference) return [];
  return [
    {
      kind: 'queries',
      text: `With ${testQueries} test queries, a gain below about ${detectable.toFixed(2)} nDCG@10 cannot be told from chance.`,
      fix: { kind: 'write', label: 'Write more' },
    },
  ];
}

function percent(share: number): string {
  return `${Math.round(100 * share)}%`;
}
