import type { QuerySet } from '../query-set.ts';
import type { Retriever } from '../retriever.ts';
import { defineStage, type Stage, type Workshop } from '../stage.ts';
import { encodeRanking } from '../stored-forms.ts';

export interface RankingOptions {
  readonly depth: number;
  readonly dropIdentical: boolean;
}

const ranked = defineStage<null>({ kind: 'ranking', version: 1, onDevice: true });

/** What a system finds for the test queries. */
export async function rankingStage(
  { corpus, test }: Pick<Workshop, 'corpus'> & { readonly test: QuerySet },
  label: string,
  retriever: Retriever,
  { depth, dropIdentical }: RankingOptions,
): Promise<Stage<null>> {
  const { inputs, needs, model } = retriever;
  return ranked({
    label: `search with ${label}`,
    inputs: {
      ...{ passages: corpus.passages.hash, queries: test.input, depth, dropIdentical },
      ...inputs,
      ...(model !== undefined && { normalize: model.encoding.normalize }),
    },
    needs: [...test.needs, ...needs],
    work: retriever.work(corpus, test, depth),
    clear: (workshop) => retriever.clear?.(workshop) ?? Promise.resolve(),
    run: async (workshop, task) => {
      const { queries } = await test.open(workshop);
      const ranking = await retriever.rank(workshop, queries, { k: depth, dropIdentical }, task);
      return { value: null, blobs: [encodeRanking(ranking)] };
    },
  });
}
