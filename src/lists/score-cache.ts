import type { Store } from '../host/contract.ts';
import { sha256 } from '../core/sha256.ts';
import type { ScorePairs } from './cross-encoder-teacher.ts';

export interface ScoreCacheOptions {
  /** SHA-256 of all that decides the model's scores: weights, tokenizer, lengths. */
  readonly model: string;
  /** Pairs that are scored and stored together: what a killed process loses at most. */
  readonly batch?: number;
  readonly signal?: AbortSignal;
  /** Hears after each call how many pairs the store had, and how many were scored, since the opening. */
  readonly onCounted?: (counts: { readonly found: number; readonly scored: number }) => void;
}

/** The user has asked for an end. Every score of a finished batch is stored. */
export class ScoringStoppedError extends Error {
  override readonly name = 'ScoringStoppedError';

  constructor() {
    super('the scoring was interrupted; re-run it to resume');
  }
}

/**
 * A teacher whose scores last: what was scored before, by this process or an earlier one, is not scored again.
 * A pair is known by the texts of its query and passage. Each batch is one durable commit, so a process that is
 * killed loses the batch that it was at and no other.
 *
 * What a pair is scored beside can change the last bits of its score, so one that was scored for other lists may
 * differ in them from one that is scored anew.
 *
 * For models with one score for each pair. What it returns throws ScoringStoppedError where the signal asks for an
 * end, and StoreFencedError where another process has begun to score with the same model in the same store.
 */
export async function cachedScores(
  scorePairs: ScorePairs,
  store: Store,
  { model, batch = 256, signal, onCounted }: ScoreCacheOptions,
): Promise<ScorePairs> {
  const namespace = `scores-${model.slice(0, 32)}`;
  const writer = await store.openWriter(namespace);
  const known = new Map<string, number>();
  const keys = await store.keys(namespace);
  for (const key of keys) {
    const value = (await store.get(namespace, key))?.value as StoredScores | undefined;
    value?.pairs.forEach((pair, i) => known.set(pair, value.scores[i] as number));
  }
  let batches = keys.length;
  let [found, scored] = [0, 0];
  return async (pairs) => {
    const names = await Promise.all(pairs.map((pair) => nameOf(pair)));
    const missing = new Map<string, (typeof pairs)[number]>();
    pairs.forEach((pair, i) => {
      const name = names[i] as string;
      if (!known.has(name)) missing.set(name, pair);
    });
    const waiting = [...missing];
    found += new Set(names).size - waiting.length;
    for (let from = 0; from < waiting.length; from += batch) {
      if (signal?.aborted === true) throw new ScoringStoppedError();
      const part = waiting.slice(from, from + batch);
      const scores = await scorePairs(part.map(([, pair]) => pair));
      // Several scores for a pair are nothing to keep: whoever reads them refuses such a model.
      if (scores.length !== part.length) return scorePairs(pairs);
      const value: StoredScores = { pairs: part.map(([name]) => name), scores: Array.from(scores) };
      await writer.commit({ put: { [`batch-${batches++}`]: { value, blobs: [] } } });
      part.forEach(([name], i) => known.set(name, scores[i] as number));
      scored += part.length;
    }
    onCounted?.({ found, scored });
    return Float64Array.from(names, (name) => known.get(name) as number);
  };
}

/** What {@link ScoreCacheOptions.model} is for a model on a device: another device gives other last bits. */
export function scoreCacheModel(hash: string, device: string): Promise<string> {
  return sha256(`${hash} on ${device}`);
}

/** A type alias, so that it is assignable to Json. */
type StoredScores = Readonly<{ pairs: readonly string[]; scores: readonly number[] }>;

/** 128 bits of a hash: among 10^12 pairs a clash has a chance of 1 in 10^14. */
async function nameOf([query, passage]: readonly [string, string]): Promise<string> {
  return (await sha256(JSON.stringify([query, passage]))).slice(0, 32);
}
