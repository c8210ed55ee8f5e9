import type { EncoderModel } from '../../encoders/types.ts';
import { withEmbedder, type ShelvedEncoder } from '../encoder-shelf.ts';
import { encodingFlops, makeStage, noWork, typicalTokens, type Stage, type Workshop } from '../stage.ts';
import { encodeRanking } from '../stored-forms.ts';
import { rankWithBm25, rankWithVectors } from '../../retrieval/retrieve.ts';
import type { Bm25Settings } from '../../retrieval/bm25.ts';

/** What searches the test queries. */
export type Searcher =
  | { readonly kind: 'bm25'; readonly settings: Bm25Settings }
  | { readonly kind: 'encoder'; readonly encoder: ShelvedEncoder }
  /** The base encoder with the weights of a training. */
  | { readonly kind: 'trained'; readonly model: EncoderModel; readonly training: Stage };

export interface RankingOptions {
  readonly depth: number;
  readonly dropIdentical: boolean;
}

/** What a system finds for the test queries. */
export async function rankingStage(
  { corpus, runtime }: Pick<Workshop, 'corpus' | 'runtime'>,
  label: string,
  searcher: Searcher,
  { depth, dropIdentical }: RankingOptions,
): Promise<Stage<null>> {
  const options = { k: depth, dropIdentical };
  const { queries, hash } = corpus.test;
  const common = { passages: corpus.passagesHash, queries: hash, depth, dropIdentical };
  switch (searcher.kind) {
    case 'bm25':
      return makeStage({
        kind: 'ranking',
        version: 1,
        onDevice: true,
        label: `search with ${label}`,
        inputs: { ...common, bm25: { ...searcher.settings } },
        needs: [],
        work: { ...noWork, seconds: corpus.passages.length * 4e-5 + queries.length * 4e-4 },
        run: async (workshop, task) => {
          const index = await workshop.bm25(searcher.settings);
          const ranking = rankWithBm25(index, queries, {
            ...options,
            onProgress: (done, total) => task.progress(done, total),
          });
          return { value: null, blobs: [encodeRanking(ranking)] };
        },
      });
    case 'encoder': {
      const { encoder } = searcher;
      return makeStage({
        kind: 'ranking',
        version: 1,
        onDevice: true,
        label: `search with ${label}`,
        inputs: {
          ...common,
          encoder: encoder.hash,
          normalize: encoder.model.encoding.normalize,
          device: runtime.device,
        },
        needs: [],
        work: searchWork(corpus, encoder.model, depth),
        run: async (workshop, task) => {
          const index = await workshop.vectors(encoder, task);
          const ranking = await withEmbedder(workshop.runtime, encoder.model, (embedder) =>
            rankWithVectors(index, queries, (texts, side) => embedder.embed(texts, side), options),
          );
          return { value: null, blobs: [encodeRanking(ranking)] };
        },
      });
    }
    case 'trained': {
      const { model, training } = searcher;
      return makeStage({
        kind: 'ranking',
        version: 1,
        onDevice: true,
        label: `search with ${label}`,
        inputs: {
          ...common,
          training: training.key,
          normalize: model.encoding.normalize,
          device: runtime.device,
        },
        needs: [training],
        clear: (workshop) => workshop.clearTrainedVectors(training),
        work: searchWork(corpus, model, depth),
        run: async (workshop, task) => {
          const trained = { ...model, weights: await workshop.weightsOf(training) };
          const ranking = await withEmbedder(workshop.runtime, trained, async (embedder) =>
            rankWithVectors(
              await workshop.trainedVectors(training, embedder, task),
              queries,
              (texts, side) => embedder.embed(texts, side),
              options,
            ),
          );
          return { value: null, blobs: [encodeRanking(ranking)] };
        },
      });
    }
  }
}

function searchWork(
  { passages, test }: Workshop['corpus'],
  model: EncoderModel,
  depth: number,
): Stage['work'] {
  const texts = passages.map(({ text }) => text);
  const queries = test.queries.map(({ text }) => text);
  return {
    ...noWork,
    forwardFlops:
      encodingFlops(model, texts.length, typicalTokens(model, texts, 'passage')) +
      encodingFlops(model, queries.length, typicalTokens(model, queries, 'query')),
    disk: {
      // A number and a score for each passage that is found.
      keptBytes: 8 * queries.length * Math.min(depth, texts.length),
      workingBytes: 4 * texts.length * model.shape.hiddenSize,
    },
  };
}
