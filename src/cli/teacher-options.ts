import type { Command } from 'commander';
import type { ListRecord } from '../corpus/types.ts';
import { InputError } from '../host/errors.ts';
import type { PairNumbersReport } from '../mining/pair-numbers.ts';
import { scaleTeacherScores, withRawScores } from '../mining/scaling.ts';
import { scoreGroupNames } from '../mining/score-groups.ts';
import { scoreLists } from '../mining/teacher.ts';
import { readTeacherScores, withTeacherScores } from '../mining/teacher-scores.ts';
import { openFile } from './input-files.ts';
import type { CliIo } from './io.ts';
import type { ComputeOptions } from './options.ts';
import { choiceOption } from './options.ts';

const scales = [...scoreGroupNames, 'none'] as const;

/** The options that say where teacher scores come from, as the action receives them. */
export interface TeacherOptions {
  readonly teacher?: string;
  readonly teacherScores?: string;
  readonly scale?: (typeof scales)[number];
  readonly store: string;
}

export function addTeacherOptions(command: Command): Command {
  return command
    .option(
      '--teacher <model>',
      'score every passage of the lists with this encoder (cosine) or cross-encoder (logit): nano, a folder or ' +
        'ORG/NAME; or transformers.js:MODEL, which runs architectures that the studio does not (RoBERTa, DeBERTa …)',
    )
    .option(
      '--store <dir>',
      "where a model's work is kept: what is there is not done again",
      './.retriever-studio',
    )
    .option(
      '--teacher-scores <file>',
      'take the scores from a file: query id, document id, score, separated by tabs; or JSONL with query_id, id, score',
    )
    .option(
      '--scale <group>',
      'bring scores to 0 to 1 by the 1st and 99th percentile, clipped, of each query, of the lists with the same ' +
        'source, or of the whole file; raw ones are kept as teacher_raw; none brings them back',
      choiceOption('--scale', scales),
    );
}

/** @throws InputError for options that exclude each other. */
export function checkTeacherOptions({ teacher, teacherScores }: TeacherOptions): void {
  if (teacher === undefined || teacherScores === undefined) return;
  throw new InputError('--teacher and --teacher-scores are both given', { remedy: 'Give one of the two' });
}

/** The lists with the scores that the options ask for. */
export async function applyTeacher(
  lists: readonly ListRecord[],
  options: TeacherOptions & ComputeOptions,
  io: CliIo,
): Promise<readonly ListRecord[]> {
  const scored = await scoredLists(lists, options, io);
  if (options.scale === undefined) return scored;
  return options.scale === 'none'
    ? withRawScores(scored)
    : scaleTeacherScores(scored, { group: options.scale });
}

async function scoredLists(
  lists: readonly ListRecord[],
  options: TeacherOptions & ComputeOptions,
  io: CliIo,
): Promise<readonly ListRecord[]> {
  const { teacher, teacherScores } = options;
  if (teacherScores !== undefined) {
    const imported = withTeacherScores(lists, await readTeacherScores(await openFile(teacherScores)));
    checkPairNumbers(imported.report, teacherScores, 'score', io);
    return imported.lists;
  }
  if (teacher === undefined) return lists;
  // ONNX Runtime and the tokenizers: only for those who score.
  const { scoreWithModel } = await import('./teacher-model.ts');
  return scoreWithModel(lists, teacher, scoreLists, options, io);
}

/** @throws InputError if a file of numbers for pairs is not about the lists */
export function checkPairNumbers(
  { found, missing }: PairNumbersReport,
  file: string,
  what: 'score' | 'label',
  io: CliIo,
): void {
  if (found === 0) {
    throw new InputError('none of its pairs stands in the lists', {
      file,
      remedy: `Give ${what}s of the same queries and documents, by the ids of the lists`,
    });
  }
  if (missing > 0) io.warn(`passages without a ${what} in ${file}: ${missing}`);
}
