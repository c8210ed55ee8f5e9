import type { Command } from 'commander';
import type { ListRecord } from '../corpus/types.ts';
import { InputError } from '../host/errors.ts';
import { readAnswers, withAnswers } from '../mining/answers.ts';
import { readGivenLabels, withGivenLabels } from '../mining/given-labels.ts';
import { guideLists, withGuideScores } from '../mining/guide.ts';
import { readTeacherScores } from '../mining/teacher-scores.ts';
import { openFile } from './input-files.ts';
import type { CliIo } from './io.ts';
import type { ComputeOptions } from './options.ts';
import { checkPairNumbers, type TeacherOptions } from './teacher-options.ts';

/** The options that say what else rules may read, as the action receives them. */
export interface JudgmentOptions {
  readonly guide?: string;
  readonly guideScores?: string;
  readonly modelLabels?: string;
  readonly handLabels?: string;
  readonly answers?: string;
}

export function addJudgmentOptions(command: Command): Command {
  return command
    .option('--guide <model>', 'score every passage with this model too, for the rules guide-…')
    .option('--guide-scores <file>', "take the guide's scores from a file, of the form of --teacher-scores")
    .option(
      '--model-labels <file>',
      'what a language model judged (0 to 3), for the rules model-label: query id, document id, label, separated ' +
        'by tabs; or JSONL with query_id, id, label',
    )
    .option('--hand-labels <file>', 'what people judged, for the rules hand-label, in the same form')
    .option(
      '--answers <file>',
      'short answers of the queries, for the rule answers: query id and answer, separated by a tab; or JSONL with ' +
        'query_id and answers',
    );
}

/** Whether the options ask for something to be put into the lists. */
export function givesJudgments({
  guide,
  guideScores,
  modelLabels,
  handLabels,
  answers,
}: JudgmentOptions): boolean {
  return (guide ?? guideScores ?? modelLabels ?? handLabels ?? answers) !== undefined;
}

/** @throws InputError for options that exclude each other. */
export function checkJudgmentOptions({ guide, guideScores }: JudgmentOptions): void {
  if (guide === undefined || guideScores === undefined) return;
  throw new InputError('--guide and --guide-scores are both given', { remedy: 'Give one of the two' });
}

/** The lists with the guide's scores, labels and answers that the options ask for. */
export async function applyJudgments(
  given: readonly ListRecord[],
  options: JudgmentOptions & ComputeOptions & Pick<TeacherOptions, 'store'>,
  io: CliIo,
): Promise<readonly ListRecord[]> {
  const { guide, guideScores, modelLabels, handLabels, answers } = options;
  let lists = given;
  if (answers !== undefined) {
    const known = await readAnswers(await openFile(answers));
    const missing = lists.filter(({ query_id }) => !known.has(query_id)).length;
    if (missing === lists.length) {
      throw new InputError('has an answer to none of the queries', {
        file: answers,
        remedy: 'Give answers by the query ids of the lists',
      });
    }
    if (missing > 0) io.warn(`lists without an answer in ${answers}: ${missing}`);
    lists = withAnswers(lists, known);
  }
  for (const [file, by] of [
    [modelLabels, 'model'],
    [handLabels, 'hand'],
  ] as const) {
    if (file === undefined) continue;
    const labeled = withGivenLabels(lists, await readGivenLabels(await openFile(file)), by);
    checkPairNumbers(labeled.report, file, 'label', io);
    lists = labeled.lists;
  }
  if (guideScores !== undefined) {
    const scored = withGuideScores(lists, await readTeacherScores(await openFile(guideScores)));
    checkPairNumbers(scored.report, guideScores, 'score', io);
    return scored.lists;
  }
  if (guide === undefined) return lists;
  // ONNX Runtime and the tokenizers: only for those who score.
  const { scoreWithModel } = await import('./teacher-model.ts');
  return scoreWithModel(lists, guide, guideLists, options, io);
}
