/**
 * Hostile inputs, generated. Each must be refused with an InputError that says which file, which limit or rule,
 * and what to do; in two seconds, and in memory that does not grow with what the input claims to be.
 */

import { constants, deflateRawSync } from 'node:zlib';
import { readBeir } from '../../src/corpus/beir.ts';
import { crc32 } from '../../src/formats/crc32.ts';
import { readDocuments } from '../../src/corpus/documents.ts';
import { readJudgments } from '../../src/corpus/judgments.ts';
import { readLists } from '../../src/corpus/lists.ts';
import type { ByteSource } from '../../src/core/source.ts';
import { bytesSource, textSource } from '../../src/core/source.ts';
import { openZip } from '../../src/formats/zip.ts';
import { concatenate, rawZip } from './raw-zip.ts';

export interface Attack {
  readonly name: string;
  /** Makes the input; not part of what is timed. */
  readonly make: () => ByteSource;
  readonly read: (source: ByteSource) => Promise<void>;
  /** What the message must say beside the file's name. */
  readonly says: RegExp;
}

const encoder = new TextEncoder();
const MIB = 1024 * 1024;

async function drain(items: AsyncIterable<unknown>): Promise<void> {
  const iterator = items[Symbol.asyncIterator]();
  while ((await iterator.next()).done !== true);
}

/** Opens the zip and reads all that is in it. */
export async function readZip(source: ByteSource): Promise<void> {
  const tree = await openZip(source);
  for (const path of tree.paths) await drain((await tree.open(path)).stream());
}

const readCorpus = (source: ByteSource): Promise<void> => drain(readDocuments(source));
const readTraining = (source: ByteSource): Promise<void> => drain(readLists(source));
const readQrels = async (source: ByteSource): Promise<void> => {
  await readJudgments(source);
};

/** Deflated zeros: a flushed block of one MiB of them stands for itself as often as it is repeated. */
function deflatedZeros(mebibytes: number): { readonly packed: Uint8Array; readonly checksum: number } {
  const zeros = new Uint8Array(MIB);
  const block = deflateRawSync(zeros, { level: 9, finishFlush: constants.Z_FULL_FLUSH });
  let checksum = 0;
  for (let i = 0; i < mebibytes; i++) checksum = crc32(zeros, checksum);
  const blocks = Array.from({ length: mebibytes }, () => block);
  return { packed: concatenate([...blocks, deflateRawSync(new Uint8Array(0))]), checksum };
}

/** A source that repeats a text, so that the attacker's memory does not count as ours. */
function repeated(name: string, head: string, text: string, bytes: number): ByteSource {
  const chunk = encoder.encode(text.repeat(Math.ceil(65_536 / text.length)));
  async function* stream(): AsyncGenerator<Uint8Array> {
    yield encoder.encode(head);
    for (let done = 0; done < bytes; done += chunk.length) yield await Promise.resolve(chunk);
  }
  return { name, size: head.length + bytes, stream };
}

const zipAttack = (name: string, make: () => Uint8Array, says: RegExp): Attack => ({
  name,
  make: () => bytesSource('attack.zip', make()),
  read: readZip,
  says,
});

const someText = encoder.encode('{"_id": "1", "text": "some text"}\n'.repeat(100));
const honest = { name: 'corpus.jsonl', packed: someText };
const named =
  (name: string | Uint8Array): (() => Uint8Array) =>
  () =>
    rawZip([honest, { name, packed: someText }]);

