import type { Query } from '../../corpus/types.ts';
import type { LibraryEncoder } from '../../encoders/model-library.ts';
import { withEmbedder, type ShelvedEncoder } from '../encoder-shelf.ts';
import type { MinedQueries } from '../mined-queries.ts';
import type { Bm25Settings } from '../../retrieval/bm25.ts';
import {
  encodingFlops,
  makeStage,
  noWork,
  typicalTokens,
  type Stage,
  type Task,
  type Workshop,
} from '../stage.ts';
import { encodeRanking } from '../stored-forms.ts';
import type { Ranking } from '../../retrieval/ranking.ts';
import { rankWithBm25, rankWithVectors } from '../../retrieval/retrieve.ts';

/** What a retriever finds for the queries that are mined for. */
export async function candidatesStage(
  { corpus, runtime }: Pick<Workshop, 'corpus' | 'runtime'>,
  retriever: { readonly name: string } & (
    ({ readonly kind: 'bm25' } & Bm25Settings) | { readonly kind: 'dense' }
  ),
  encoder: ShelvedEncoder | LibraryEncoder | undefined,
  mined: MinedQueries,
  k: number,
): Promise<Stage<null>> {
  const passages = corpus.passages.map(({ text }) => text);
  const common = { passages: corpus.passagesHash, queries: mined.input, k };
  if (encoder === undefined) {
    if (retriever.kind !== 'bm25') throw new Error('a dense retriever needs an encoder');
    const { k1, b, analyzer } = retriever;
    return makeStage({
      kind: 'candidates',
      version: 1,
      onDevice: true,
      label: `candidates by ${retriever.name}`,
      inputs: { ...common, bm25: { k1, b, analyzer } },
      needs: mined.needs,
      work: { ...noWork, seconds: passages.length * 4e-5 + mined.count * 4e-4 },
      run: async (workshop, task) => {
        const { queries } = await mined.open(workshop);
        const index = await workshop.bm25({ k1, b, analyzer });
        const ranking = rankWithBm25(index, queries, {
          k,
          onProgress: (done, total) => task.progress(done, total),
        });
        return { value: null, blobs: [encodeRanking(ranking)] };
      },
    });
  }
  if ('load' in encoder) {
    return makeStage({
      kind: 'candidates',
      version: 1,
      onDevice: true,
      label: `candidates by ${retriever.name}`,
      inputs: { ...common, encoder: encoder.hash, device: runtime.device },
      needs: mined.needs,
      work: noWork,
      run: async (workshop, task) => {
        const { queries } = await mined.open(workshop);
        const ranking = await rankWithLibrary(workshop, encoder, queries, k, task);
        return { value: null, blobs: [encodeRanking(ranking)] };
      },
    });
  }
  const { model, hash } = encoder;
  return makeStage({
    kind: 'candidates',
    version: 1,
    onDevice: true,
    label: `candidates by ${retriever.name}`,
    inputs: { ...common, encoder: hash, device: runtime.device },
    needs: mined.needs,
    work: {
      ...noWork,
      forwardFlops:
        encodingFlops(model, passages.length, typicalTokens(model, passages, 'passage')) +
        encodingFlops(model, mined.count, mined.queryTokens(model)),
    },
    run: async (workshop, task) => {
      const { queries } = await mined.open(workshop);
      const index = await workshop.vectors(encoder, task);
      const ranking = await withEmbedder(workshop.runtime, model, (embedder) =>
        rankWithVectors(index, queries, (texts, side) => embedder.embed(texts, side), { k }),
      );
      return { value: null, blobs: [encodeRanking(ranking)] };
    },
  });
}

async function rankWithLibrary(
  workshop: Workshop,
  encoder: LibraryEncoder,
  queries: readonly Query[],
  k: number,
  task: Task,
): Promise<Ranking> {
  const loaded = await encoder.load(workshop.runtime);
  try {
    const vectors = await workshop.embedCorpus(
      encoder.hash,
      (texts, onProgress) => loaded.embed(texts, 'passage', { onProgress }),
      task,
    );
    const index = workshop.indexOf(vectors, loaded.dimensions);
    return await rankWithVectors(index, queries, (texts, side) => loaded.embed(texts, side), { k });
  } finally {
    await loaded.close();
  }
}
