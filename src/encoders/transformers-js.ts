/**
 * transformers.js as a {@link ModelLibrary}, on any host. Files come through the studio's own folders, cache and hub
 * settings; the library itself asks no network.
 */
import type * as Library from '@huggingface/transformers';
import { canonicalJson } from '../core/canonical-json.ts';
import type { FetchProgress, ModelFolder } from '../host/contract.ts';
import { InputError, messageOf } from '../core/errors.ts';
import { sha256 } from '../core/sha256.ts';
import { printable } from '../core/shown.ts';
import type { EmbedOptions, Side } from './embedder.ts';
import { encodingBatches } from './encoding-batches.ts';
import { ownField, parseJsonObject, type JsonObject } from '../formats/json-file.ts';
import { LIBRARY_FILES } from '../host/model-file-names.ts';
import {
  type LibraryCrossEncoder,
  type LibraryEncoder,
  type LibraryModel,
  type LibrarySettings,
  type LoadedCrossEncoder,
  type LoadedEncoder,
  type ModelLibrary,
} from './model-library.ts';
import { crossEncoderSettings } from './read-encoder.ts';
import { readEncodingSettings } from './sentence-transformers.ts';
import { TokenTemplate, type TokenRow } from './token-template.ts';
import { checkWordLength } from './tokenizer.ts';
import type { EncodingConfig, EncodingOverrides } from './types.ts';

/** Files that the library requires; a model may have more ({@link LIBRARY_FILES}). */
const NEEDED_FILES = ['config.json', 'tokenizer.json', 'tokenizer_config.json', 'onnx/model.onnx'] as const;

/** RoBERTa and related models count positions from the one after padding's. */
const POSITIONS_FROM_TWO = new Set(['roberta', 'xlm-roberta', 'camembert', 'mpnet', 'longformer']);

export type TransformersJs = typeof Library;

/** A model folder that the library finds too. */
export interface RootedFolder extends ModelFolder {
  /** Where the library looks for the files that were read. */
  readonly root: string;
}

/** Where and with what the library's sessions run, as `from_pretrained` takes it. */
export type SessionPlace = Pick<
  NonNullable<Parameters<typeof Library.AutoModel.from_pretrained>[1]>,
  'device' | 'session_options' | 'use_external_data_format'
>;

/** Host-specific parts. */
export interface TransformersJsHost {
  /** @throws InputError if the library is not there */
  load(): Promise<TransformersJs>;
  open(model: string, onProgress?: (progress: FetchProgress) => void): Promise<RootedFolder>;
  place(folder: RootedFolder, settings: LibrarySettings): Promise<SessionPlace>;
  /** Awaited before each batch. */
  readonly turn?: (() => Promise<void>) | undefined;
}

/** Models that transformers.js runs, from a folder or a hub, in 32-bit floating point. */
export function transformersJs(host: TransformersJsHost): ModelLibrary {
  return {
    encoder: async (model, overrides, onProgress) =>
      openEncoder(await openForLibrary(host, model, onProgress), overrides),
    crossEncoder: async (model, onProgress) =>
      openCrossEncoder(await openForLibrary(host, model, onProgress)),
  };
}

/** A folder that the library can run a model from. */
interface LibraryFolder {
  readonly host: TransformersJsHost;
  readonly library: TransformersJs;
  readonly folder: RootedFolder;
  readonly architecture: string;
  readonly maxPositions: number;
  readonly filesHash: string;
}

