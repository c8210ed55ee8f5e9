import type { LibraryCrossEncoder, LibraryEncoder } from '../encoders/model-library.ts';
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

/** A model that scores pairs: the cosine of an encoder, or the logit of a cross-encoder. */
export type TeacherModel =
  | ({ readonly kind: 'encoder' } & (ShelvedEncoder | LibraryEncoder))
  | ({ readonly kind: 'cross-encoder' } & (ShelvedCrossEncoder | LibraryCrossEncoder));

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
    if ('model' in model) {
      return withEmbedder(runtime, model.model, (embedder) =>
        use(biEncoderPairs((texts, side) => embedder.embed(texts, side))),
      );
    }
    const encoder = await model.load(runtime);
    return use(biEncoderPairs((texts, side) => encoder.embed(texts, side))).finally(() => encoder.close());
  }
  const scorer =
    'load' in model ? await model.load(runtime) : await shelf.openCrossEncoder(model.name, runtime);
  return use((pairs) => scorer.score(pairs)).finally(() => scorer.close());
}
