import type { EncoderModel } from '../../encoders/types.ts';
import { biEncoderTeacher } from '../../mining/bi-encoder-teacher.ts';
import { crossEncoderTeacher } from '../../mining/cross-encoder-teacher.ts';
import { guideLists } from '../../mining/guide.ts';
import { scoreLists, type Teacher } from '../../mining/teacher.ts';
import { withTeacherScores } from '../../mining/teacher-scores.ts';
import { InputError } from '../../host/errors.ts';
import { withEmbedder } from '../encoder-shelf.ts';
import { encodingFlops, makeStage, noWork, type Stage, type Workshop } from '../stage.ts';
import type { FileScores } from '../scores-file.ts';
import { encodeLists } from '../stored-forms.ts';

/** Who scores: a model here, or a teacher that ran elsewhere and left a file. */
export type Scorer = TeacherModel | ({ readonly kind: 'file' } & FileScores);

export type TeacherModel =
  | { readonly kind: 'encoder'; readonly model: EncoderModel; readonly hash: string }
  | { readonly kind: 'cross-encoder'; readonly name: string; readonly hash: string };

/** The scores of a file, of every passage of the lists for which it has one. */
async function fileScoresStage(
  name: string,
  lists: Stage,
  { name: file, scores, hash }: FileScores,
): Promise<Stage> {
  return makeStage({
    kind: 'scores',
    label: `scores of ${name} from ${file}`,
    inputs: { lists: lists.key, teacher: 'file', scores: hash },
    needs: [lists],
    work: noWork,
    run: async (workshop) => {
      const { lists: scored, report } = withTeacherScores(await workshop.listsOf(lists), scores);
      if (report.found === 0) {
        throw new InputError(`scores none of the ${report.missing} passages of ${name}`, {
          file,
          remedy: "Give scores for the lists' own query and document ids",
        });
      }
      return { value: { ...report }, blobs: [encodeLists(scored)] };
    },
  });
}

/**
 * Raw scores for every passage of the lists.
 * @param role whether it teaches, or guides the rules
 */
export async function scoresStage(
  { runtime }: Pick<Workshop, 'runtime'>,
  name: string,
  lists: Stage,
  teacher: Scorer,
  expectedPassages: number,
  role: 'teacher' | 'guide' = 'teacher',
): Promise<Stage> {
  if (teacher.kind === 'file') return fileScoresStage(name, lists, teacher);
  return makeStage({
    kind: 'scores',
    label: `${role} scores of ${name}`,
    inputs: { lists: lists.key, [role]: teacher.kind, model: teacher.hash, device: runtime.device },
    needs: [lists],
    work: {
      ...noWork,
      forwardFlops:
        teacher.kind === 'encoder'
          ? encodingFlops(teacher.model, expectedPassages, teacher.model.encoding.passageMaxLength / 2)
          : 0,
    },
    run: async (workshop, task) => {
      const given = await workshop.listsOf(lists);
      const scored = await withTeacher(workshop, teacher, (scorer) =>
        (role === 'teacher' ? scoreLists : guideLists)(given, scorer, {
          onProgress: (done, total) => task.progress(done, total),
        }),
      );
      return { value: null, blobs: [encodeLists(scored)] };
    },
  });
}

async function withTeacher<T>(
  { runtime, shelf }: Workshop,
  teacher: TeacherModel,
  use: (teacher: Teacher) => Promise<T>,
): Promise<T> {
  if (teacher.kind === 'encoder') {
    return withEmbedder(runtime, teacher.model, (embedder) =>
      use(biEncoderTeacher((texts, side) => embedder.embed(texts, side))),
    );
  }
  const model = await shelf.openCrossEncoder(teacher.name, runtime);
  try {
    return await use(crossEncoderTeacher((pairs) => model.score(pairs)));
  } finally {
    await model.close();
  }
}
