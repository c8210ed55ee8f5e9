/**
 * Mutated inputs: each is read or refused with an InputError, never anything else, and a zip never gives other
 * bytes than were packed. 2,000 cases for each format; `FUZZ_CASES=100000` makes more of them, `FUZZ_SEED` others.
 * A failure names the case, which the seed and the number repeat.
 */

import { strToU8, zipSync } from 'fflate';
import { describe, expect, it } from 'vitest';
import { readDocuments } from '../../src/corpus/documents.ts';
import { readJudgments } from '../../src/corpus/judgments.ts';
import { readLists } from '../../src/corpus/lists.ts';
import { readQueries } from '../../src/corpus/queries.ts';
import type { ByteSource } from '../../src/corpus/source.ts';
import { bytesSource, readRange } from '../../src/corpus/source.ts';
import { openZip } from '../../src/corpus/zip.ts';
import { InputError } from '../../src/host/errors.ts';
import { RandomStream } from '../../src/host/random.ts';
import { concatenate, rawZip } from './raw-zip.ts';
import { collect, cpuMilliseconds } from './support.ts';
import { streamedZip } from './streamed-zip.ts';

const CASES = Number(process.env.FUZZ_CASES ?? 2000);
const SEED = Number(process.env.FUZZ_SEED ?? 1);
const MAX_MILLISECONDS = 2000;

type Mutation = (bytes: Uint8Array, random: RandomStream) => Uint8Array;

/** A position anywhere, or, as often, near the start or the end, where headers are. */
function position(bytes: Uint8Array, random: RandomStream): number {
  const near = Math.min(bytes.length, 120);
  switch (random.integer(4)) {
    case 0:
      return random.integer(near);
    case 1:
      return bytes.length - 1 - random.integer(near);
    default:
      return random.integer(bytes.length);
  }
}

function spliced(bytes: Uint8Array, at: number, removed: number, inserted: Uint8Array): Uint8Array {
  return concatenate([bytes.subarray(0, at), inserted, bytes.subarray(Math.min(bytes.length, at + removed))]);
}

const flipBit: Mutation = (bytes, random) => {
  const at = position(bytes, random);
  return bytes.with(at, (bytes[at] ?? 0) ^ (1 << random.integer(8)));
};
const setByte: Mutation = (bytes, random) => bytes.with(position(bytes, random), random.integer(256));
const truncate: Mutation = (bytes, random) => bytes.slice(0, position(bytes, random));
const cut: Mutation = (bytes, random) =>
  spliced(bytes, position(bytes, random), 1 + random.integer(40), new Uint8Array(0));
const double: Mutation = (bytes, random) => {
  const from = position(bytes, random);
  return spliced(bytes, position(bytes, random), 0, bytes.slice(from, from + 1 + random.integer(60)));
};
const replaceBy =
  (dictionary: readonly Uint8Array[]): Mutation =>
  (bytes, random) => {
    const token = dictionary[random.integer(dictionary.length)]!;
    return spliced(bytes, position(bytes, random), random.integer(2) * token.length, token);
  };

const numbers = [0, 1, 0x7f, 0xff, 0xffff, 0x10000, 0x7fffffff, 0xfffffffe, 0xffffffff];
const zipTokens = [
  ...numbers.flatMap((value) => [
    Uint8Array.of(value, value >>> 8),
    Uint8Array.of(value, value >>> 8, value >>> 16, value >>> 24),
  ]),
  ...['PK\u0001\u0002', 'PK\u0003\u0004', 'PK\u0005\u0006', 'PK\u0006\u0007', '../', '__proto__'].map(
    (token) => strToU8(token),
  ),
];
const textTokens = [
  ...'" "" , ; { } [ ] : \\ \\u0000 \\ud800 null NaN 1e999 -0 "__proto__": "constructor": [[[[[[ 1.0 query-id'.split(
    ' ',
  ),
  ...['\t', '\n', '\r', '\r\n', '\n\n', '\0', '\ufeff', '\u2028', '","', '"\n"', 'ä'.repeat(200)],
]
  .map((token) => strToU8(token))
  .concat([Uint8Array.of(0xff), Uint8Array.of(0xc0, 0x80), Uint8Array.of(0xed, 0xa0, 0x80)]);

function mutated(
  bases: readonly Uint8Array[],
  tokens: readonly Uint8Array[],
  random: RandomStream,
): Uint8Array {
  const mutations = [
    flipBit,
    setByte,
    flipBit,
    setByte,
    truncate,
    cut,
    double,
    replaceBy(tokens),
    replaceBy(tokens),
  ];
  let bytes = bases[random.integer(bases.length)]!;
  for (let left = 1 + random.integer(3); left > 0 && bytes.length > 0; left--) {
    bytes = mutations[random.integer(mutations.length)]!(bytes, random);
  }
  return bytes;
}

interface Outcome {
  read: number;
  refused: number;
  slowestMilliseconds: number;
}

