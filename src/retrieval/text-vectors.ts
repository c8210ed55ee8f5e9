/** Vectors that an encoder made of queries and passages, found by their texts, and the file that holds them. */
import { sha256 } from '../core/sha256.ts';
import { InputError } from '../core/errors.ts';
import { norm } from '../core/exact-math.ts';
import { quoted } from '../core/shown.ts';
import { readRange, type ByteSource } from '../core/source.ts';
import type { LoadableEncoder, LoadedEncoder } from '../encoders/model-library.ts';
import {
  fromFloat32,
  numbersOf,
  readSafetensors,
  toInt8,
  writeSafetensors,
  type StoredTensor,
} from '../formats/safetensors.ts';

type Side = 'query' | 'passage';

/** The tensors of a side: its vectors [texts, dimension], and by what they are found [texts, 8]. */
const tensorNames = {
  query: { vectors: 'queries', texts: 'query_texts' },
  passage: { vectors: 'passages', texts: 'passage_texts' },
} as const;

/** Of a text's SHA-256: among a million texts, two have the same with a chance of 3 in 10⁸. */
const bytesOfText = 8;

interface SideVectors {
  /** Of length 1 each, or 0. [texts, dimension] */
  readonly vectors: Float32Array<ArrayBuffer>;
  readonly rows: ReadonlyMap<string, number>;
}

/**
 * The vectors of an encoder without the encoder. A vector is found by the side and the exact text, whatever ids the
 * text has: it is either the vector of that text or missing.
 */
export class TextVectors implements LoadableEncoder {
  /** As messages name them. */
  readonly name: string;
  /** SHA-256 of the file. */
  readonly hash: string;
  readonly dimension: number;
  readonly #sides: Readonly<Record<Side, SideVectors>>;

  constructor(name: string, hash: string, dimension: number, sides: Readonly<Record<Side, SideVectors>>) {
    this.name = name;
    this.hash = hash;
    this.dimension = dimension;
    this.#sides = sides;
  }

  /** The vectors of a side, of length 1 each or 0, [texts, dimension]. */
  vectorsOf(side: Side): Float32Array<ArrayBuffer> {
    return this.#sides[side].vectors;
  }

  /** The rows of texts, -1 for those without a vector. */
  async findRows(texts: readonly string[], side: Side): Promise<Int32Array<ArrayBuffer>> {
    const { rows } = this.#sides[side];
    return Int32Array.from(await keysOf(texts), (key) => rows.get(key) ?? -1);
  }

  /** The rows of texts. @throws InputError if one has no vector */
  async rowsOf(texts: readonly string[], side: Side): Promise<Int32Array<ArrayBuffer>> {
    const found = await this.findRows(texts, side);
    const first = texts[found.indexOf(-1)];
    if (first === undefined) return found;
    const missing = new Set(texts.filter((_, i) => found[i] === -1)).size;
    const what = side === 'query' ? 'queries' : 'passages';
    throw new InputError(
      `no vectors for ${missing} of ${new Set(texts).size} ${what}, such as ${quoted(first)}`,
      {
        file: this.name,
        remedy:
          'Use vectors of exactly these texts (`retriever-studio embed --lists`), or the encoder itself',
      },
    );
  }

  /** An encoder that knows its texts: the same interface, for scoring and search. */
  load(): Promise<LoadedEncoder> {
    const { dimension } = this;
    return Promise.resolve({
      dimensions: dimension,
      embed: async (texts: readonly string[], side: Side) => {
        const all = this.vectorsOf(side);
        const vectors = new Float32Array(texts.length * dimension);
        (await this.rowsOf(texts, side)).forEach((row, i) => {
          vectors.set(all.subarray(row * dimension, (row + 1) * dimension), i * dimension);
        });
        return vectors;
      },
      close: () => Promise.resolve(),
    });
  }
}

/** By what texts are found. */
async function keysOf(texts: readonly string[]): Promise<readonly string[]> {
  const keys: string[] = [];
  for (let start = 0; start < texts.length; start += textsAtOnce) {
    const hashes = await Promise.all(texts.slice(start, start + textsAtOnce).map((text) => sha256(text)));
    keys.push(...hashes.map((hash) => hash.slice(0, 2 * bytesOfText)));
  }
  return keys;
}

const textsAtOnce = 1024;

export interface WrittenVectors {
  readonly texts: readonly string[];
  /** [texts, dimension] */
  readonly vectors: Float32Array;
}

export interface TextVectorsContent {
  readonly queries: WrittenVectors;
  readonly passages: WrittenVectors;
  readonly dimension: number;
  /** What made them. */
  readonly model: string;
  /** `I8` takes a quarter of the bytes: each vector over 1/127 of its largest value. `F32` by default. */
  readonly type?: 'F32' | 'I8';
}

/**
 * The file: safetensors with `queries` and `passages` [texts, dimension] of any length, and `query_texts` and
 * `passage_texts`, the first 8 bytes of the SHA-256 of each text in UTF-8.
 */
