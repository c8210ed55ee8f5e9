/**
 * Models that another library runs, because the studio's own graphs do not know their architecture (RoBERTa,
 * DeBERTa, ModernBERT …) or because the user wants that. They embed and score; they are not trained here.
 */
import type { Device, FetchProgress } from '../host/contract.ts';
import type { EmbedOptions, Side } from './embedder.ts';
import type { EncodingOverrides } from './types.ts';
import type { EncodingConfig } from './types.ts';

/** Before a model's name: it is to be run by transformers.js. */
const PREFIX = 'transformers.js:';

/** `transformers.js:MODEL` → `MODEL`; undefined for names without the prefix. */
export function libraryModelName(model: string): string | undefined {
  return model.startsWith(PREFIX) ? model.slice(PREFIX.length) : undefined;
}

/** A model that is opened and read, and not loaded yet. */
export interface LibraryModel {
  /** The user's name for it, without the prefix. */
  readonly name: string;
  /** As config.json calls it: `roberta`. */
  readonly architecture: string;
  /** SHA-256 of its files, its way of encoding and the library's version. */
  readonly hash: string;
}

/** What embeds once it is loaded, and is not trained. */
export interface LoadableEncoder {
  /** SHA-256 of all that decides its vectors. */
  readonly hash: string;
  load(settings: LibrarySettings): Promise<LoadedEncoder>;
}

export interface LibraryEncoder extends LibraryModel, LoadableEncoder {
  readonly encoding: EncodingConfig;
}

export interface LibraryCrossEncoder extends LibraryModel {
  readonly maxLength: number;
  load(settings: LibrarySettings): Promise<LoadedCrossEncoder>;
}

export interface LibrarySettings {
  readonly device: Device;
  /** On the CPU; as many as the machine has cores by default. */
  readonly threads?: number;
}

/** As {@link Embedder}. */
export interface LoadedEncoder {
  readonly dimensions: number;
  /** @returns vectors [texts, dimensions], in the order of the texts */
  embed(texts: readonly string[], side: Side, options?: EmbedOptions): Promise<Float32Array<ArrayBuffer>>;
  close(): Promise<void>;
}

/** As {@link CrossEncoder}. */
export interface LoadedCrossEncoder {
  /** @returns raw logits [pairs, labels] */
  score(
    pairs: readonly (readonly [query: string, passage: string])[],
    onProgress?: (done: number, total: number) => void,
  ): Promise<Float32Array<ArrayBuffer>>;
  close(): Promise<void>;
}

/** What a host supplies. */
export interface ModelLibrary {
  /** @throws InputError if the library is not installed, or the model lacks what it needs */
  encoder(
    model: string,
    overrides?: EncodingOverrides,
    onProgress?: (progress: FetchProgress) => void,
  ): Promise<LibraryEncoder>;
  /** @throws InputError if the library is not installed, or the model lacks what it needs */
  crossEncoder(model: string, onProgress?: (progress: FetchProgress) => void): Promise<LibraryCrossEncoder>;
}
