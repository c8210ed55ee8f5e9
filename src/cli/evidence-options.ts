import type { Command } from 'commander';
import type { FragmentInput } from '../pipeline/fragment-schema.ts';
import type { CliIo } from './io.ts';
import { refuseBoth, scorerOf } from './teacher-options.ts';

/** The options that say what else rules may read, as the action receives them. */
export interface EvidenceOptions {
  readonly guide?: string;
  readonly guideScores?: string;
  readonly modelLabels?: string;
  readonly handLabels?: string;
  readonly answers?: string;
}

export function addEvidenceOptions(command: Command): Command {
  return command
    .option('--guide <model>', 'Second model that scores every passage, for the rules guide-…')
    .option('--guide-scores <file>', 'File of guide scores, in the format of --teacher-scores')
    .option(
      '--model-labels <file>',
      'File of labels (0 to 3) from a language model, for the rule model-label: query id, document id and label, separated by ' +
        'tabs; or JSONL with query_id, id, label',
    )
    .option(
      '--hand-labels <file>',
      'File of labels from human annotators, for the rule hand-label, in the same format',
    )
    .option(
      '--answers <file>',
      'File of short answers, for the rule answers: query id and answer, separated by a tab; or JSONL with ' +
        'query_id and answers',
    );
}

/** The options as a recipe's evidence. @throws InputError for options that exclude each other. */
export async function evidenceOf(
  { guide, guideScores, modelLabels, handLabels, answers }: EvidenceOptions,
  io: CliIo,
): Promise<NonNullable<FragmentInput['evidence']>> {
  refuseBoth({ '--guide': guide, '--guide-scores': guideScores });
  return {
    ...(guide !== undefined && { guide: await scorerOf(guide, io) }),
    ...(guideScores !== undefined && { guide: { from: 'file', file: guideScores } }),
    ...(modelLabels !== undefined && { modelLabels: { file: modelLabels } }),
    ...(handLabels !== undefined && { handLabels: { file: handLabels } }),
    ...(answers !== undefined && { answers: { file: answers } }),
  };
}
