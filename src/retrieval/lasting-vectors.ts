import { StoreFencedError, type Clock, type Store, type StoreWriter } from '../host/contract.ts';
import { sha256 } from '../core/sha256.ts';

export interface LastingVectorsOptions {
  readonly store: Store;
  readonly clock: Clock;
  /** All that decides the vectors: the encoder, its settings, the device and the texts. */
  readonly key: string;
  /** Approximate work that a killed process loses. Shorter work stores nothing. */
  readonly seconds: number;
  /** Texts that are embedded together. It decides the last bits of the vectors: what a text is padded with. */
  readonly chunk?: number;
  /** Hears how many texts an earlier process made the vectors of, before any is made here. */
  readonly onFound?: (texts: number) => void;
  /** @param done texts whose vectors are there */
  readonly onProgress?: (done: number) => void;
}

/** Vectors of some texts: [texts, dimensions]. */
export type EmbedChunk = (
  texts: readonly string[],
  onProgress: (done: number) => void,
) => Promise<Float32Array<ArrayBuffer>>;

/**
 * Vectors of many texts, cached in the store as they are computed: a killed process loses at most about `seconds` of
 * work, and the same call in another process resumes, with the same bits. {@link clearVectors} removes them from the
 * store.
 *
 * @param texts in the same order each time; read once, and no more than a chunk of them is held
 * @returns [texts, dimensions], row-major
 */
export async function lastingVectors(
  texts: Iterable<string> | AsyncIterable<string>,
  embed: EmbedChunk,
  { store, clock, key, seconds, chunk = 1024, onFound, onProgress }: LastingVectorsOptions,
): Promise<Float32Array<ArrayBuffer>> {
  const namespace = await namespaceOf(key);
  const parts = await readParts(store, namespace);
  const found = parts.reduce((sum, { count }) => sum + count, 0);
  const kept = new Keeper(store, namespace, parts.length);
  const vectors = parts.map((part) => part.vectors);
  let done = found;
  let unsaved: Float32Array<ArrayBuffer>[] = [];
  let unsavedTexts = 0;
  let savedAt = clock.now();
  onFound?.(found);
  onProgress?.(found);
  for await (const batch of chunksOf(texts, found, chunk)) {
    const from = done;
    const made = await embed(batch, (ready) => onProgress?.(from + ready));
    done += batch.length;
    vectors.push(made);
    unsaved.push(made);
    unsavedTexts += batch.length;
    if (clock.now() - savedAt < 1000 * seconds) continue;
    await kept.keep(joined(unsaved), unsavedTexts);
    [unsaved, unsavedTexts, savedAt] = [[], 0, clock.now()];
  }
  return joined(vectors);
}

/** The texts after the first `skipped`, in chunks of this size. */
async function* chunksOf(
  texts: Iterable<string> | AsyncIterable<string>,
  skipped: number,
  size: number,
): AsyncGenerator<string[], void> {
  let batch: string[] = [];
  let read = 0;
  for await (const text of texts) {
    if (read++ < skipped) continue;
    batch.push(text);
    if (batch.length < size) continue;
    yield batch;
    batch = [];
  }
  if (batch.length > 0) yield batch;
}

/** Takes what {@link lastingVectors} has kept under a key out of the store. */
export async function clearVectors(store: Store, key: string): Promise<void> {
  const namespace = await namespaceOf(key);
  const keys = await store.keys(namespace);
  if (keys.length > 0)
    await (await store.openWriter(namespace)).commit({ delete: keys, forgetEarlier: true });
}

async function namespaceOf(key: string): Promise<string> {
  return `vectors-${(await sha256(key)).slice(0, 32)}`;
}

interface Part {
  readonly count: number;
  readonly vectors: Float32Array<ArrayBuffer>;
}

/** The parts from the first up to the first missing one. */
async function readParts(store: Store, namespace: string): Promise<Part[]> {
  const parts: Part[] = [];
  for (;;) {
    const record = await store.get(namespace, nameOf(parts.length));
    const [blob] = record?.blobs ?? [];
    if (record === undefined || blob === undefined) return parts;
    const bytes = await store.readBlob(blob);
    const { count } = record.value as { readonly count: number };
    parts.push({ count, vectors: new Float32Array(bytes.buffer, bytes.byteOffset, bytes.byteLength / 4) });
  }
}

function nameOf(part: number): string {
  return `part-${part}`;
}

/** Puts parts into the store, until another process does so for the same vectors. */
class Keeper {
  readonly #store: Store;
  readonly #namespace: string;
  #next: number;
  #writer: StoreWriter | undefined;
  #isFenced = false;

  constructor(store: Store, namespace: string, next: number) {
    this.#store = store;
    this.#namespace = namespace;
    this.#next = next;
  }

  async keep(vectors: Float32Array<ArrayBuffer>, count: number): Promise<void> {
    if (this.#isFenced) return;
    this.#writer ??= await this.#store.openWriter(this.#namespace);
    const bytes = new Uint8Array(vectors.buffer, vectors.byteOffset, vectors.byteLength);
    const blob = await this.#store.writeBlob(bytes);
    try {
      await this.#writer.commit({ put: { [nameOf(this.#next)]: { value: { count }, blobs: [blob] } } });
      this.#next++;
    } catch (error) {
      // The process that took over makes the same vectors; this one need not store its own.
      if (!(error instanceof StoreFencedError)) throw error;
      this.#isFenced = true;
    }
  }
}

function joined(parts: readonly Float32Array<ArrayBuffer>[]): Float32Array<ArrayBuffer> {
  const [first] = parts;
  if (first !== undefined && parts.length === 1) return first;
  const all = new Float32Array(parts.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const part of parts) {
    all.set(part, at);
    at += part.length;
  }
  return all;
}
