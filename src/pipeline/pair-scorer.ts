import type { LibraryCrossEncoder, LoadableEncoder, LoadedEncoder } from '../encoders/model-library.ts';
import type { Runtime, Store } from '../host/contract.ts';
import { biEncoderPairs } from '../lists/bi-encoder-teacher.ts';
import { crossEncoderTeacher, type ScorePairs } from '../lists/cross-encoder-teacher.ts';
import { cachedScores, scoreCacheModel, type ScoreCacheOptions } from '../lists/score-cache.ts';
import type { Teacher } from '../lists/teacher.ts';
import {
  withEmbedder,
  type EncoderShelf,
  type ShelvedCrossEncoder,
  type ShelvedEncoder,
} from './encoder-shelf.ts';

/** An encoder that scores pairs by the cosine of their vectors: a model, or the vectors that one has left in a file. */
export type TeacherEncoder = { readonly kind: 'encoder' } & (ShelvedEncoder | LoadableEncoder);
/** A model that scores pairs: the cosine of an encoder, or the logit of a cross-encoder. */
export type TeacherModel =
  TeacherEncoder | ({ readonly kind: 'cross-encoder' } & (ShelvedCrossEncoder | LibraryCrossEncoder));

type ScorerParts = { readonly runtime: Runtime; readonly shelf: EncoderShelf };

/** Runs a task with a teacher that is loaded for it, and whose scores last in the store. */
export async function withLastingTeacher<T>(
  { runtime, shelf, store }: ScorerParts & { readonly store: Store },
  model: TeacherModel,
  use: (teacher: Teacher) => Promise<T>,
  options: Omit<ScoreCacheOptions, 'model'> = {},
): Promise<T> {
  const name = await scoreCacheModel(model.hash, runtime.device);
  return withScorer({ runtime, shelf }, model, async (scorePairs) =>
    use(crossEncoderTeacher(await cachedScores(scorePairs, store, { ...options, model: name }))),
  );
}

async function withScorer<T>(
  { runtime, shelf }: ScorerParts,
  model: TeacherModel,
  use: (scorePairs: ScorePairs) => Promise<T>,
): Promise<T> {
  if (model.kind === 'encoder') {
    return withTextEmbedder(runtime, model, (embed) =>
      use(biEncoderPairs((texts, side) => embed(texts, side))),
    );
  }
  const scorer =
    'load' in model ? await model.load(runtime) : await shelf.openCrossEncoder(model.name, runtime);
  return use((pairs) => scorer.score(pairs)).finally(() => scorer.close());
}

/** Runs a task with an encoder that is loaded for it, whoever runs it. */
export async function withTextEmbedder<T>(
  runtime: Runtime,
  encoder: ShelvedEncoder | LoadableEncoder,
  use: (embed: LoadedEncoder['embed'], dimensions: number) => Promise<T>,
): Promise<T> {
  if ('model' in encoder) {
    return withEmbedder(runtime, encoder.model, (embedder) =>
      use((...given) => embedder.embed(...given), embedder.dimensions),
    );
  }
  const loaded = await encoder.load(runtime);
  try {
    return await use((...given) => loaded.embed(...given), loaded.dimensions);
  } finally {
    await loaded.close();
  }
}
