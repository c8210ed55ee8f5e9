import type { ListRecord } from '../../corpus/types.ts';
import { guideLists, withGuideScores } from '../../lists/guide.ts';
import { ScoringStoppedError } from '../../lists/score-cache.ts';
import { scoreLists } from '../../lists/teacher.ts';
import { withTeacherScores } from '../../lists/teacher-scores.ts';
import { tableFamilyOf } from '../../encoders/families/index.ts';
import { requirePairs } from '../recipe-evidence.ts';
import { withLastingTeacher, type TeacherModel } from '../pair-scorer.ts';
import {
  encodingFlops,
  defineListsStage,
  noWork,
  RecipeStoppedError,
  type ListsStage,
  type Task,
  type Work,
  type Workshop,
} from '../stage.ts';
import type { FileScores } from '../scores-file.ts';
import { listsBlob } from '../stored-forms.ts';

/** Who scores: a model here, or a teacher that ran elsewhere and left a file. */
export type Scorer = TeacherModel | ({ readonly kind: 'file' } & FileScores);

/** What became of the scores of a file. A type alias, so that it is assignable to Json. */
export type FileScoresReport = Readonly<{ found: number; missing: number; unused: number }>;

/** Null where a model scored every passage. */
export type ScoresReport = FileScoresReport | null;

const scoredLists = defineListsStage<ScoresReport>({ kind: 'scores', version: 1, onDevice: true });

/** The scores of a file, of every passage of the lists for which it has one. */
async function fileScoresStage(
  name: string,
  lists: ListsStage,
  { name: file, scores, hash }: FileScores,
  role: 'teacher' | 'guide',
): Promise<ListsStage<ScoresReport>> {
  return scoredLists({
    label: `scores of ${name} from ${file}`,
    inputs: { lists: lists.key, [role]: 'file', scores: hash },
    needs: [lists],
    run: async (workshop) => {
      const put = role === 'teacher' ? withTeacherScores : withGuideScores;
      const { lists: scored, report } = put(await workshop.listsOf(lists), scores);
      requirePairs(report, file, 'score');
      return { value: { ...report }, blobs: [listsBlob(scored)] };
    },
  });
}

/**
 * Raw scores for every passage of the lists. Each batch of a model's is in the store as soon as it is there: what a
 * killed run has scored, or another recipe, is not scored again.
 * @param role whether it teaches, or guides the rules
 */
export async function scoresStage(
  { runtime }: Pick<Workshop, 'runtime'>,
  name: string,
  lists: ListsStage,
  teacher: Scorer,
  expectedPassages: number,
  role: 'teacher' | 'guide' = 'teacher',
): Promise<ListsStage<ScoresReport>> {
  if (teacher.kind === 'file') return fileScoresStage(name, lists, teacher, role);
  return scoredLists({
    label: `${role} scores of ${name}`,
    inputs: { lists: lists.key, [role]: teacher.kind, model: teacher.hash, device: runtime.device },
    needs: [lists],
    work: scoringWork(teacher, expectedPassages),
    run: async (workshop, task) => {
      const given = await workshop.listsOf(lists);
      const scored = await scoreWithModel(workshop, given, teacher, task, role);
      return { value: null, blobs: [listsBlob(scored)] };
    },
  });
}

/**
 * Of scoring passages; none where nobody can tell before.
 * @param tokens of a typical passage; half of what the model reads at most where nobody has counted
 */
export function scoringWork(scorer: Scorer, passages: number, tokens?: number): Work {
  if (scorer.kind !== 'encoder' || !('model' in scorer)) return noWork;
  const { model } = scorer;
  const most = model.encoding.passageMaxLength;
  return {
    ...noWork,
    forwardFlops: encodingFlops(model, passages, Math.min(most, tokens ?? most / 2)),
    ...(tableFamilyOf(model.shape) === undefined && { by: 'graphs' }),
  };
}

/**
 * The lists with the raw scores of a model.
 * @throws RecipeStoppedError when the recipe is ended
 */
export async function scoreWithModel(
  workshop: Workshop,
  lists: readonly ListRecord[],
  model: TeacherModel,
  task: Task,
  role: 'teacher' | 'guide' = 'teacher',
): Promise<readonly ListRecord[]> {
  const score = role === 'teacher' ? scoreLists : guideLists;
  let found = 0;
  try {
    return await withLastingTeacher(
      workshop,
      model,
      (scorer) => score(lists, scorer, { onProgress: (done, total) => task.progress(done, total) }),
      { signal: workshop.signal, onCounted: (counts) => (found = counts.found) },
    );
  } catch (error) {
    throw error instanceof ScoringStoppedError ? new RecipeStoppedError() : error;
  } finally {
    task.found(found, 'pairs');
  }
}