async function fuzz(
  name: string,
  bases: readonly Uint8Array[],
  tokens: readonly Uint8Array[],
  read: (source: ByteSource) => Promise<void>,
): Promise<Outcome> {
  const outcome: Outcome = { read: 0, refused: 0, slowestMilliseconds: 0 };
  const begin = performance.now();
  for (let number = 0; number < CASES; number++) {
    const bytes = mutated(bases, tokens, new RandomStream(SEED, 'fuzz', name, number));
    const start = process.cpuUsage();
    try {
      await read(bytesSource(name, bytes));
      outcome.read++;
    } catch (error) {
      if (!(error instanceof InputError) || !error.message.startsWith(name)) {
        throw new Error(`case ${number} of seed ${SEED}`, { cause: error });
      }
      outcome.refused++;
    }
    outcome.slowestMilliseconds = Math.max(outcome.slowestMilliseconds, cpuMilliseconds(start));
  }
  if (process.env.FUZZ_CASES) {
    const seconds = ((performance.now() - begin) / 1000).toFixed(0);
    console.log(`${name}: ${CASES} cases, ${seconds} s, ${JSON.stringify(outcome)}`);
  }
  return outcome;
}

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex');

const lines = (items: readonly object[]): Uint8Array =>
  strToU8(items.map((item) => JSON.stringify(item)).join('\n'));

const documents = Array.from({ length: 12 }, (_, i) => ({
  _id: `d${i}`,
  title: i % 2 ? `Title ${i}` : '',
  text: `The text of document ${i}, with "quotes", \\ and ünïcödé.`,
  metadata: { url: 'x', n: i },
}));
const corpus = lines(documents);
const tsv = strToU8(documents.map(({ _id, text }) => `${_id}\t${text}`).join('\n'));
const csv = strToU8(
  [
    '_id,title,text',
    ...documents.map((d) => `${d._id},"${d.title}","${d.text.replaceAll('"', '""')}\nmore"`),
  ].join('\r\n'),
);
const qrels = documents.map(({ _id }, i) => [`q${i % 4}`, _id, i % 3] as const);
const qrelsTsv = ['query-id\tcorpus-id\tscore', ...qrels.map((row) => row.join('\t'))].join('\n');

describe(`mutated inputs (${CASES} of each format)`, () => {
  const allRefusedOrRead = ({ read, refused, slowestMilliseconds }: Outcome): void => {
    expect(read + refused).toBe(CASES);
    expect(refused).toBeGreaterThan(CASES / 20);
    expect(read).toBeGreaterThan(CASES / 100);
    expect(slowestMilliseconds).toBeLessThan(MAX_MILLISECONDS);
  };
  const timeout = 60_000 + CASES * 20;

  it(
    'zip: never other bytes than were packed',
    async () => {
      const files = new Map([
        ['set/corpus.jsonl', corpus],
        ['set/queries.jsonl', corpus.slice(0, 300)],
        ['set/qrels/test.tsv', strToU8(qrelsTsv)],
      ]);
      const tree = Object.fromEntries(files);
      // Contents have a checksum in a zip, names have none: two mutations may change both copies of one alike.
      const packed = [...files.values()].map(hex).sort().join();
      const bases = [
        zipSync(tree, { level: 0 }),
        zipSync(tree, { level: 6 }),
        zipSync(tree, { level: 9, comment: 'a comment' }),
        streamedZip(files),
        rawZip([...files].map(([name, packed]) => ({ name, packed }))),
      ];
      const outcome = await fuzz('fuzz.zip', bases, zipTokens, async (source) => {
        const zip = await openZip(source);
        const found: string[] = [];
        for (const path of zip.paths) {
          const entry = await zip.open(path);
          found.push(hex(await readRange(entry, 0, entry.size)));
        }
        if (found.sort().join() !== packed) throw new Error(`other content: ${zip.paths.join(', ')}`);
      });
      allRefusedOrRead(outcome);
    },
    timeout,
  );

  it.each<[string, readonly Uint8Array[], (source: ByteSource) => AsyncIterable<unknown>]>([
    ['corpus.jsonl', [corpus], (source) => readDocuments(source)],
    ['corpus.csv', [csv], (source) => readDocuments(source)],
    ['corpus.tsv', [tsv], (source) => readDocuments(source)],
    ['corpus.txt', [csv, tsv], (source) => readDocuments(source, { maxPassageBytes: 700 })],
    [
      'lists.jsonl',
      [
        lines([
          {
            query_id: '1',
            query: 'q',
            documents: [{ id: 'a', text: 'x', label: 1, rank: 2, verdicts: { rule: 'kept' } }],
          },
          { anchor: 'q', positive: 'p', negative_1: 'n', label: [1, 0.5] },
          { query: 'q', pos: ['p'], neg: ['n', 'm'], pos_scores: [1], neg_scores: [0, 0] },
          {
            query_id: '2',
            query: 'q',
            positive_passages: [{ docid: 'a', title: 't', text: 'p' }],
            negative_passages: [],
          },
        ]),
      ],
      (source) => readLists(source),
    ],
  ])(
    '%s',
    async (name, bases, read) => {
      allRefusedOrRead(
        await fuzz(name, bases, textTokens, async (source) => {
          await collect(read(source));
        }),
      );
    },
    timeout,
  );

  it.each<[string, readonly Uint8Array[], (source: ByteSource) => Promise<unknown>]>([
    [
      'qrels',
      [
        strToU8(qrelsTsv),
        strToU8(qrels.map(([query, document, grade]) => `${query} 0 ${document} ${grade}`).join('\n')),
        lines(qrels.map(([query, document, score]) => ({ 'query-id': query, 'corpus-id': document, score }))),
      ],
      readJudgments,
    ],
    ['queries', [corpus, tsv], readQueries],
  ])(
    '%s',
    async (name, bases, read) => {
      allRefusedOrRead(
        await fuzz(name, bases, textTokens, async (source) => {
          await read(source);
        }),
      );
    },
    timeout,
  );
});
