import { zipSync } from 'fflate';
import { beirSplits, readBeir } from '../../../src/corpus/beir.ts';
import { bytesSource, readRange, withoutTopFolder, type FileTree } from '../../../src/core/source.ts';
import { openZip } from '../../../src/formats/zip.ts';
import { readEncoder } from '../../../src/encoders/read-encoder.ts';
import type { ModelFolder } from '../../../src/host/contract.ts';
import type { RandomStream } from '../../../src/core/random.ts';
import { rawZip, type RawEnd, type RawEntry } from '../../corpus/raw-zip.ts';
import { streamedZip } from '../../corpus/streamed-zip.ts';
import { pick, rebuilt, tokenMutation, twistedJson, type Bytes, type Mutation } from '../mutate.ts';
import {
  collect,
  jsonLines,
  SilentDifference,
  textOf,
  utf8,
  type FuzzFormat,
  type FuzzInput,
} from '../format.ts';
import { modelFiles } from './model-files.ts';

type Files = ReadonlyMap<string, Bytes>;

const collection: Files = new Map([
  [
    'set/corpus.jsonl',
    jsonLines(Array.from({ length: 4 }, (_, i) => ({ _id: `d${i}`, title: 't', text: `passage ${i}` }))),
  ],
  [
    'set/queries.jsonl',
    jsonLines([
      { _id: 'q0', text: 'one' },
      { _id: 'q1', text: 'two' },
    ]),
  ],
  ['set/qrels/test.tsv', utf8('query-id\tcorpus-id\tscore\nq0\td1\t1\nq1\td2\t1\n')],
]);
const model: Files = new Map([...modelFiles].map(([path, bytes]) => [`tiny/${path}`, bytes]));

const NUMBERS = [0, 1, 20, 0xfffe, 0xffff, 0x7fffffff, 0xfffffffe, 0xffffffff];
const NAMES = [
  '../x',
  '/x',
  'a\\b',
  'C:/x',
  '',
  'set/corpus.jsonl',
  'set/',
  'x'.repeat(600),
  '__proto__',
  'a\0b',
  '\u202ex',
];

/** A zip of the files in which one field lies. Contents have a checksum, so none may come out otherwise. */
function lyingZip(files: Files, random: RandomStream): Uint8Array {
  const isWide = random.integer(3) === 0;
  const end: RawEnd = random.integer(3) === 0 ? { zip64: true } : {};
  const entries: RawEntry[] = [...files].map(([name, packed]) => ({ name, packed, isWide }));
  const at = random.integer(entries.length);
  const lie = pick<keyof RawEntry | 'entries' | 'directoryOffset' | 'directoryBytes' | 'comment' | 'twice'>(
    [
      'name',
      'localName',
      'method',
      'flags',
      'checksum',
      'packedBytes',
      'bytes',
      'localBytes',
      'attributes',
      'offset',
      'entries',
      'directoryOffset',
      'directoryBytes',
      'comment',
      'twice',
    ],
    random,
  );
  const number = random.uniform() < 0.5 ? pick(NUMBERS, random) : random.integer(1000);
  switch (lie) {
    case 'entries':
    case 'directoryOffset':
    case 'directoryBytes':
      return rawZip(entries, { ...end, [lie]: number });
    case 'comment':
      return rawZip(entries, { ...end, comment: utf8('PK\u0005\u0006'.repeat(1 + random.integer(5))) });
    case 'twice':
      return rawZip([...entries, entries[at] as RawEntry], end);
    case 'name':
    case 'localName':
      return rawZip(entries.with(at, { ...(entries[at] as RawEntry), [lie]: pick(NAMES, random) }), end);
    default:
      return rawZip(entries.with(at, { ...(entries[at] as RawEntry), [lie]: number }), end);
  }
}

/** The same bytes at any time; a zip has local times, so this is no instant. */
const mtime = new Date(1990, 0, 1);

/** A well-formed zip in which one file holds something else. */
function otherContent(files: Files, random: RandomStream): Uint8Array {
  const [path, bytes] = pick([...files], random);
  const lines = textOf(bytes).split('\n');
  const at = random.integer(Math.max(1, lines.length - 1));
  const whole = path.endsWith('.json') ? twistedJson(textOf(bytes), random) : undefined;
  const text = whole ?? lines.with(at, twistedJson(lines[at] ?? '', random) ?? 'x\ty').join('\n');
  const changed = new Map(files).set(path, utf8(text));
  return zipSync(Object.fromEntries(changed), { level: random.integer(2) === 0 ? 0 : 6, mtime });
}

const mutationsOf = (files: Files): readonly Mutation[] => [
  { ...tokenMutation, weight: 1 },
  rebuilt('a field of the zip that lies', 6, (random) => lyingZip(files, random)),
  rebuilt('a file in it that is changed', 4, (random) => otherContent(files, random), true),
];

const zipsOf = (files: Files): readonly Bytes[] => {
  const tree = Object.fromEntries(files);
  return [
    zipSync(tree, { level: 0, mtime }),
    zipSync(tree, { level: 6, mtime }),
    zipSync(tree, { level: 9, mtime, comment: 'a comment' }),
    new Uint8Array(streamedZip(files)),
    new Uint8Array(rawZip([...files].map(([name, packed]) => ({ name, packed })))),
    new Uint8Array(
      rawZip(
        [...files].map(([name, packed]) => ({ name, packed, isWide: true })),
        { zip64: true },
      ),
    ),
  ];
};

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex');

/** Reads all of a zip, of which every byte has a checksum. Names have none. */
async function openChecked({ bytes, resealed }: FuzzInput, packed: ReadonlySet<string>): Promise<FileTree> {
  const zip = await openZip(bytesSource('fuzz.zip', bytes));
  for (const path of zip.paths) {
    const entry = await zip.open(path);
    const content = hex(await readRange(entry, 0, entry.size));
    if (!resealed && !packed.has(content)) throw new SilentDifference(`${path} has other content`);
  }
  return withoutTopFolder(zip);
}

const contents = (files: Files): ReadonlySet<string> => new Set([...files.values()].map(hex));
const packedCollection = contents(collection);
const packedModel = contents(model);

function modelFolderOf(tree: FileTree): ModelFolder {
  return {
    name: 'tiny',
    has: (path) => Promise.resolve(tree.paths.includes(path)),
    read: async (path) => {
      const file = await tree.open(path);
      return readRange(file, 0, file.size);
    },
  };
}

export const zipFormats: readonly FuzzFormat[] = [
  {
    name: 'corpus-zip',
    what: 'a zip of a collection in BEIR layout',
    readers: ['src/formats/zip.ts', 'src/corpus/beir.ts', 'src/core/source.ts'],
    examples: zipsOf(collection),
    mutations: mutationsOf(collection),
    read: async (input) => {
      const tree = await openChecked(input, packedCollection);
      const [split] = beirSplits(tree);
      const dataset = await readBeir(tree, split === undefined ? {} : { split });
      await collect(dataset.documents());
    },
  },
  {
    name: 'model-zip',
    what: 'a zip of a model folder',
    readers: ['src/formats/zip.ts'],
    examples: zipsOf(model),
    mutations: mutationsOf(model),
    read: async (input) => readEncoder(modelFolderOf(await openChecked(input, packedModel))),
  },
];
