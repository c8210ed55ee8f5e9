import type { ExpectedQueries, Retriever } from '../retriever.ts';
import { defineStage, typicalTokens, type Stage, type Workshop } from '../stage.ts';
import { encodeRanking } from '../stored-forms.ts';

export interface RankingOptions {
  readonly depth: number;
  readonly dropIdentical: boolean;
}

const ranked = defineStage<null>({ kind: 'ranking', version: 1, onDevice: true });

/** What a system finds for the test queries. */
export async function rankingStage(
  { corpus }: Pick<Workshop, 'corpus'>,
  label: string,
  retriever: Retriever,
  { depth, dropIdentical }: RankingOptions,
): Promise<Stage<null>> {
  const { queries, hash } = corpus.test;
  const { inputs, needs, model } = retriever;
  const texts = queries.map(({ text }) => text);
  const expected: ExpectedQueries = {
    count: texts.length,
    queryTokens: (of) => typicalTokens(of, texts, 'query'),
  };
  return ranked({
    label: `search with ${label}`,
    inputs: {
      ...{ passages: corpus.passages.hash, queries: hash, depth, dropIdentical },
      ...inputs,
      ...(model !== undefined && { normalize: model.encoding.normalize }),
    },
    needs,
    work: retriever.work(corpus, expected, depth),
    clear: (workshop) => retriever.clear?.(workshop) ?? Promise.resolve(),
    run: async (workshop, task) => {
      const ranking = await retriever.rank(workshop, queries, { k: depth, dropIdentical }, task);
      return { value: null, blobs: [encodeRanking(ranking)] };
    },
  });
}
