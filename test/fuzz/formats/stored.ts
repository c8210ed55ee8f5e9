import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { StoreCorruptionError } from '../../../src/host/contract.ts';
import { parseListing } from '../../../src/host/hub-listing.ts';
import { FolderStore } from '../../../src/host/node/store.ts';
import { ggufProblem } from '../../../src/formats/gguf.ts';
import { InputError } from '../../../src/core/errors.ts';
import { Bm25Builder, Bm25Index } from '../../../src/retrieval/bm25.ts';
import { jsonMutation, repeatMutation, tokenMutation, type Bytes } from '../mutate.ts';
import { json, SilentDifference, textOf, type FuzzFormat } from '../format.ts';

// --- an experiment's folder, which a user may have copied or restored

const folder = mkdtempSync(join(tmpdir(), 'retriever-studio-fuzz-'));
process.once('exit', () => rmSync(folder, { recursive: true, force: true }));

async function storedFiles(): Promise<{
  readonly store: Bytes;
  readonly record: Bytes;
  readonly name: string;
}> {
  const made = join(folder, 'made');
  const store = await FolderStore.open(made);
  const writer = await store.openWriter('things');
  await writer.commit({ put: { a: { value: { text: 'x', numbers: [1, 2] }, blobs: [] } } });
  await store.close();
  const records = join(made, 'records', 'things');
  const name = readdirSync(records).sort().at(-1) ?? '';
  const read = (path: string): Bytes => new Uint8Array(readFileSync(path));
  return { store: read(join(made, 'store.json')), record: read(join(records, name)), name };
}

const stored = await storedFiles();
let opened = 0;

/** Opens a store of two files and reads what it has. */
async function readStore(files: { readonly store: Bytes; readonly record: Bytes }): Promise<unknown> {
  const path = join(folder, String(opened++));
  try {
    mkdirSync(join(path, 'records', 'things'), { recursive: true });
    writeFileSync(join(path, 'store.json'), files.store);
    writeFileSync(join(path, 'records', 'things', stored.name), files.record);
    const store = await FolderStore.open(path, { report: () => undefined });
    const record = await store.get('things', 'a');
    await store.close();
    return record?.value;
  } finally {
    rmSync(path, { recursive: true, force: true });
  }
}

const isCorruption = (error: unknown): boolean => error instanceof StoreCorruptionError;

// --- the rest

const index = new Bm25Builder();
index.add('d0', 'the first passage');
index.add('d1', 'another passage, the second');
const indexFile = index.finish().serialize();

const listing = {
  id: 'org/name',
  sha: 'a'.repeat(40),
  siblings: [
    { rfilename: 'config.json', size: 600, blobId: 'b'.repeat(40) },
    { rfilename: 'model.safetensors', size: 90_000_000, lfs: { sha256: 'c'.repeat(64) } },
  ],
};

const gguf = Uint8Array.of(0x47, 0x47, 0x55, 0x46, 3, 0, 0, 0, 1, 0, 0, 0);
const jsonMutations = [tokenMutation, repeatMutation, jsonMutation];

export const storedFormats: readonly FuzzFormat[] = [
  {
    name: 'gguf',
    what: 'a language model (the header of a GGUF file)',
    readers: ['src/formats/gguf.ts'],
    examples: [gguf, gguf.with(4, 2)],
    mutations: [],
    read: ({ bytes }) => {
      const problem = ggufProblem(bytes.subarray(0, 8));
      if (problem !== undefined)
        throw new InputError(problem, { file: 'model.gguf', remedy: 'Give another' });
      if (textOf(bytes.slice(0, 4)) !== 'GGUF') throw new SilentDifference('this is no GGUF file');
    },
  },
  {
    name: 'hub-listing',
    what: "a hub's or mirror's list of a model's files",
    readers: ['src/host/hub-listing.ts'],
    examples: [json(listing)],
    mutations: jsonMutations,
    read: ({ bytes }) => parseListing(textOf(bytes), new URL('http://127.0.0.1/api')),
  },
  {
    name: 'bm25-index',
    what: 'a BM25 index in one file',
    readers: ['src/retrieval/bm25.ts'],
    examples: [indexFile],
    mutations: [tokenMutation, repeatMutation],
    read: ({ bytes }) => Bm25Index.deserialize(bytes, 'index').search('the passage', 10),
  },
  {
    name: 'store-json',
    what: "store.json of an experiment's folder",
    readers: ['src/host/node/store.ts'],
    examples: [stored.store],
    mutations: jsonMutations,
    read: ({ bytes }) => readStore({ ...stored, store: bytes }),
    isRefusal: isCorruption,
  },
  {
    name: 'store-records',
    what: "the records of an experiment's folder, which carry their SHA-256",
    readers: ['src/host/node/store-namespace.ts'],
    examples: [stored.record],
    mutations: jsonMutations,
    read: async ({ bytes }) => {
      const value = await readStore({ ...stored, record: bytes });
      const damaged = Buffer.compare(bytes, stored.record) !== 0;
      if (damaged && value !== undefined) throw new SilentDifference('a damaged record was taken');
    },
    isRefusal: isCorruption,
  },
];
