import { checkBeir } from '../../corpus/beir.ts';
import { checkLists, readLists } from '../../corpus/lists.ts';
import {
  missingPath,
  readThrough,
  withoutTopFolder,
  type ByteSource,
  type FileTree,
} from '../../core/source.ts';
import { isZip } from '../../formats/zip.ts';
import { isModelFile } from '../../host/model-file-names.ts';
import { readLog } from '../../generation/log-file.ts';
import { openFile, openTree, type DroppedItem } from '../dropped-files.ts';
import { forgetModel, keptModels } from '../../host/browser/generators/kept-models.ts';
import type { BlobReference, Store, StoreRecord } from '../../host/contract.ts';
import { InputError } from '../../core/errors.ts';
import type { Json } from '../../core/json.ts';
import { own } from '../../core/own.ts';
import { sha256 } from '../../core/sha256.ts';
import { yielding } from '../../core/waiting.ts';
import type { KeepProgress, KeptItem } from '../protocol.ts';
import { commitInTurn } from '../../host/commit-in-turn.ts';

const NAMESPACE = 'kept';
/** Names for a moment what was written for nothing. */
const DISCARDED = 'discarded';
/** How the ids of language models begin. */
const MODEL = 'language-model/';
/** Read and written at once. */
const PART_BYTES = 8 * 2 ** 20;
const TELL_MILLISECONDS = 100;

/** One file; its bytes are the next `parts` blobs of the record. */
type KeptFile = Readonly<{ path: string; bytes: number; parts: number }>;
type KeptRecord = Readonly<{
  item: KeptItem;
  files: readonly KeptFile[];
  /** What was measured of them, by what it is. */
  facts?: Readonly<Record<string, Json>>;
}>;

/** What the user dropped, copied into the store: a dropped file is forgotten with its tab. */
export class KeptItems {
  readonly #store: Store;

  constructor(store: Store) {
    this.#store = store;
  }

  /**
   * Keeps the files of a corpus, a model or a file of lists, and nothing else that lay beside them. Corpora and lists
   * are read to their end first: what is broken is not kept.
   * @throws InputError naming file and line if it is none of these; ResourceError if the browser keeps no more; the
   * signal's reason when it is aborted
   */
  async keep(dropped: DroppedItem, manner: KeepManner = {}): Promise<KeptItem> {
    const watch = watching(manner);
    const { files, ...facts } = await sort(dropped, watch);
    return this.write(
      facts,
      files.map(({ path, source }) => ({ path, parts: inParts(source.stream()) })),
      manner.signal,
    );
  }

  /**
   * Keeps files that are made as they are read, all of them or nothing.
   * @param facts are asked when the last file has been read
   * @throws the signal's reason, if it is aborted before everything is kept
   */
  async write(
    facts: ItemFacts | (() => ItemFacts),
    files: Iterable<WrittenFile> | AsyncIterable<WrittenFile>,
    signal?: AbortSignal,
  ): Promise<KeptItem> {
    const written: { readonly file: KeptFile; readonly blobs: readonly BlobReference[] }[] = [];
    const blobs: BlobReference[] = [];
    try {
      for await (const { path, parts } of files) {
        const first = blobs.length;
        let bytes = 0;
        for await (const part of parts) {
          signal?.throwIfAborted();
          blobs.push(await this.#store.writeBlob(part));
          bytes += part.length;
        }
        const own = blobs.slice(first);
        written.push({ file: { path, bytes, parts: own.length }, blobs: own });
      }
      signal?.throwIfAborted();
      // The same files have the same id, in whatever order they came.
      written.sort((one, other) => (one.file.path < other.file.path ? -1 : 1));
      return await this.#commit(
        typeof facts === 'function' ? facts() : facts,
        written.map(({ file }) => file),
        written.flatMap((each) => each.blobs),
      );
    } catch (error) {
      // What it could not give back is swept when the store is opened again.
      await this.#giveBack(blobs).catch(() => undefined);
      throw error;
    }
  }

