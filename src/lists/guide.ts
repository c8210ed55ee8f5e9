import type { ListRecord } from '../corpus/types.ts';
import { withNumber, withPairNumbers, type PairNumbers, type PairNumbersReport } from './pair-numbers.ts';
import type { Teacher, TeacherProgress } from './teacher.ts';

/**
 * The same lists with a guide's scores beside the teacher's, in place of any that they had. Whatever can teach can
 * guide; a guide's scores serve the rules `guide-margin` and `guide-relative-margin` alone, so that one model can
 * teach and another filter.
 */
export async function guideLists(
  lists: readonly ListRecord[],
  guide: Teacher,
  progress: TeacherProgress = {},
): Promise<readonly ListRecord[]> {
  const scores = await guide.score(lists, progress);
  return lists.map((list, i) => ({
    ...list,
    documents: list.documents.map((document, j) => withNumber(document, 'guide', scores[i]?.[j])),
  }));
}

/** The lists with a guide's scores from a file (readTeacherScores reads it). */
export function withGuideScores(
  lists: readonly ListRecord[],
  scores: PairNumbers,
): { readonly lists: readonly ListRecord[]; readonly report: PairNumbersReport } {
  return withPairNumbers(lists, scores, (document, score) => withNumber(document, 'guide', score));
}
