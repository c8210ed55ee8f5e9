/** What searches a corpus for queries: BM25, an encoder, or one that is trained here. */
import type { Query } from '../corpus/types.ts';
import type { LoadableEncoder } from '../encoders/model-library.ts';
import type { EncoderModel } from '../encoders/types.ts';
import type { Json } from '../core/json.ts';
import { RandomStream } from '../core/random.ts';
import type { Runtime } from '../host/contract.ts';
import type { Bm25Settings } from '../retrieval/bm25.ts';
import type { Ranking } from '../retrieval/ranking.ts';
import { rankWithBm25, rankWithVectors, type RankOptions } from '../retrieval/retrieve.ts';
import { withEmbedder, type ShelvedEncoder } from './encoder-shelf.ts';
import { withTextEmbedder } from './pair-scorer.ts';
import {
  encodingFlops,
  noWork,
  typicalTokens,
  type Stage,
  type Task,
  type Work,
  type Workshop,
} from './stage.ts';

export interface ExpectedQueries {
  /** About how many. */
  readonly count: number;
  /** Of a typical one. */
  queryTokens(model: EncoderModel): number;
}

type Options = Omit<RankOptions, 'onProgress'>;

export interface Retriever {
  /** What names it in the keys of stages. */
  readonly inputs: Readonly<Record<string, Json>>;
  readonly needs: readonly Stage[];
  /** What searches, where the studio runs it. */
  readonly model?: EncoderModel;
  work(corpus: Workshop['corpus'], queries: ExpectedQueries, depth: number): Work;
  rank(workshop: Workshop, queries: readonly Query[], options: Options, task: Task): Promise<Ranking>;
  /** Frees what it kept on its way, once the ranking is stored. */
  clear?(workshop: Workshop): Promise<void>;
}

export function bm25Retriever({ k1, b, analyzer }: Bm25Settings): Retriever {
  return {
    inputs: { bm25: { k1, b, analyzer } },
    needs: [],
    work: ({ passages }, { count }) => ({ ...noWork, seconds: passages.size * 4e-5 + count * 4e-4 }),
    rank: async (workshop, queries, options, task) => {
      const index = await workshop.bm25({ k1, b, analyzer }, task);
      const onProgress = (done: number, total: number): void => task.progress(done, total);
      return rankWithBm25(index, queries, { ...options, onProgress });
    },
  };
}

/** Any passages, in random order: what a negative is that nobody looked for. */
export function randomRetriever(seed: number): Retriever {
  return {
    inputs: { random: seed },
    needs: [],
    work: (_corpus, { count }) => ({ ...noWork, seconds: count * 1e-4 }),
    rank: async ({ corpus: { passages } }, queries, { k, dropIdentical = false }) => {
      const ids: string[] = [];
      for await (const { id } of passages.read()) ids.push(id);
      return new Map(
        queries.map(({ id: query }) => [
          query,
          drawn(ids, k + 1, new RandomStream(seed, 'random passages', query))
            .filter((id) => !dropIdentical || id !== query)
            .slice(0, k)
            .map((id, i) => ({ id, rank: i + 1, score: 1 / (i + 1) })),
        ]),
      );
    },
  };
}

/** So many different ones, or all. */
function drawn(ids: readonly string[], count: number, random: RandomStream): readonly string[] {
  if (count * 2 >= ids.length) return random.shuffle([...ids]).slice(0, count);
  const places = new Set<number>();
  while (places.size < count) places.add(random.integer(ids.length));
  return [...places].map((place) => ids[place] ?? '');
}

/** An encoder that is not trained here, whoever runs it. */
export function retrieverOf(
  encoder: ShelvedEncoder | LoadableEncoder,
  { device }: Pick<Runtime, 'device'>,
): Retriever {
  return 'load' in encoder ? loadedRetriever(encoder, device) : encoderRetriever(encoder, device);
}

function encoderRetriever(encoder: ShelvedEncoder, device: string): Retriever {
  const { model, hash } = encoder;
  return {
    inputs: { encoder: hash, device },
    needs: [],
    model,
    work: (...search) => searchWork(model, ...search),
    rank: async (workshop, queries, options, task) => {
      const index = await workshop.vectors(encoder, task);
      return withEmbedder(
        workshop.runtime,
        model,
        (embedder) => rankWithVectors(index, queries, (texts, side) => embedder.embed(texts, side), options),
        (warning) => task.warn(warning),
      );
    },
  };
}

/** A model that transformers.js runs, whose cost nobody can tell before; or stored vectors. */
function loadedRetriever(encoder: LoadableEncoder, device: string): Retriever {
  return {
    inputs: { encoder: encoder.hash, device },
    needs: [],
    work: () => noWork,
    rank: async (workshop, queries, options, task) => {
      return withTextEmbedder(workshop.runtime, encoder, async (embed, dimensions) => {
        const vectors = await workshop.embedCorpus(
          encoder.hash,
          (texts, onProgress) => embed(texts, 'passage', { onProgress }),
          task,
        );
        const index = await workshop.indexOf(vectors, dimensions);
        return rankWithVectors(index, queries, (texts, side) => embed(texts, side), options);
      });
    },
  };
}

/** The base encoder with the weights of a training. */
export function trainedRetriever(
  model: EncoderModel,
  training: Stage,
  { device }: Pick<Runtime, 'device'>,
): Retriever {
  return {
    inputs: { training: training.key, device },
    needs: [training],
    model,
    clear: (workshop) => workshop.clearTrainedVectors(training),
    work: (...search) => searchWork(model, ...search),
    rank: async (workshop, queries, options, task) => {
      const trained = { ...model, weights: await workshop.weightsOf(training) };
      return withEmbedder(
        workshop.runtime,
        trained,
        async (embedder) =>
          rankWithVectors(
            await workshop.trainedVectors(training, embedder, task),
            queries,
            (texts, side) => embedder.embed(texts, side),
            options,
          ),
        (warning) => task.warn(warning),
      );
    },
  };
}

function searchWork(
  model: EncoderModel,
  { passages }: Workshop['corpus'],
  queries: ExpectedQueries,
  depth: number,
): Work {
  return {
    ...noWork,
    forwardFlops:
      encodingFlops(model, passages.size, typicalTokens(model, passages.sample, 'passage')) +
      encodingFlops(model, queries.count, queries.queryTokens(model)),
    disk: {
      // A number and a score for each passage that is found.
      keptBytes: 8 * queries.count * Math.min(depth, passages.size),
      workingBytes: 4 * passages.size * model.shape.hiddenSize,
    },
  };
}
