import { CrossEncoder } from '../encoders/cross-encoder.ts';
import { emptyTextsWarning, type Embedder } from '../encoders/embedder.ts';
import { alternatives, encoderFamilies } from '../encoders/families/index.ts';
import { foreignArchitecture } from '../encoders/model-kind.ts';
import {
  libraryModelName,
  type LibraryCrossEncoder,
  type LibraryEncoder,
  type ModelLibrary,
} from '../encoders/model-library.ts';
import { openEmbedder } from '../encoders/open-embedder.ts';
import { readCrossEncoder, readEncoder } from '../encoders/read-encoder.ts';
import type { EncodingOverrides } from '../encoders/types.ts';
import type { EncoderModel, Weights } from '../encoders/types.ts';
import { canonicalJson } from '../core/canonical-json.ts';
import type { ModelFiles, ModelFolder, Runtime } from '../host/contract.ts';
import { InputError } from '../core/errors.ts';
import { sha256 } from '../core/sha256.ts';

/** A model and what names it by content. */
export interface ShelvedEncoder {
  readonly model: EncoderModel;
  /** SHA-256 of its weights, tokenizer, sizes and way of encoding: the same wherever the folder lies. */
  readonly hash: string;
  /** Whose speed tells of its own, where only its sizes are known. */
  readonly measuredBy?: ShelvedEncoder | undefined;
}

/** A cross-encoder that is read when it is opened. */
export interface ShelvedCrossEncoder {
  readonly name: string;
  readonly hash: string;
}

/** Reads each model once. */
export class EncoderShelf {
  readonly #files: ModelFiles;
  readonly #library: ModelLibrary | undefined;
  readonly #folders = new Map<string, Promise<ModelFolder>>();
  readonly #encoders = new Map<string, Promise<ShelvedEncoder>>();
  /** Each with its own encoding settings. */
  readonly #read = new Map<string, Promise<ReadEncoder>>();

  /** @param library runs the models that the studio has no graphs for */
  constructor(files: ModelFiles, library?: ModelLibrary) {
    this.#files = files;
    this.#library = library;
  }

  /** @throws InputError if the model cannot be opened or read */
  encoder(name: string, overrides: EncodingOverrides): Promise<ShelvedEncoder> {
    const key = JSON.stringify([name, Object.entries(overrides).sort()]);
    let encoder = this.#encoders.get(key);
    if (encoder === undefined) {
      encoder = this.#shelve(name, overrides);
      this.#encoders.set(key, encoder);
    }
    return encoder;
  }

  /** An encoder that embeds and is not trained: the studio's, or the library's where it is asked for or needed. */
  async anyEncoder(name: string, overrides: EncodingOverrides): Promise<ShelvedEncoder | LibraryEncoder> {
    const foreign = await this.#libraryName(name);
    return foreign === undefined
      ? this.encoder(name, overrides)
      : this.#openLibrary().encoder(foreign, overrides);
  }

