/**
 * The inner loop of exact search: dot products of a block of documents with four queries, in WebAssembly with
 * 128-bit SIMD. Scalar JavaScript reaches a tenth of it (bench/RESULTS-retrieval.md), and is used where there is no
 * SIMD. The module is assembled here from its instructions, less than 800 bytes, so that it needs no compiler and no
 * file.
 *
 * Each dot product is summed in the same order, regardless of its neighbors: four float32 sums, of the columns
 * 0, 4, 8 …, 1, 5, 9 … and so on, then ((sum 0 + sum 2) + (sum 1 + sum 3)). WebAssembly's SIMD rounds the same way
 * on every machine, and so does JavaScript, so a score is the same bits in every block, batch, worker and host.
 */

/** Queries scored at once, and columns of a block of scores. */
export const SCORE_COLUMNS = 4;
const LANES = 4;
const BYTES_PER_LANE = 4;
const VECTOR_BYTES = LANES * BYTES_PER_LANE;
const PAGE_BYTES = 65_536;
/** A block of documents should stay in a core's own cache while all queries pass over it. */
const BLOCK_BYTES = 256 * 1024;

/** The part of the WebAssembly interface in use; TypeScript has it in the DOM's library only. */
declare const WebAssembly: {
  readonly Module: new (bytes: Uint8Array<ArrayBuffer>) => object;
  readonly Instance: new (
    module: object,
    imports: object,
  ) => { readonly exports: Readonly<Record<string, unknown>> };
  readonly Memory: new (descriptor: { initial: number }) => Memory;
};

interface Memory {
  readonly buffer: ArrayBuffer;
  grow(pages: number): number;
}

interface Kernel {
  readonly memory: Memory;
  /** Addresses and a length, in bytes. */
  readonly score: (queries: number, documents: number, end: number, scores: number, rowBytes: number) => void;
}

/** One for the thread: every memory reserves gigabytes of address space. */
let kernel: Kernel | undefined;

/** Receives the dot products of some neighboring documents with up to four neighboring queries. */
export type ScoreVisitor = (block: {
  readonly firstDocument: number;
  readonly documents: number;
  readonly firstQuery: number;
  readonly queries: number;
  /** [documents, SCORE_COLUMNS], valid during the call. */
  readonly scores: Float32Array;
}) => void;

/**
 * All dot products of documents with queries, in blocks: every document once, in order, against all queries.
 *
 * Memory: a copy of the queries, and a block of documents with its scores (some 300 KB).
 * @param documents [documents, dimensions]
 * @param queries [queries, dimensions]
 */
export function visitScores(
  documents: Float32Array,
  queries: Float32Array,
  dimensions: number,
  visit: ScoreVisitor,
): void {
  const documentCount = documents.length / dimensions;
  const queryCount = queries.length / dimensions;
  const paddedDimensions = Math.ceil(dimensions / LANES) * LANES;
  const rowBytes = paddedDimensions * BYTES_PER_LANE;
  const blockRows = 2 * Math.max(1, Math.floor(BLOCK_BYTES / rowBytes / 2));
  const groups = Math.ceil(queryCount / SCORE_COLUMNS);

  const queriesBytes = groups * SCORE_COLUMNS * rowBytes;
  const documentsBytes = blockRows * rowBytes;
  const { memory, score } = kernelWithMemory(
    queriesBytes + documentsBytes + blockRows * SCORE_COLUMNS * BYTES_PER_LANE,
  );
  packQueries(new Float32Array(memory.buffer, 0, queriesBytes / BYTES_PER_LANE), queries, dimensions);
  const block = new Float32Array(memory.buffer, queriesBytes, blockRows * paddedDimensions);
  const scores = new Float32Array(memory.buffer, queriesBytes + documentsBytes, blockRows * SCORE_COLUMNS);
  // The padding after each row has to be 0; an earlier call may have written there.
  if (paddedDimensions !== dimensions) block.fill(0);

  for (let firstDocument = 0; firstDocument < documentCount; firstDocument += blockRows) {
    const rows = Math.min(blockRows, documentCount - firstDocument);
    const source = documents.subarray(firstDocument * dimensions, (firstDocument + rows) * dimensions);
    copyRows(block, source, dimensions, paddedDimensions);
    // Two documents are scored at once: a last single one is paired with a row left by an earlier block.
    const end = queriesBytes + 2 * Math.ceil(rows / 2) * rowBytes;
    for (let group = 0; group < groups; group++) {
      const firstQuery = group * SCORE_COLUMNS;
      score(firstQuery * rowBytes, queriesBytes, end, scores.byteOffset, rowBytes);
      visit({
        firstDocument,
        documents: rows,
        firstQuery,
        queries: Math.min(SCORE_COLUMNS, queryCount - firstQuery),
        scores,
      });
    }
  }
}

