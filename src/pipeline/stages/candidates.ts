import type { QuerySet } from '../query-set.ts';
import type { Retriever } from '../retriever.ts';
import { defineStage, type Stage, type Workshop } from '../stage.ts';
import { encodeRanking } from '../stored-forms.ts';

const candidates = defineStage<null>({ kind: 'candidates', version: 1, onDevice: true });

/** What a retriever finds for the queries that are mined for. */
export async function candidatesStage(
  { corpus }: Pick<Workshop, 'corpus'>,
  name: string,
  retriever: Retriever,
  mined: QuerySet,
  { k, dropIdentical }: { readonly k: number; readonly dropIdentical: boolean },
): Promise<Stage<null>> {
  return candidates({
    label: `candidates by ${name}`,
    inputs: {
      ...{ passages: corpus.passages.hash, queries: mined.input, k },
      ...retriever.inputs,
      ...(dropIdentical && { dropIdentical }),
    },
    needs: [...mined.needs, ...retriever.needs],
    work: retriever.work(corpus, mined, k),
    run: async (workshop, task) => {
      const { queries } = await mined.open(workshop);
      const ranking = await retriever.rank(workshop, queries, { k, dropIdentical }, task);
      return { value: null, blobs: [encodeRanking(ranking)] };
    },
  });
}