  /** A cross-encoder: the studio's, or the library's where it is asked for or needed. */
  async anyCrossEncoder(name: string): Promise<ShelvedCrossEncoder | LibraryCrossEncoder> {
    const foreign = await this.#libraryName(name);
    return foreign === undefined
      ? { name, hash: await this.#crossEncoderHash(name) }
      : this.#openLibrary().crossEncoder(foreign);
  }

  async openCrossEncoder(name: string, runtime: Runtime): Promise<CrossEncoder> {
    return CrossEncoder.create(runtime, await readCrossEncoder(await this.#folder(name)));
  }

  /** The model's name for the library, where it is the library's to run. */
  async #libraryName(name: string): Promise<string | undefined> {
    const asked = libraryModelName(name);
    if (asked !== undefined || this.#library === undefined) return asked;
    return (await foreignArchitecture(await this.#folder(name))) === undefined ? undefined : name;
  }

  #openLibrary(): ModelLibrary {
    if (this.#library !== undefined) return this.#library;
    throw new InputError('transformers.js is not available here', {
      remedy: `Use the command line or the browser studio to run the recipe, or use a model of ${alternatives(encoderFamilies.map(({ title }) => title))}`,
    });
  }

  /** SHA-256 of a cross-encoder's files. */
  async #crossEncoderHash(name: string): Promise<string> {
    const folder = await this.#folder(name);
    const model = await readCrossEncoder(folder);
    const { shape, labels, maxLength } = model;
    const parts = [canonicalJson({ shape: { ...shape }, labels, maxLength })];
    parts.push(...(await hashWeights(model.weights)));
    for (const file of ['tokenizer.json', 'vocab.txt']) {
      if (await folder.has(file)) parts.push(await sha256(await folder.read(file)));
    }
    return sha256(parts.join(' '));
  }

  async #shelve(name: string, overrides: EncodingOverrides): Promise<ShelvedEncoder> {
    if (libraryModelName(name) !== undefined) {
      throw new InputError('models run by transformers.js cannot be trained or compared', {
        file: name,
        remedy: 'Use another encoder here; this one can be a teacher, a guide or a retriever for mining',
      });
    }
    const known = await this.#readOnce(name);
    const encoding = withLengths(known.model, overrides);
    const model =
      encoding === undefined
        ? await readEncoder(await this.#folder(name), overrides)
        : { ...known.model, encoding };
    return { model, hash: await hashEncoder(model, known.content) };
  }

  #readOnce(name: string): Promise<ReadEncoder> {
    let read = this.#read.get(name);
    if (read === undefined) {
      read = this.#readContent(name);
      this.#read.set(name, read);
    }
    return read;
  }

  async #readContent(name: string): Promise<ReadEncoder> {
    const model = await readEncoder(await this.#folder(name));
    return { model, content: await contentHashes(model) };
  }

  #folder(name: string): Promise<ModelFolder> {
    let folder = this.#folders.get(name);
    if (folder === undefined) {
      folder = this.#files.open(name);
      this.#folders.set(name, folder);
    }
    return folder;
  }
}

interface ReadEncoder {
  readonly model: EncoderModel;
  readonly content: readonly string[];
}

/** The encoding with other lengths; undefined where more than the lengths differ, or they do not fit. */
function withLengths(
  { shape, encoding }: EncoderModel,
  { queryMaxLength, passageMaxLength, ...others }: EncodingOverrides,
): EncoderModel['encoding'] | undefined {
  if (Object.values(others).some((value) => value !== undefined)) return undefined;
  const lengths = {
    queryMaxLength: queryMaxLength ?? encoding.queryMaxLength,
    passageMaxLength: passageMaxLength ?? encoding.passageMaxLength,
  };
  const fits = (length: number): boolean =>
    Number.isInteger(length) && length >= leastLength && length <= shape.maxPositions;
  return Object.values(lengths).every(fits) ? { ...encoding, ...lengths } : undefined;
}

/** [CLS], one token, [SEP]. */
const leastLength = 3;

/** SHA-256 of an encoder's weights, tokenizer, sizes and way of encoding. @param content its {@link contentHashes} */
export async function hashEncoder(model: EncoderModel, content?: readonly string[]): Promise<string> {
  const { shape, encoding } = model;
  const stated = canonicalJson({ shape: { ...shape }, encoding: { ...encoding } });
  return sha256([stated, ...(content ?? (await contentHashes(model)))].join(' '));
}

/** Of an encoder's weights and files. */
async function contentHashes({ weights, baggage }: EncoderModel): Promise<readonly string[]> {
  const parts = await hashWeights(weights);
  for (const [file, bytes] of baggage.files) parts.push(file, await sha256(bytes));
  return parts;
}

async function hashWeights(weights: Weights): Promise<string[]> {
  const parts: string[] = [];
  for (const [name, { dims, data }] of weights) parts.push(name, dims.join(), await sha256(data));
  return parts;
}

/**
 * Runs a task with an encoder on the device, and gives the device's memory back.
 * @param warn hears of texts that have no vectors
 */
export async function withEmbedder<T>(
  runtime: Runtime,
  model: EncoderModel,
  task: (embedder: Embedder) => Promise<T>,
  warn?: (warning: string) => void,
): Promise<T> {
  const embedder = await openEmbedder(runtime, model);
  try {
    return await task(embedder);
  } finally {
    const warning = emptyTextsWarning(embedder.emptyTexts);
    if (warning !== undefined) warn?.(`${model.name}: ${warning}`);
    await embedder.close();
  }
}