const zipAttacks: readonly Attack[] = [
  zipAttack(
    'bomb: 250 KB that unpack to 256 MB',
    () => {
      const { packed, checksum } = deflatedZeros(256);
      return rawZip([{ name: 'corpus.jsonl', packed, checksum, method: 8, bytes: 256 * MIB }]);
    },
    /256 MiB, but the limit is 100 times/,
  ),
  zipAttack(
    'bomb that declares 10 bytes',
    () => {
      const { packed, checksum } = deflatedZeros(256);
      return rawZip([{ name: 'corpus.jsonl', packed, checksum, method: 8, bytes: 10 }]);
    },
    /unpacks to more than the 10 bytes it declares/,
  ),
  zipAttack(
    '3.9 GB declared in 321 bytes',
    () => rawZip([{ name: 'corpus.jsonl', packed: new Uint8Array(200), method: 8, bytes: 3_900_000_000 }]),
    /the limit is 100 times/,
  ),
  zipAttack(
    'more in all than the limit, each within its ratio',
    () => {
      const packed = new Uint8Array(40 * MIB);
      const bytes = 4_000_000_000;
      return rawZip(
        Array.from({ length: 5 }, (_, i) => ({
          name: `${i}`,
          method: 8,
          bytes,
          packedBytes: packed.length,
          ...(i === 0 && { packed }),
        })),
      );
    },
    /unpacks to 18\.6 GiB, but the limit is 16 GiB/,
  ),
  zipAttack(
    'declares less than it holds, stored',
    () => rawZip([{ ...honest, bytes: 10 }]),
    /its two sizes differ/,
  ),
  zipAttack(
    'declares more than it holds',
    () =>
      rawZip([
        { ...honest, packed: deflateRawSync(someText), method: 8, bytes: 5000, checksum: crc32(someText) },
      ]),
    /unpacks to 3400 bytes but declares 5000/,
  ),
  zipAttack(
    'flipped byte in a stored entry',
    () => rawZip([{ ...honest, packed: someText.with(50, 0x21), checksum: crc32(someText) }]),
    /does not match its checksum/,
  ),
  zipAttack(
    'broken deflate stream',
    () =>
      rawZip([
        {
          ...honest,
          packed: new Uint8Array(deflateRawSync(someText)).fill(0xff, 10, 30),
          method: 8,
          bytes: someText.length,
        },
      ]),
    /cannot be unpacked|unpacks to/,
  ),
  zipAttack(
    'truncated in the data',
    () => rawZip([honest]).subarray(0, 2000),
    /is not a zip, or was cut off/,
  ),
  zipAttack(
    'truncated in the end record',
    () => rawZip([honest]).slice(0, -5),
    /is not a zip, or was cut off/,
  ),
  zipAttack('path upwards', named('../corpus.jsonl'), /"\.\.\/corpus\.jsonl" is not allowed/),
  zipAttack('path upwards inside', named('a/../../b'), /is not allowed/),
  zipAttack('absolute path', named('/etc/passwd'), /is not allowed/),
  zipAttack('drive', named('C:/corpus.jsonl'), /is not allowed/),
  zipAttack('backslashes', named('..\\corpus.jsonl'), /is not allowed/),
  zipAttack('__proto__', named('__proto__'), /"__proto__" is not allowed/),
  zipAttack('__proto__ folder', named('__proto__/title'), /is not allowed/),
  zipAttack('empty name', named(''), /is not allowed/),
  zipAttack('zero byte', named('corpus\0.jsonl'), /"corpus\\u\{0\}\.jsonl" is not allowed/),
  zipAttack('terminal escape', named('\u001b[2Jcorpus'), /"\\u\{1b\}\[2Jcorpus" is not allowed/),
  zipAttack('right-to-left override', named('lnosj.\u202esuproc'), /is not allowed/),
  zipAttack('name that is not UTF-8', named(Uint8Array.of(0x63, 0xff)), /is not UTF-8/),
  zipAttack('name of 10,000 bytes', named('a'.repeat(10_000)), /10000 bytes long, but the limit is 512/),
  zipAttack('same name twice', () => rawZip([honest, honest]), /two entries named "corpus\.jsonl"/),
  zipAttack(
    'other name in the local header',
    () => rawZip([{ ...honest, localName: 'queries.jsonl'.slice(0, 12) }]),
    /differs from the directory/,
  ),
  zipAttack(
    'other size in the local header',
    () => rawZip([{ ...honest, localBytes: 5 }]),
    /differs from the directory/,
  ),
  zipAttack(
    'overlapping entries',
    () =>
      rawZip(
        Array.from({ length: 1000 }, (_, i) => ({
          ...honest,
          name: `${i}`,
          offset: 0,
          ...(i > 0 && { packed: someText }),
        })),
      ),
    /overlaps what follows it/,
  ),
  zipAttack(
    'data that reaches into the directory',
    () => rawZip([{ ...honest, packedBytes: 3500, bytes: 3500 }]),
    /overlaps what follows it/,
  ),
  zipAttack('encrypted', () => rawZip([{ ...honest, flags: 1 }]), /is encrypted/),
  zipAttack('unknown method', () => rawZip([{ ...honest, method: 14 }]), /method 14; only 0 and 8/),
  zipAttack('symbolic link', () => rawZip([{ ...honest, attributes: 0o120777 * 65_536 }]), /symbolic link/),
  zipAttack(
    'zip64 record beyond the file',
    () => rawZip([honest], { zip64: 2 ** 40 }),
    /has a broken directory/,
  ),
  zipAttack('zip64 record that is none', () => rawZip([honest], { zip64: 0 }), /has a broken directory/),
  zipAttack(
    'zip64 directory elsewhere',
    () => rawZip([honest], { zip64: true, directoryOffset: 2 ** 45 }),
    /a directory that is not where the zip says/,
  ),
  zipAttack(
    'entry without its zip64 field',
    () => rawZip([{ ...honest, bytes: 0xffffffff }]),
    /has a broken directory/,
  ),
  zipAttack(
    'zip64 entry beyond the file',
    () => rawZip([{ ...honest, isWide: true, packedBytes: 2 ** 33, bytes: 2 ** 33 }]),
    /overlaps what follows it/,
  ),
  zipAttack(
    'wrong count of entries',
    () => rawZip([honest], { entries: 2 }),
    /1 entries in its directory and 2/,
  ),
  zipAttack('directory elsewhere', () => rawZip([honest], { directoryOffset: 5 }), /not where the zip says/),
  zipAttack(
    '20,000 entries',
    () => rawZip(Array.from({ length: 20_000 }, (_, i) => ({ name: `${i}` }))),
    /20000 entries, but the limit is 10000/,
  ),
  {
    name: 'a million entries, said to be one',
    make: () => bytesSource('attack.zip', millionEntries()),
    read: readZip,
    says: /directory of [\d.]+ MiB, but the limit is 4 MiB/,
  },
  {
    name: 'zip inside a zip',
    make: () => bytesSource('attack.zip', rawZip([{ name: 'inner.zip', packed: rawZip([honest]) }])),
    read: async (source) => {
      await readBeir(await openZip(source));
    },
    says: /has no corpus\.jsonl\. Use inner\.zip itself/,
  },
];