  async #commit(
    { kind, name, splits, listFiles, counts, madeFrom }: ItemFacts,
    kept: readonly KeptFile[],
    blobs: readonly BlobReference[],
  ): Promise<KeptItem> {
    const hash = await sha256(JSON.stringify([kept, blobs.map((blob) => blob.sha256)]));
    const item: KeptItem = {
      id: `${slugOf(name)}-${hash.slice(0, 8)}`,
      name,
      bytes: kept.reduce((sum, { bytes }) => sum + bytes, 0),
      kind,
      splits,
      listFiles,
      ...(counts !== undefined && { counts }),
      ...(madeFrom !== undefined && { madeFrom }),
      keptAt: new Date().toISOString(),
    };
    const value: KeptRecord = { item, files: kept };
    await commitInTurn(this.#store, NAMESPACE, { put: { [item.id]: { value, blobs } } });
    return item;
  }

  /** The store keeps what was written until a record has named it. */
  async #giveBack(blobs: readonly BlobReference[]): Promise<void> {
    if (blobs.length === 0) return;
    const record = crypto.randomUUID();
    await commitInTurn(this.#store, DISCARDED, { put: { [record]: { value: null, blobs } } });
    await commitInTurn(this.#store, DISCARDED, { delete: [record], forgetEarlier: true });
    await this.#store.sweep();
  }

  async list(): Promise<KeptItem[]> {
    const items: KeptItem[] = [];
    for (const id of await this.#store.keys(NAMESPACE)) {
      const record = await this.#store.get(NAMESPACE, id);
      if (record !== undefined) items.push((record.value as KeptRecord).item);
    }
    return items.sort((a, b) => (a.keptAt < b.keptAt ? 1 : -1));
  }

  /** With the language models, which the browser keeps in places of their own. */
  async listAll(): Promise<KeptItem[]> {
    const rest = { kind: 'language-model', splits: [], listFiles: [], keptAt: '' } as const;
    const models = (await keptModels()).map((model) => ({ ...model, ...rest, id: MODEL + model.id }));
    return [...(await this.list()), ...models];
  }

  async forget(id: string): Promise<void> {
    if (id.startsWith(MODEL)) return forgetModel(id.slice(MODEL.length));
    await commitInTurn(this.#store, NAMESPACE, { delete: [id] });
    await this.#store.sweep();
  }

  /** What was measured of an item, if it was. */
  async remembered(id: string, fact: string): Promise<Json | undefined> {
    const record = await this.#store.get(NAMESPACE, id);
    return record && own((record.value as KeptRecord).facts ?? {}, fact);
  }

  /** Keeps what was measured of an item for as long as the item. */
  async remember(id: string, fact: string, value: Json): Promise<void> {
    const record = await this.#store.get(NAMESPACE, id);
    if (record === undefined) return;
    const { facts, ...rest } = record.value as KeptRecord;
    const known: KeptRecord = { ...rest, facts: { ...facts, [fact]: value } };
    await commitInTurn(this.#store, NAMESPACE, { put: { [id]: { ...record, value: known } } });
  }

  /** @throws InputError if nothing of that name is kept */
  async openTree(id: string): Promise<FileTree> {
    const record = await this.#store.get(NAMESPACE, id);
    if (record === undefined) throw forgotten(id);
    return storedTree(this.#store, record);
  }

  /** A kept file of lists or of generations. @throws InputError */
  async openFile(id: string): Promise<ByteSource> {
    const tree = await this.openTree(id);
    return tree.open(tree.paths[0] ?? '');
  }
}

function forgotten(id: string): InputError {
  return new InputError('is not kept in this browser', {
    file: id,
    remedy: 'Drop the folder or file on the page again',
  });
}

type ItemFacts = Pick<KeptItem, 'kind' | 'name' | 'splits' | 'listFiles' | 'counts' | 'madeFrom'>;

interface WrittenFile {
  readonly path: string;
  readonly parts: AsyncIterable<Uint8Array>;
}

interface Sorted extends ItemFacts {
  readonly files: readonly { readonly path: string; readonly source: ByteSource }[];
}

interface KeepManner {
  readonly signal?: AbortSignal | undefined;
  readonly tell?: ((progress: KeepProgress) => void) | undefined;
}

type Watch = (source: ByteSource) => ByteSource;

/** Follows the reading of files, and ends it with the signal. */
function watching({ signal, tell }: KeepManner): Watch {
  const turn = yielding(signal);
  const sizes = new Map<string, number>();
  let bytes = 0;
  let told = 0;
  return (source) => {
    // Read to its end to be checked, and once more to be copied.
    sizes.set(source.name, 2 * source.size);
    return {
      ...source,
      async *stream(start, end) {
        for await (const chunk of source.stream(start, end)) {
          await turn();
          bytes += chunk.length;
          const now = performance.now();
          if (tell !== undefined && now - told >= TELL_MILLISECONDS) {
            told = now;
            const totalBytes = [...sizes.values()].reduce((sum, size) => sum + size, 0);
            tell({ bytes: Math.min(bytes, totalBytes), totalBytes });
          }
          yield chunk;
        }
      },
    };
  };
}

/** Finds out what was dropped, from all that it holds. @throws InputError if it cannot be used */
async function sort(dropped: DroppedItem, watch: Watch): Promise<Sorted> {
  if (dropped instanceof File && !(await isZip(openFile(dropped)))) {
    if (!/\.(jsonl|ndjson)$/i.test(dropped.name)) throw unknownItem(dropped.name);
    const kind = (await isLog(dropped)) ? 'generations' : 'lists';
    const source = watch(openFile(dropped));
    if (kind === 'lists') await checkLists(source);
    else await readThrough(readLog(source));
    return { kind, name: dropped.name, files: [{ path: dropped.name, source }], splits: [], listFiles: [] };
  }
  const tree = watchedTree(withoutTopFolder(await openTree(dropped)), watch);
  const kind = tree.paths.includes('corpus.jsonl')
    ? 'corpus'
    : tree.paths.includes('config.json')
      ? 'model'
      : undefined;
  if (kind === undefined) throw unknownItem(tree.name);
  const files = [];
  for (const path of tree.paths.filter(kind === 'corpus' ? isCorpusFile : isModelFile)) {
    files.push({ path, source: await tree.open(path) });
  }
  const name = tree.name.replace(/\.zip$/i, '');
  if (kind === 'model') return { kind, name, files, splits: [], listFiles: [] };
  const counts = await checkBeir(tree);
  const splits = Object.keys(counts.splits);
  const listFiles: string[] = [];
  for (const { path, source } of files) {
    if (!mayHoldLists(path) || !(await beginsWithList(source))) continue;
    await checkLists(source);
    listFiles.push(path);
  }
  return { kind, name, files, splits, listFiles, counts };
}

function watchedTree(tree: FileTree, watch: Watch): FileTree {
  return { ...tree, open: async (path) => watch(await tree.open(path)) };
}

/** Whether the first line is a training list. */
async function beginsWithList(source: ByteSource): Promise<boolean> {
  try {
    for await (const list of readLists(source)) return list.documents.length > 0;
  } catch (error) {
    if (!(error instanceof InputError)) throw error;
  }
  return false;
}

/** Whether the first line is an entry of a log of generations. */
async function isLog(file: File): Promise<boolean> {
  const start = await file.slice(0, 1024).text();
  return /^\s*\{/.test(start) && start.includes('"request":') && start.includes('"prompt_version":');
}

function isCorpusFile(path: string): boolean {
  // With where it comes from, as an import says it.
  return path === 'import.json' || /^[^/]+\.jsonl$|^qrels\/[^/]+\.(tsv|jsonl)$/.test(path);
}

function mayHoldLists(path: string): boolean {
  return /^[^/]+\.jsonl$/.test(path) && !['corpus.jsonl', 'queries.jsonl', 'qrels.jsonl'].includes(path);
}

function unknownItem(name: string): InputError {
  return new InputError('is no corpus, no model and no file of lists', {
    file: name,
    remedy:
      'Drop a BEIR folder or zip (corpus.jsonl, queries.jsonl, qrels/), a Hugging Face model folder (config.json, ' +
      'model.safetensors, tokenizer.json), or training lists as .jsonl',
  });
}

function slugOf(name: string): string {
  const slug = name
    .replace(/\.[a-z]+$/i, '')
    .replace(/[^A-Za-z0-9]+/g, '-')
    .replace(/^-+|-+$/g, '');
  return slug.slice(0, 40) || 'folder';
}

/** Texts as bytes, in parts of one size, the last one shorter. */
export function partsOfText(texts: AsyncIterable<string>): AsyncGenerator<Uint8Array> {
  return inParts(encoded(texts));
}

async function* encoded(texts: AsyncIterable<string>): AsyncGenerator<Uint8Array> {
  const encoder = new TextEncoder();
  for await (const text of texts) yield encoder.encode(text);
}

/** The same bytes are the same parts, however they came. */
async function* inParts(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  let waiting: Uint8Array[] = [];
  let length = 0;
  for await (const chunk of chunks) {
    let rest = chunk;
    while (length + rest.length >= PART_BYTES) {
      const last = rest.subarray(0, PART_BYTES - length);
      yield joined([...waiting, last], PART_BYTES);
      rest = rest.subarray(last.length);
      waiting = [];
      length = 0;
    }
    if (rest.length === 0) continue;
    waiting.push(rest);
    length += rest.length;
  }
  if (length > 0) yield joined(waiting, length);
}

function joined(chunks: readonly Uint8Array[], length: number): Uint8Array {
  const part = new Uint8Array(length);
  let at = 0;
  for (const chunk of chunks) {
    part.set(chunk, at);
    at += chunk.length;
  }
  return part;
}

/** A kept folder as it is read: a part at a time. */
function storedTree(store: Store, { value, blobs }: StoreRecord): FileTree {
  const { item, files } = value as KeptRecord;
  const sources = new Map<string, ByteSource>();
  let next = 0;
  for (const { path, bytes, parts } of files) {
    const own = blobs.slice(next, next + parts);
    next += parts;
    const name = item.kind === 'lists' || item.kind === 'generations' ? path : `${item.name}/${path}`;
    sources.set(path, {
      name,
      size: bytes,
      stream: (start = 0, end = bytes) => streamParts(store, own, start, end),
    });
  }
  const tree: FileTree = {
    name: item.name,
    paths: [...sources.keys()].sort(),
    open: (path) => {
      const source = sources.get(path);
      return source ? Promise.resolve(source) : Promise.reject(missingPath(tree, path));
    },
  };
  return tree;
}

async function* streamParts(
  store: Store,
  parts: readonly BlobReference[],
  start: number,
  end: number,
): AsyncGenerator<Uint8Array> {
  let position = 0;
  for (const part of parts) {
    const [from, to] = [Math.max(0, start - position), Math.min(part.bytes, end - position)];
    position += part.bytes;
    if (from < to) yield (await store.readBlob(part)).subarray(from, to);
  }
}