async function openForLibrary(
  host: TransformersJsHost,
  model: string,
  onProgress: ((progress: FetchProgress) => void) | undefined,
): Promise<LibraryFolder> {
  const library = await host.load();
  keepFromNetwork(library);
  const folder = await host.open(model, onProgress);
  const hashes: string[] = [];
  for (const path of NEEDED_FILES) {
    if (await folder.has(path)) continue;
    throw new InputError('transformers.js requires this file, which is missing', {
      file: `${folder.name}/${path}`,
      remedy:
        'Use a model that was exported for transformers.js, or export it with `optimum-cli export onnx` and put model.onnx into the folder onnx',
    });
  }
  // Read here, so that they are fetched and checked before the library looks for them.
  for (const path of new Set([...NEEDED_FILES, ...LIBRARY_FILES])) {
    if (!(await folder.has(path))) continue;
    const bytes = await folder.read(path);
    const file = `${folder.name}/${path}`;
    const json = path.endsWith('.json') ? parseJsonObject(bytes, file) : {};
    if (path === 'tokenizer.json') checkWordLength(json, file);
    hashes.push(path, await sha256(bytes));
  }
  const config = parseJsonObject(await folder.read('config.json'), `${folder.name}/config.json`);
  const architecture = ownField(config, 'model_type');
  return {
    host,
    library,
    folder,
    architecture: typeof architecture === 'string' ? architecture : 'unknown',
    maxPositions: positionsOf(config),
    filesHash: hashes.join(' '),
  };
}

function keepFromNetwork({ env, LogLevel }: TransformersJs): void {
  env.allowRemoteModels = false;
  env.allowLocalModels = true;
  env.useFSCache = false;
  env.useBrowserCache = false;
  env.useWasmCache = false;
  env.logLevel = LogLevel.ERROR;
}

function positionsOf(config: JsonObject): number {
  const stated = ownField(config, 'max_position_embeddings');
  const positions = typeof stated === 'number' && stated > 8 ? Math.floor(stated) : 512;
  return POSITIONS_FROM_TWO.has(String(ownField(config, 'model_type'))) ? positions - 2 : positions;
}

async function describe(
  { library, folder, architecture, filesHash }: LibraryFolder,
  encoding: EncodingConfig,
  task: string,
): Promise<LibraryModel> {
  const settings = canonicalJson({ encoding: { ...encoding }, task, version: library.env.version });
  return { name: folder.name, architecture, hash: await sha256(`transformers.js ${settings} ${filesHash}`) };
}

async function openEncoder(
  opened: LibraryFolder,
  overrides: EncodingOverrides | undefined,
): Promise<LibraryEncoder> {
  const { library, folder } = opened;
  const { encoding, lowerCase } = await readEncodingSettings(folder, opened, overrides);
  return {
    ...(await describe(opened, encoding, 'feature-extraction')),
    encoding,
    load: async (settings) => {
      const model = await loadModel(library.AutoModel, opened, settings);
      const tokenizer = await openTokenizer(opened, lowerCase);
      return loadEncoder(new Batches(opened, model, tokenizer.padId), tokenizer, encoding, folder.name);
    },
  };
}

async function openCrossEncoder(opened: LibraryFolder): Promise<LibraryCrossEncoder> {
  const { library, folder } = opened;
  const { encoding, lowerCase } = await readEncodingSettings(crossEncoderSettings(folder), opened);
  const maxLength = encoding.passageMaxLength;
  return {
    ...(await describe(opened, encoding, 'text-classification')),
    maxLength,
    load: async (settings) => {
      const model = await loadModel(library.AutoModelForSequenceClassification, opened, settings);
      const tokenizer = await openTokenizer(opened, lowerCase);
      return loadCrossEncoder(new Batches(opened, model, tokenizer.padId), tokenizer, maxLength, folder.name);
    },
  };
}

/** The part of the library's models that is used here. */
interface Model {
  (inputs: Readonly<Record<string, Library.Tensor>>): Promise<Readonly<Record<string, Library.Tensor>>>;
  dispose(): Promise<unknown>;
}

