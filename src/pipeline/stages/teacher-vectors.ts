import { clearVectors, lastingVectors } from '../../retrieval/lasting-vectors.ts';
import { writeTextVectors } from '../../retrieval/text-vectors.ts';
import { textsOfLists } from '../../training/teacher-vectors.ts';
import { withTextEmbedder, type TeacherEncoder } from '../pair-scorer.ts';
import type { ExpectedLists } from '../source.ts';
import { defineStage, type ListsStage, type Stage, type Workshop } from '../stage.ts';
import { scoringWork } from './scores.ts';

const vectorsOfTeacher = defineStage<null>({ kind: 'teacher-vectors', version: 1, onDevice: true });

/**
 * A teacher's vectors of every query and passage of the lists, each distinct text once. What a killed run has embedded
 * is not embedded again.
 * @param expected about how many queries and distinct passages there are
 */
export async function teacherVectorsStage(
  { runtime }: Pick<Workshop, 'runtime'>,
  name: string,
  lists: ListsStage,
  teacher: TeacherEncoder,
  expected: ExpectedLists,
): Promise<Stage<null>> {
  const queries = scoringWork(teacher, expected.lists, expected.queryTokens);
  const passages = scoringWork(teacher, expected.passages, expected.passageTokens);
  return vectorsOfTeacher({
    label: `teacher vectors of ${name}`,
    inputs: { lists: lists.key, model: teacher.hash, device: runtime.device },
    needs: [lists],
    work: {
      ...passages,
      forwardFlops: passages.forwardFlops + queries.forwardFlops,
    },
    clear: async ({ store }, { key }) => {
      for (const side of sides) await clearVectors(store, lastingKey(key, side));
    },
    run: async (workshop, task) => {
      const { queries, passages } = textsOfLists(await workshop.listsOf(lists));
      const total = queries.length + passages.length;
      return withTextEmbedder(workshop.runtime, teacher, async (embed, dimension) => {
        const made = async (texts: readonly string[], side: Side, before: number) =>
          lastingVectors(
            texts,
            (chunk, onProgress) => embed(chunk, side, { onProgress: (done) => onProgress(done) }),
            {
              ...{ store: workshop.store, clock: workshop.clock, seconds: workshop.checkpointSeconds },
              key: lastingKey(task.stage.key, side),
              onFound: (found) => {
                if (side === 'passage') task.found(found, 'passages');
              },
              onProgress: (done) => task.progress(before + done, total),
            },
          );
        const content = {
          queries: { texts: queries, vectors: await made(queries, 'query', 0) },
          passages: { texts: passages, vectors: await made(passages, 'passage', queries.length) },
          ...{ dimension, model: teacher.hash },
        };
        return { value: null, blobs: [await writeTextVectors(content)] };
      });
    },
  });
}

const sides = ['query', 'passage'] as const;
type Side = (typeof sides)[number];

function lastingKey(stage: string, side: Side): string {
  return `${stage} ${side}`;
}