/** Four columns of each of four queries in turn: [group][column / 4][query of the group][column % 4]. */
function packQueries(packed: Float32Array, queries: Float32Array, dimensions: number): void {
  packed.fill(0);
  const groupLength = SCORE_COLUMNS * Math.ceil(dimensions / LANES) * LANES;
  for (let query = 0; query < queries.length / dimensions; query++) {
    const start = Math.floor(query / SCORE_COLUMNS) * groupLength + (query % SCORE_COLUMNS) * LANES;
    for (let column = 0; column < dimensions; column++) {
      const offset = Math.floor(column / LANES) * SCORE_COLUMNS * LANES + (column % LANES);
      packed[start + offset] = queries[query * dimensions + column] as number;
    }
  }
}

function copyRows(
  target: Float32Array,
  source: Float32Array,
  dimensions: number,
  paddedDimensions: number,
): void {
  if (dimensions === paddedDimensions) {
    target.set(source);
    return;
  }
  for (let row = 0; row < source.length / dimensions; row++) {
    target.set(source.subarray(row * dimensions, (row + 1) * dimensions), row * paddedDimensions);
  }
}

function kernelWithMemory(bytes: number): Kernel {
  kernel ??= openKernel();
  const missing = bytes - kernel.memory.buffer.byteLength;
  if (missing > 0) kernel.memory.grow(Math.ceil(missing / PAGE_BYTES));
  return kernel;
}

function openKernel(): Kernel {
  try {
    return instantiate();
  } catch {
    // An engine without WebAssembly or its SIMD, or a page that is not allowed to compile: slower, with the same bits.
    return scriptKernel();
  }
}

/** The same additions in the same order, in JavaScript. */
function scriptKernel(): Kernel {
  let buffer = new ArrayBuffer(0);
  const memory: Memory = {
    get buffer() {
      return buffer;
    },
    grow(pages) {
      // Whoever asks fills all of it again.
      buffer = new ArrayBuffer(buffer.byteLength + pages * PAGE_BYTES);
      return pages;
    },
  };
  return {
    memory,
    score: (queries, documents, end, scores, rowBytes) => {
      const values = new Float32Array(buffer);
      const at = (address: number): number => address / BYTES_PER_LANE;
      const row = at(rowBytes);
      let target = at(scores);
      for (let document = at(documents); document < at(end); document += row) {
        for (let query = 0; query < SCORE_COLUMNS; query++) {
          values[target++] = scriptDot(values, document, at(queries) + query * LANES, row);
        }
      }
    },
  };
}

/** @param query where the packed query begins, whose next columns follow those of the group's others */
function scriptDot(values: Float32Array, document: number, query: number, row: number): number {
  let [sum0, sum1, sum2, sum3] = [0, 0, 0, 0];
  const product = (i: number, j: number): number =>
    Math.fround((values[i] as number) * (values[j] as number));
  for (let column = 0; column < row; column += LANES) {
    const i = document + column;
    const j = query + column * SCORE_COLUMNS;
    sum0 = Math.fround(sum0 + product(i, j));
    sum1 = Math.fround(sum1 + product(i + 1, j + 1));
    sum2 = Math.fround(sum2 + product(i + 2, j + 2));
    sum3 = Math.fround(sum3 + product(i + 3, j + 3));
  }
  return Math.fround(Math.fround(sum0 + sum2) + Math.fround(sum1 + sum3));
}

function instantiate(): Kernel {
  const memory = new WebAssembly.Memory({ initial: 0 });
  const module = new WebAssembly.Module(assembleModule());
  const { score } = new WebAssembly.Instance(module, { host: { memory } }).exports;
  if (typeof score !== 'function') throw new Error('the dot product module has no function "score"');
  return { memory, score: score as Kernel['score'] };
}

type Code = readonly number[];

const I32 = 0x7f;
const V128 = 0x7b;

/** LEB128, for sizes, indexes and the small positive constants used here. */
function unsigned(value: number): Code {
  return value < 0x80 ? [value] : [(value & 0x7f) | 0x80, ...unsigned(value >>> 7)];
}

function vector(items: readonly Code[]): Code {
  return [...unsigned(items.length), ...items.flat()];
}

function section(id: number, content: Code): Code {
  return [id, ...unsigned(content.length), ...content];
}

function name(text: string): Code {
  return vector(Array.from(text, (character) => [character.charCodeAt(0)]));
}

const get = (local: number): Code => [0x20, ...unsigned(local)];
const set = (local: number): Code => [0x21, ...unsigned(local)];
/** The constant is a signed LEB128: its last byte must leave the sign bit 0. */
const constant = (value: number): Code =>
  value < 0x40 ? [0x41, value] : [0x41, (value & 0x7f) | 0x80, ...unsigned(value >>> 7)];
