import { createHash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { InputError } from '../../src/core/errors.ts';
import { RandomStream } from '../../src/core/random.ts';
import { bytesSource } from '../../src/core/source.ts';
import { fromFloat32, readSafetensors, toFloat16, writeSafetensors } from '../../src/formats/safetensors.ts';
import { readTextVectors, writeTextVectors, type TextVectors } from '../../src/retrieval/text-vectors.ts';

const dimension = 24;
const random = new RandomStream(1, 'text vectors');
const written = (texts: readonly string[]) => ({
  texts,
  vectors: Float32Array.from({ length: texts.length * dimension }, () => 3 * random.normal()),
});
const content = {
  queries: written(['heat', 'light']),
  passages: written(['heat', 'water (2)', 'Ünïcode …']),
  dimension,
  model: 'test',
};
const read = (bytes: Uint8Array): Promise<TextVectors> =>
  readTextVectors(bytesSource('v.safetensors', bytes));
const embed = async (vectors: TextVectors, texts: readonly string[], side: 'query' | 'passage') =>
  (await vectors.load()).embed(texts, side);
const dot = (a: Float32Array, b: Float32Array): number => a.reduce((sum, x, i) => sum + x * b[i]!, 0);
const rowOf = (all: Float32Array, row: number): Float32Array =>
  all.subarray(row * dimension, (row + 1) * dimension);

describe('vectors of texts', () => {
  it('are found by side and text, with length 1', async () => {
    const vectors = await read(await writeTextVectors(content));
    const found = await embed(vectors, ['Ünïcode …', 'heat', 'heat'], 'passage');
    for (const [row, place] of [2, 0, 0].entries()) {
      const given = rowOf(content.passages.vectors, place);
      const length = Math.sqrt(dot(given, given));
      expect(dot(rowOf(found, row), given) / length).toBeCloseTo(1, 6);
      expect(dot(rowOf(found, row), rowOf(found, row))).toBeCloseTo(1, 6);
    }
    expect(await embed(vectors, ['heat'], 'query')).not.toEqual(rowOf(found, 1));
  });

  it('are named in the file by the first 8 bytes of the SHA-256 of the text', async () => {
    const { tensors, metadata } = readSafetensors(await writeTextVectors(content), 'v');
    const expected = content.passages.texts.map((text) =>
      createHash('sha256').update(text).digest().subarray(0, 8),
    );
    expect(Buffer.from(tensors.get('passage_texts')!.data).equals(Buffer.concat(expected))).toBe(true);
    expect(metadata.get('model')).toBe('test');
  });

  it('take a quarter of the bytes as int8, with cosines within 0.01', async () => {
    const [whole, compact] = [
      await writeTextVectors(content),
      await writeTextVectors({ ...content, type: 'I8' }),
    ];
    expect(compact.length).toBeLessThan(whole.length - 2.9 * dimension * 5);
    const [exact, rounded] = [await read(whole), await read(compact)];
    const cosines = (of: TextVectors): number[] =>
      [0, 1].flatMap((query) =>
        [0, 1, 2].map((passage) =>
          dot(rowOf(of.vectorsOf('query'), query), rowOf(of.vectorsOf('passage'), passage)),
        ),
      );
    cosines(rounded).forEach((cosine, i) => expect(Math.abs(cosine - cosines(exact)[i]!)).toBeLessThan(0.01));
  });

  it('are missing for any other text, in one line', async () => {
    const vectors = await read(await writeTextVectors(content));
    await expect(embed(vectors, ['heat', 'Heat', 'x'], 'query')).rejects.toThrow(
      'v.safetensors: no vectors for 2 of 3 queries, such as "Heat". Use vectors of exactly these texts',
    );
    await expect(embed(vectors, ['light'], 'passage')).rejects.toThrow(InputError);
  });

  const tensors = async () => new Map(readSafetensors(await writeTextVectors(content), 'v').tensors);
  it('may be float16', async () => {
    const stored = await tensors();
    stored.set('queries', toFloat16([2, dimension], content.queries.vectors));
    const halves = await read(writeSafetensors(stored));
    expect(dot(rowOf(halves.vectorsOf('query'), 0), rowOf(halves.vectorsOf('query'), 0))).toBeCloseTo(1, 6);
  });

  it.each<[string, (stored: Awaited<ReturnType<typeof tensors>>) => unknown, RegExp]>([
    ['a missing side', (stored) => stored.delete('passages'), /has no tensor 'passages'/],
    ['missing texts', (stored) => stored.delete('query_texts'), /has no tensor 'query_texts'/],
    [
      'another dimension',
      (stored) => stored.set('queries', fromFloat32([2, 3], new Float32Array(6).fill(1))),
      /vectors of queries have 3 dimensions and those of passages 24\. Use vectors that one model has made/,
    ],
    [
      'a vector without a text',
      (stored) => stored.set('queries', fromFloat32([1, dimension], new Float32Array(dimension).fill(1))),
      /'query_texts' does not hold 8 bytes for each of 1 texts/,
    ],
    [
      'a value that is not finite',
      (stored) =>
        stored.set('queries', fromFloat32([2, dimension], new Float32Array(48).fill(1, 1).fill(NaN, 30, 31))),
      /row 1 of tensor 'queries' has a value that is not finite/,
    ],
    [
      'integers',
      (stored) => stored.set('queries', { dtype: 'U8', dims: [2, dimension], data: new Uint8Array(48) }),
      /'queries' has the type U8\. Use F32, F16, BF16 or I8/,
    ],
    [
      'no dimension',
      (stored) => {
        stored.set('queries', fromFloat32([2, 0], new Float32Array(0)));
        stored.set('passages', fromFloat32([3, 0], new Float32Array(0)));
      },
      /vectors have no dimension/,
    ],
  ])('are refused with %s', async (_, change, message) => {
    const stored = await tensors();
    change(stored);
    await expect(read(writeSafetensors(stored))).rejects.toThrow(message);
    await expect(read(writeSafetensors(stored))).rejects.toThrow(/^v\.safetensors: /);
  });
});
