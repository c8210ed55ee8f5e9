import type { Command } from 'commander';
import { foreignArchitecture, isCrossEncoder } from '../encoders/model-kind.ts';
import { libraryModelName } from '../encoders/model-library.ts';
import { InputError } from '../core/errors.ts';
import { own } from '../core/own.ts';
import { scoreGroupNames } from '../lists/score-groups.ts';
import type { FragmentInput } from '../pipeline/fragment-schema.ts';
import { openModel } from './experiment.ts';
import type { CliIo } from './io.ts';
import { choiceOption } from './options.ts';

const scales = [...scoreGroupNames, 'none'] as const;

/** The options that say where teacher scores come from, as the action receives them. */
export interface TeacherOptions {
  readonly teacher?: string;
  readonly teacherScores?: string;
  readonly teacherVectors?: string;
  readonly scale?: (typeof scales)[number];
}

export function addTeacherOptions(command: Command): Command {
  return command
    .option(
      '--teacher <model>',
      'Model that scores every passage of the lists, an encoder (cosine) or a cross-encoder (logit): nano, pico, a folder or ' +
        'ORG/NAME; or transformers.js:MODEL for architectures that the studio does not implement (RoBERTa, DeBERTa …)',
    )
    .option(
      '--teacher-scores <file>',
      'File of teacher scores: query id, document id and score, separated by tabs; or JSONL with query_id, id, score',
    )
    .option(
      '--teacher-vectors <file>',
      'File of teacher vectors (`embed --lists` writes it): the score of a query and a passage is the cosine of theirs',
    )
    .option(
      '--scale <group>',
      'Scale scores to the range 0 to 1, clipping at the 1st and 99th percentiles, per query, per source of the lists, ' +
        'or over the whole file (query, source or file). Raw scores are kept as teacher_raw; none restores them',
      choiceOption('--scale', scales),
    );
}

type Teacher = NonNullable<FragmentInput['teacher']>;

/**
 * The options as a recipe's teacher. @throws InputError for options that exclude each other.
 * @param check refuses a teacher, as soon as it is known what it is
 */
export async function teacherOf(
  { teacher, teacherScores, teacherVectors, scale: group }: TeacherOptions,
  io: CliIo,
  check?: (teacher: Pick<Teacher, 'from'>) => void,
): Promise<Teacher> {
  refuseBoth({
    '--teacher': teacher,
    '--teacher-scores': teacherScores,
    '--teacher-vectors': teacherVectors,
  });
  const scale = group === undefined ? null : group === 'none' ? group : { group };
  if (teacher !== undefined) return { ...(await scorerOf(teacher, io, check)), scale };
  const given: Teacher =
    teacherScores !== undefined
      ? { from: 'file', file: teacherScores, scale }
      : teacherVectors !== undefined
        ? { from: 'vectors', file: teacherVectors, scale }
        : { from: 'stored', scale };
  check?.(given);
  return given;
}

/** A model that scores: a cross-encoder where its config.json says so, else an encoder. */
export async function scorerOf(
  model: string,
  io: CliIo,
  check?: (teacher: Pick<Teacher, 'from'>) => void,
): Promise<{ readonly from: 'encoder' | 'cross-encoder'; readonly model: string }> {
  const asked = libraryModelName(model);
  const { from, foreign } = await openModel(asked ?? model, io, async (folder) => ({
    from: (await isCrossEncoder(folder)) ? ('cross-encoder' as const) : ('encoder' as const),
    foreign: await foreignArchitecture(folder),
  }));
  check?.({ from });
  const runs = asked !== undefined || foreign !== undefined ? ', run by transformers.js' : '';
  io.note(`${model}: ${from}${runs}`);
  return { from, model };
}

/** @throws InputError where both of two options are given. */
export function refuseBoth(options: Readonly<Record<string, string | undefined>>): void {
  const given = Object.keys(options).filter((name) => own(options, name) !== undefined);
  if (given.length < 2) return;
  throw new InputError(`${given.join(' and ')} cannot be combined`, { remedy: 'Use only one of them' });
}
