import fc from 'fast-check';
import { strToU8, zipSync } from 'fflate';
import { describe, expect, it } from 'vitest';
import { crc32 } from '../../src/formats/crc32.ts';
import type { ByteSource } from '../../src/core/source.ts';
import { bytesSource, readRange } from '../../src/core/source.ts';
import { isZip, openZip } from '../../src/formats/zip.ts';
import { RandomStream } from '../../src/core/random.ts';
import { concatenate, rawZip } from '../corpus/raw-zip.ts';
import { streamedZip } from '../corpus/streamed-zip.ts';
import { collect, refused } from '../corpus/support.ts';

const open = (bytes: Uint8Array) => openZip(bytesSource('a.zip', bytes));

async function contents(bytes: Uint8Array): Promise<Map<string, string>> {
  const tree = await open(bytes);
  const texts = new Map<string, string>();
  for (const path of tree.paths) {
    const source = await tree.open(path);
    texts.set(path, new TextDecoder().decode(await readRange(source, 0, source.size)));
  }
  return texts;
}

describe('zips', () => {
  it('give their files in any order, stored or deflated, with any comment', async () => {
    const zip = zipSync(
      {
        'set/b c.jsonl': strToU8('text '.repeat(1000)),
        'set/Größe 大.txt': [strToU8('stored'), { level: 0 }],
        'set/empty': new Uint8Array(0),
        'set/folder/': new Uint8Array(0),
        '__MACOSX/set/._b': strToU8('x'),
        'set/.DS_Store': strToU8('x'),
      },
      { comment: 'a comment' },
    );
    expect(await contents(zip)).toEqual(
      new Map([
        ['set/Größe 大.txt', 'stored'],
        ['set/b c.jsonl', 'text '.repeat(1000)],
        ['set/empty', ''],
      ]),
    );
  });

  it('may have sizes and checksums behind the data', async () => {
    expect(await contents(streamedZip(new Map([['a.txt', strToU8('streamed '.repeat(50))]])))).toEqual(
      new Map([['a.txt', 'streamed '.repeat(50)]]),
    );
  });

  it('may be zip64, in the directory, in each entry or in both', async () => {
    const entries = ['a', 'b'].map((name) => ({ name, packed: strToU8(`text of ${name}`) }));
    const wide = entries.map((entry) => ({ ...entry, isWide: true }));
    const expected = new Map(entries.map(({ name }) => [name, `text of ${name}`]));
    expect(await contents(rawZip(entries, { zip64: true }))).toEqual(expected);
    expect(await contents(rawZip(wide))).toEqual(expected);
    expect(await contents(rawZip(wide, { zip64: true, comment: strToU8('PK') }))).toEqual(expected);
  });

  it('may be empty', async () => {
    expect((await open(rawZip([]))).paths).toEqual([]);
  });

  it('are told from other files', async () => {
    expect(await isZip(bytesSource('a', zipSync({ a: strToU8('x') })))).toBe(true);
    expect(await isZip(bytesSource('a', rawZip([])))).toBe(true);
    expect(await isZip(bytesSource('a', strToU8('PK but nothing like a zip at all')))).toBe(false);
    expect(await isZip(bytesSource('a', strToU8('PK')))).toBe(false);
  });

  it('do not have other files', async () => {
    const tree = await open(rawZip([{ name: 'a.txt' }]));
    expect(await refused(tree.open('toString'))).toBe(
      'a.zip: has no toString. Use a folder with this file; this one contains a.txt.',
    );
  });

  it('read the same in whatever pieces they come', async () => {
    const path = 'corpus.jsonl';
    await fc.assert(
      fc.asyncProperty(
        fc.uint8Array({ maxLength: 3000 }),
        fc.integer({ min: 1, max: 40 }),
        fc.array(fc.integer({ min: 1, max: 700 }), { minLength: 1, maxLength: 8 }),
        fc.constantFrom<0 | 1 | 9>(0, 1, 9),
        async (piece, repeats, sizes, level) => {
          const data = concatenate(Array.from({ length: repeats }, () => piece));
          const zip = zipSync({ [path]: [data, { level }] });
          const source = await (
            await openZip(inPieces(bytesSource('a.zip', zip), sizes), { maxRatio: 1e9 })
          ).open(path);
          expect(Buffer.compare(await readRange(source, 0, source.size), data)).toBe(0);
          const [from, to] = [data.length >> 2, data.length >> 1];
          expect(Buffer.compare(await readRange(source, from, to), data.subarray(from, to))).toBe(0);
        },
      ),
      { numRuns: 100, seed: 1 },
    );
  });

  it('stream an entry in pieces, not whole', async () => {
    const random = new RandomStream(1);
    const text = Uint8Array.from({ length: 200_000 }, () => 97 + random.integer(16));
    const source = await (await open(zipSync({ a: text }))).open('a');
    const chunks = await collect(source.stream());
    expect(chunks.length).toBeGreaterThan(10);
    expect(Buffer.compare(concatenate(chunks), text)).toBe(0);
  });
});

function inPieces(source: ByteSource, sizes: readonly number[]): ByteSource {
  async function* stream(start = 0, end = source.size): AsyncGenerator<Uint8Array> {
    const bytes = await readRange(source, start, end);
    for (let at = 0, i = 0; at < bytes.length; i++) {
      const size = sizes[i % sizes.length]!;
      yield bytes.slice(at, at + size);
      at += size;
    }
  }
  return { name: source.name, size: source.size, stream };
}

describe('crc32', () => {
  it('has the check value of the standard, whole or in parts', () => {
    const bytes = strToU8('123456789');
    expect(crc32(bytes)).toBe(0xcbf43926);
    expect(crc32(bytes.subarray(4), crc32(bytes.subarray(0, 4)))).toBe(0xcbf43926);
    expect(crc32(new Uint8Array(0))).toBe(0);
  });
});