export async function writeTextVectors({
  queries,
  passages,
  dimension,
  model,
  type = 'F32',
}: TextVectorsContent): Promise<Uint8Array<ArrayBuffer>> {
  const tensors = new Map<string, StoredTensor>();
  for (const [side, { texts, vectors }] of [
    ['query', queries],
    ['passage', passages],
  ] as const) {
    const dims = [texts.length, dimension];
    if (vectors.length !== texts.length * dimension) {
      throw new RangeError(`${vectors.length} values are not ${texts.length} vectors of ${dimension}`);
    }
    const names = tensorNames[side];
    tensors.set(
      names.vectors,
      type === 'F32' ? fromFloat32(dims, new Float32Array(vectors)) : toInt8(dims, vectors, dimension),
    );
    const keys = (await keysOf(texts)).map((key) => Uint8Array.from(bytesOfHex(key)));
    const data = new Uint8Array(keys.length * bytesOfText);
    keys.forEach((key, i) => data.set(key, i * bytesOfText));
    tensors.set(names.texts, { dtype: 'U8', dims: [texts.length, bytesOfText], data });
  }
  return writeSafetensors(tensors, new Map([['model', model]]));
}

function bytesOfHex(hex: string): number[] {
  return Array.from({ length: hex.length / 2 }, (_, i) => parseInt(hex.slice(2 * i, 2 * i + 2), 16));
}

/** @throws InputError naming the file and what it lacks */
export async function readTextVectors(source: ByteSource): Promise<TextVectors> {
  const bytes = await readRange(source, 0, source.size);
  const { tensors } = readSafetensors(bytes, source.name);
  const fail = (problem: string, remedy = 'Use a file that `retriever-studio embed --lists` has written') =>
    new InputError(problem, { file: source.name, remedy });
  const matrix = (name: string): StoredTensor & { readonly rows: number; readonly columns: number } => {
    const tensor = tensors.get(name);
    if (tensor === undefined) throw fail(`this file of vectors has no tensor '${name}'`);
    const [rows, columns, ...more] = tensor.dims;
    if (rows === undefined || columns === undefined || more.length > 0) {
      throw fail(`tensor '${name}' has the shape [${tensor.dims.join(', ')}], not that of a matrix`);
    }
    return { ...tensor, rows, columns };
  };
  const dimensions = { query: matrix('queries').columns, passage: matrix('passages').columns };
  if (dimensions.query === 0) throw fail('its vectors have no dimension');
  if (dimensions.query !== dimensions.passage) {
    throw fail(
      `the vectors of queries have ${dimensions.query} dimensions and those of passages ${dimensions.passage}`,
      'Use vectors that one model has made',
    );
  }
  const readSide = (side: Side): SideVectors => {
    const names = tensorNames[side];
    const stored = matrix(names.vectors);
    const texts = matrix(names.texts);
    if (texts.dtype !== 'U8' || texts.columns !== bytesOfText || texts.rows !== stored.rows) {
      throw fail(
        `tensor '${names.texts}' does not hold ${bytesOfText} bytes for each of ${stored.rows} texts`,
      );
    }
    const values = readTypes.includes(stored.dtype)
      ? numbersOf(stored, names.vectors, source.name)
      : undefined;
    if (!(values instanceof Float32Array)) {
      throw fail(`tensor '${names.vectors}' has the type ${stored.dtype}`, 'Use F32, F16, BF16 or I8');
    }
    const vectors = unitRows(values, stored.columns);
    const bad = vectors.findIndex((value) => !Number.isFinite(value));
    if (bad !== -1) {
      const row = Math.floor(bad / stored.columns);
      throw fail(`row ${row} of tensor '${names.vectors}' has a value that is not finite`, 'Fix the vector');
    }
    const rows = new Map<string, number>();
    for (let row = 0; row < texts.rows; row++) {
      const key = texts.data.subarray(row * bytesOfText, (row + 1) * bytesOfText);
      rows.set(Array.from(key, (byte) => byte.toString(16).padStart(2, '0')).join(''), row);
    }
    return { vectors, rows };
  };
  const sides = { query: readSide('query'), passage: readSide('passage') };
  return new TextVectors(source.name, await sha256(bytes), dimensions.query, sides);
}

const readTypes: readonly string[] = ['F32', 'F16', 'BF16', 'I8'];

/** Each row over its length, in place; a row of zeros stays one. */
export function unitRows(vectors: Float32Array<ArrayBuffer>, dimension: number): Float32Array<ArrayBuffer> {
  for (let start = 0; start < vectors.length; start += dimension) {
    const length = norm(vectors.subarray(start, start + dimension));
    if (length === 0) continue;
    for (let at = start; at < start + dimension; at++) vectors[at] = (vectors[at] as number) / length;
  }
  return vectors;
}
