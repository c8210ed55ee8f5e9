import type { ListDocument, ListRecord } from '../corpus/types.ts';

/** A score for each passage of a list, in its order. */
export type PairScores = Float64Array;

export interface TeacherProgress {
  /** Called with the texts or pairs done so far, and all of them. */
  readonly onProgress?: (done: number, total: number) => void;
}

/** Says how well passages answer their queries; higher is better. */
export interface Teacher {
  /** @returns for each list the scores of its passages, in the order of both */
  score(lists: readonly ListRecord[], progress?: TeacherProgress): Promise<readonly PairScores[]>;
}

/**
 * The same lists with a teacher's raw scores in place of any that they had. A long file can be scored in parts: a
 * list's scores do not depend on the others.
 */
export async function scoreLists(
  lists: readonly ListRecord[],
  teacher: Teacher,
  progress: TeacherProgress = {},
): Promise<readonly ListRecord[]> {
  const scores = await teacher.score(lists, progress);
  return lists.map((list, i) => ({
    ...list,
    documents: list.documents.map((document, j) => withTeacherScore(document, scores[i]?.[j])),
  }));
}

/** The passage with this raw score in place of any that it had; without one where it is undefined. */
export function withTeacherScore(document: ListDocument, score: number | undefined): ListDocument {
  const copy: { -readonly [Key in keyof ListDocument]: ListDocument[Key] } = { ...document };
  delete copy.teacher;
  delete copy.teacher_raw;
  if (score !== undefined) copy.teacher = score;
  return copy;
}