const add: Code = [0x6a];
const lessThan: Code = [0x49];
/** Runs the body once, and again while the value it leaves is not 0. */
const repeat = (...body: readonly Code[]): Code => [0x03, 0x40, ...body.flat(), 0x0d, 0, 0x0b];
const simd = (opcode: number, ...immediates: Code): Code => [0xfd, ...unsigned(opcode), ...immediates];
/** Alignment 2^4 bytes. */
const load = (offset: number): Code => simd(0x00, 4, ...unsigned(offset));
const store = (offset: number): Code => simd(0x0b, 4, ...unsigned(offset));
const zeros: Code = simd(0x0c, ...Array.from({ length: VECTOR_BYTES }, () => 0));
const addFloats: Code = simd(0xe4);
const multiplyFloats: Code = simd(0xe6);
/** Picks four of the eight float32 lanes of two vectors. */
const shuffle = (...lanes: readonly number[]): Code =>
  simd(0x0d, ...lanes.flatMap((lane) => [0, 1, 2, 3].map((byte) => lane * BYTES_PER_LANE + byte)));

/** (queries, documents, end of the documents, scores, bytes of a row) → nothing. */
function assembleModule(): Uint8Array<ArrayBuffer> {
  const [queries, documents, end, scores, rowBytes] = [0, 1, 2, 3, 4] as const;
  const [query, first, second, firstEnd] = [5, 6, 7, 8] as const;
  const [firstValues, secondValues, queryValues] = [9, 10, 11] as const;
  const sums = [
    [12, 13, 14, 15],
    [16, 17, 18, 19],
  ] as const;
  const advance = (local: number, ...by: readonly Code[]): Code =>
    [get(local), ...by, add, set(local)].flat();

  const multiplyAdd = (sum: number, values: number): Code =>
    [get(sum), get(queryValues), get(values), multiplyFloats, addFloats, set(sum)].flat();
  const columns = repeat(
    [get(first), load(0), set(firstValues)].flat(),
    [get(second), load(0), set(secondValues)].flat(),
    ...[0, 1, 2, 3].map((i) =>
      [
        [get(query), load(i * VECTOR_BYTES), set(queryValues)].flat(),
        multiplyAdd(sums[0][i] as number, firstValues),
        multiplyAdd(sums[1][i] as number, secondValues),
      ].flat(),
    ),
    advance(query, constant(SCORE_COLUMNS * VECTOR_BYTES)),
    advance(first, constant(VECTOR_BYTES)),
    advance(second, constant(VECTOR_BYTES)),
    [get(first), get(firstEnd), lessThan].flat(),
  );

  /** [a0 + a2, a1 + a3] of one sum's lanes and of another's, interleaved. */
  const halve = (a: number, b: number): Code =>
    [get(a), get(b), shuffle(0, 4, 1, 5), get(a), get(b), shuffle(2, 6, 3, 7), addFloats].flat();
  const storeSums = ([a, b, c, d]: (typeof sums)[number], offset: number): Code =>
    [
      [...halve(a, b), ...set(firstValues), ...halve(c, d), ...set(secondValues)],
      get(scores),
      [get(firstValues), get(secondValues), shuffle(0, 1, 4, 5)].flat(),
      [get(firstValues), get(secondValues), shuffle(2, 3, 6, 7)].flat(),
      addFloats,
      store(offset),
    ].flat();

  const pairs = repeat(
    ...sums.flat().map((sum) => [...zeros, ...set(sum)]),
    [get(queries), set(query)].flat(),
    [get(documents), set(first)].flat(),
    // The first row ends where the second starts.
    [get(documents), get(rowBytes), add, set(second), get(second), set(firstEnd)].flat(),
    columns,
    storeSums(sums[0], 0),
    storeSums(sums[1], VECTOR_BYTES),
    advance(documents, get(rowBytes), get(rowBytes), add),
    advance(scores, constant(2 * VECTOR_BYTES)),
    [get(documents), get(end), lessThan].flat(),
  );

  const locals = vector([
    [...unsigned(4), I32],
    [...unsigned(11), V128],
  ]);
  const body = [...locals, ...pairs, 0x0b];
  return Uint8Array.from([
    ...[0x00, 0x61, 0x73, 0x6d, 0x01, 0x00, 0x00, 0x00],
    ...section(1, vector([[0x60, ...vector([[I32], [I32], [I32], [I32], [I32]]), ...vector([])]])),
    ...section(2, vector([[...name('host'), ...name('memory'), 0x02, 0x00, 0x00]])),
    ...section(3, vector([[0]])),
    ...section(7, vector([[...name('score'), 0x00, 0x00]])),
    ...section(10, vector([[...unsigned(body.length), ...body]])),
  ]);
}