/** Too many to build one by one in reasonable time: one empty entry's record, repeated. */
function millionEntries(): Uint8Array {
  // One more than 16 × 65,536, so that the end record can say 1.
  const count = 1_048_577;
  const one = rawZip([{ name: 'e' }]);
  const local = one.subarray(0, 31);
  const record = one.subarray(31, 31 + 47);
  const bytes = new Uint8Array(count * record.length + local.length + 22);
  bytes.set(local);
  for (let i = 0; i < count; i++) bytes.set(record, local.length + i * record.length);
  bytes.set(one.subarray(-22), bytes.length - 22);
  const end = new DataView(bytes.buffer, bytes.length - 22);
  end.setUint16(8, count % 65_536, true);
  end.setUint16(10, count % 65_536, true);
  end.setUint32(12, count * record.length, true);
  return bytes;
}

const textAttacks: readonly Attack[] = [
  {
    name: '10 MB in one passage, one line',
    make: () => repeated('corpus.jsonl', '{"_id": "1", "text": "', 'x', 10e6),
    read: readCorpus,
    says: /corpus\.jsonl:1: the line is longer than the limit of 8 MiB/,
  },
  {
    name: '2 MB in one passage',
    make: () => textSource('corpus.jsonl', JSON.stringify({ _id: '1', text: 'x'.repeat(2e6) })),
    read: readCorpus,
    says: /corpus\.jsonl:1: the passage has 1\.9 MiB of text, but the limit is 1 MiB/,
  },
  {
    name: 'no line end in 100 MB',
    make: () => repeated('corpus.jsonl', '', 'x', 100e6),
    read: readCorpus,
    says: /corpus\.jsonl:1: the line is longer than the limit of 8 MiB/,
  },
  {
    name: 'no empty line in 100 MB of plain text',
    make: () => repeated('corpus.txt', '', 'some words\n', 100e6),
    read: readCorpus,
    says: /corpus\.txt:1: the paragraph is longer than the limit of 1 MiB/,
  },
  {
    name: 'JSON nested a million times',
    make: () => textSource('corpus.jsonl', `{"_id": "1", "text": ${'['.repeat(1e6)}${']'.repeat(1e6)}}`),
    read: readCorpus,
    says: /corpus\.jsonl:1: the JSON is nested deeper than 256 levels/,
  },
  {
    name: 'JSON objects nested a million times, unclosed',
    make: () => textSource('corpus.jsonl', '{"a":'.repeat(1e6)),
    read: readCorpus,
    says: /corpus\.jsonl:1: the JSON is nested deeper than 256 levels/,
  },
  {
    name: 'unclosed quotation mark before 20 MB of CSV',
    make: () => repeated('corpus.csv', 'id,text\n1,"', '2,some text\n', 20e6),
    read: readCorpus,
    says: /corpus\.csv:2: a quotation mark is opened .* not closed within 8 MiB/,
  },
  {
    name: 'CSV row that closes and opens on every line',
    make: () => repeated('corpus.csv', 'id,text\n1,"', ',",5" b,"\n', 20e6),
    read: readCorpus,
    says: /corpus\.csv:2: /,
  },
  {
    name: 'CSV row of doubled quotation marks',
    make: () => textSource('corpus.csv', `id,text\n1,"${'""'.repeat(2e6)}"\n`),
    read: readCorpus,
    says: /corpus\.csv:2: the row has \d+ delimiters and quotation marks, but the limit is 100000/,
  },
  {
    name: 'CSV row of misplaced quotation marks',
    make: () => textSource('corpus.csv', `id,text\n1,"${'a"b'.repeat(30_000)}\n`),
    read: readCorpus,
    says: /corpus\.csv:2: a quotation mark is misplaced/,
  },
  {
    name: 'CSV row of 8 million columns',
    make: () => textSource('corpus.csv', `id,text\n${','.repeat(8e6)}\n`),
    read: readCorpus,
    says: /corpus\.csv:2: the row has 8000000 delimiters/,
  },
  {
    name: 'CSV that is not UTF-8',
    make: () => bytesSource('corpus.csv', Uint8Array.of(0xff, 0xfe, 0x69, 0, 0x64, 0)),
    read: readCorpus,
    says: /corpus\.csv:1: is not valid UTF-8\. Save the file as UTF-8/,
  },
  {
    name: 'broken JSON on line 1,000',
    make: () => textSource('corpus.jsonl', `${ids(999)}{"_id": "x", "text": "cut`),
    read: readCorpus,
    says: /corpus\.jsonl:1000: not valid JSON/,
  },
  {
    name: 'repeated id',
    make: () => textSource('corpus.jsonl', `${ids(999)}{"_id": "5", "text": "y"}`),
    read: readCorpus,
    says: /corpus\.jsonl:1000: the id "5" is already used on line 6/,
  },
  {
    name: 'keys of 2 MB with a terminal escape, in the message',
    make: () => textSource('lists.jsonl', JSON.stringify({ [`\u001b[2J${'x'.repeat(2e6)}`]: 1 })),
    read: readTraining,
    says: /lists\.jsonl:1: no format of training lists has the keys "\\u\{1b\}\[2Jx+…"/,
  },
  {
    name: 'training list of 100 MB in one line',
    make: () => repeated('lists.jsonl', '{"query": "q", "pos": ["', 'x', 100e6),
    read: readTraining,
    says: /lists\.jsonl:1: the line is longer than the limit of 16 MiB/,
  },
  {
    name: 'judgments with a __proto__ object for a grade',
    make: () => textSource('qrels.jsonl', '{"query-id": "1", "corpus-id": "2", "score": {"__proto__": 1}}'),
    read: readQrels,
    says: /qrels\.jsonl:1: "score" is not a number/,
  },
  {
    name: 'judgments of binary data',
    make: () => bytesSource('test.tsv', rawZip([honest])),
    read: readQrels,
    says: /test\.tsv:\d+: /,
  },
];

function ids(count: number): string {
  return Array.from({ length: count }, (_, i) => `{"_id": "${i}", "text": "x"}\n`).join('');
}

export const attacks: readonly Attack[] = [...zipAttacks, ...textAttacks];