async function loadModel(
  kind: typeof Library.AutoModel | typeof Library.AutoModelForSequenceClassification,
  { host, folder }: LibraryFolder,
  settings: LibrarySettings,
): Promise<Model> {
  const place = await host.place(folder, settings);
  try {
    return await kind.from_pretrained(folder.root, { dtype: 'fp32', local_files_only: true, ...place });
  } catch (cause) {
    if (cause instanceof InputError) throw cause;
    throw new InputError(`transformers.js cannot run the model: ${firstLine(cause)}`, {
      file: folder.name,
      remedy: 'Use a text encoder or a sequence classification model that it supports',
      cause,
    });
  }
}

/** Tokens cut as Hugging Face's tokenizers cut them, and the token that fills rows up. */
interface Tokenizer {
  readonly template: TokenTemplate;
  readonly padId: number;
}

async function openTokenizer({ library, folder }: LibraryFolder, lowerCase: boolean): Promise<Tokenizer> {
  const file = `${folder.name}/tokenizer.json`;
  let tokenizer: Library.PreTrainedTokenizer;
  try {
    tokenizer = await library.AutoTokenizer.from_pretrained(folder.root, { local_files_only: true });
  } catch (cause) {
    if (cause instanceof InputError) throw cause;
    throw new InputError(`transformers.js cannot open the tokenizer: ${firstLine(cause)}`, {
      file,
      remedy: 'Use the tokenizer files that belong to the model',
      cause,
    });
  }
  const template = TokenTemplate.learn((text, second, isWhole): TokenRow => {
    const lowered = lowerCase ? text.toLowerCase() : text;
    const { input_ids: ids, token_type_ids: segments } = tokenizer(lowered, {
      ...(second !== undefined && { text_pair: lowerCase ? second.toLowerCase() : second }),
      add_special_tokens: isWhole,
      return_tensor: false,
      return_token_type_ids: true,
    }) as { readonly input_ids: number[]; readonly token_type_ids?: number[] };
    return { ids, segments: segments ?? ids.map(() => 0) };
  }, file);
  // Undefined if the tokenizer has no such token, despite the library's type declarations.
  const padId: unknown = tokenizer.pad_token_id;
  return { template, padId: typeof padId === 'number' ? padId : 0 };
}

/** Runs rows of tokens through a model, batch by batch of about one length. */
class Batches {
  readonly #opened: LibraryFolder;
  readonly #model: Model;
  readonly #padId: number;

  constructor(opened: LibraryFolder, model: Model, padId: number) {
    this.#opened = opened;
    this.#model = model;
    this.#padId = padId;
  }

