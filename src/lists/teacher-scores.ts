import type { ByteSource } from '../core/source.ts';
import type { ListRecord } from '../corpus/types.ts';
import {
  readPairNumbers,
  withPairNumbers,
  type PairNumbers,
  type PairNumbersReport,
} from './pair-numbers.ts';
import { withTeacherScore } from './teacher.ts';

/** Query id → document id → raw score. */
export type TeacherScores = PairNumbers;

/**
 * Reads the scores of a teacher that ran elsewhere: tab-separated query id, document id and score, or JSON lines with
 * `query_id`, `id` and `score`.
 *
 * @throws InputError naming the line.
 */
export function readTeacherScores(source: ByteSource): Promise<TeacherScores> {
  return readPairNumbers(source, 'score');
}

/** The lists with these raw scores in place of any that they had. */
export function withTeacherScores(
  lists: readonly ListRecord[],
  scores: TeacherScores,
): { readonly lists: readonly ListRecord[]; readonly report: PairNumbersReport } {
  return withPairNumbers(lists, scores, withTeacherScore);
}