  /** @param take receives a batch's outputs: row r is of the text `items[r]`, padded to `length` tokens */
  async run(
    rows: readonly TokenRow[],
    take: (
      outputs: Readonly<Record<string, Library.Tensor>>,
      items: readonly number[],
      length: number,
    ) => void,
    onProgress?: (done: number, total: number) => void,
  ): Promise<void> {
    let done = 0;
    const sequences = rows.map(({ ids }) => Int32Array.from(ids));
    for (const batch of encodingBatches(sequences, this.#opened, 'cpu')) {
      const items = [...batch.items].filter((item) => item >= 0);
      const length = Math.max(1, ...items.map((item) => rows[item]?.ids.length ?? 0));
      await this.#opened.host.turn?.();
      take(await this.#model(this.#inputs(rows, items, length)), items, length);
      done += items.length;
      onProgress?.(done, rows.length);
    }
  }

  #inputs(
    rows: readonly TokenRow[],
    items: readonly number[],
    length: number,
  ): Record<string, Library.Tensor> {
    const ids = new BigInt64Array(items.length * length).fill(BigInt(this.#padId));
    const mask = new BigInt64Array(ids.length);
    const segments = new BigInt64Array(ids.length);
    items.forEach((item, row) => {
      const tokens = rows[item] as TokenRow;
      ids.set(BigInt64Array.from(tokens.ids, BigInt), row * length);
      segments.set(BigInt64Array.from(tokens.segments, BigInt), row * length);
      mask.fill(1n, row * length, row * length + tokens.ids.length);
    });
    const { Tensor } = this.#opened.library;
    const tensor = (data: BigInt64Array): Library.Tensor => new Tensor('int64', data, [items.length, length]);
    return { input_ids: tensor(ids), attention_mask: tensor(mask), token_type_ids: tensor(segments) };
  }

  async close(): Promise<void> {
    await this.#model.dispose();
  }
}

async function loadEncoder(
  batches: Batches,
  { template }: Tokenizer,
  encoding: EncodingConfig,
  file: string,
): Promise<LoadedEncoder> {
  const embed = async (
    texts: readonly string[],
    side: Side,
    { onProgress }: EmbedOptions = {},
  ): Promise<{ readonly vectors: Float32Array<ArrayBuffer>; readonly width: number }> => {
    const [prefix, most] =
      side === 'query'
        ? [encoding.queryPrefix, encoding.queryMaxLength]
        : [encoding.passagePrefix, encoding.passageMaxLength];
    const rows = texts.map((text) => template.single(prefix + text, most));
    let width = 0;
    let vectors = new Float32Array(0);
    await batches.run(
      rows,
      (outputs, items, length) => {
        const hidden = outputs.last_hidden_state ?? outputs.token_embeddings;
        if (hidden?.dims.length !== 3) {
          throw new InputError('the model outputs no token vectors', {
            file,
            remedy: 'Use a text encoder, exported for feature extraction',
          });
        }
        width = hidden.dims[2] as number;
        if (vectors.length === 0) vectors = new Float32Array(texts.length * width);
        items.forEach((item, row) => {
          const states = (hidden.data as Float32Array).subarray(
            row * length * width,
            (row + 1) * length * width,
          );
          const tokens = rows[item]?.ids.length ?? 0;
          vectors.set(
            pooled(states, encoding.pooling === 'cls' ? 1 : tokens, width, encoding.normalize),
            item * width,
          );
        });
      },
      onProgress,
    );
    return { vectors, width };
  };
  const { width } = await embed(['a'], 'query');
  return {
    dimensions: width,
    embed: async (texts, side, options) => (await embed(texts, side, options)).vectors,
    close: () => batches.close(),
  };
}

/** The mean of the first rows [tokens, width], in float64; of length 1 on request. */
function pooled(states: Float32Array, tokens: number, width: number, normalize: boolean): Float64Array {
  const mean = new Float64Array(width);
  for (let i = 0; i < tokens * width; i++)
    mean[i % width] = (mean[i % width] as number) + (states[i] as number);
  for (let i = 0; i < width; i++) mean[i] = (mean[i] as number) / Math.max(1, tokens);
  if (!normalize) return mean;
  const norm = Math.max(1e-12, Math.sqrt(mean.reduce((sum, value) => sum + value * value, 0)));
  return mean.map((value) => value / norm);
}

function loadCrossEncoder(
  batches: Batches,
  { template }: Tokenizer,
  maxLength: number,
  file: string,
): LoadedCrossEncoder {
  return {
    score: async (pairs, onProgress) => {
      const rows = pairs.map(([query, passage]) => template.pair(query, passage, maxLength));
      let all = new Float32Array(0);
      await batches.run(
        rows,
        ({ logits }, items) => {
          const labels = logits?.dims[1];
          if (logits === undefined || labels === undefined) {
            throw new InputError('the model outputs no logits for pairs', {
              file,
              remedy: 'Use a cross-encoder, exported for text classification',
            });
          }
          if (all.length === 0) all = new Float32Array(pairs.length * labels);
          const values = logits.data as Float32Array;
          items.forEach((item, row) =>
            all.set(values.subarray(row * labels, (row + 1) * labels), item * labels),
          );
        },
        onProgress,
      );
      return all;
    },
    close: () => batches.close(),
  };
}

/** The first line of an error, as one that a user sees. */
export function firstLine(error: unknown): string {
  return printable(messageOf(error).split('\n')[0] ?? '');
}
