/**
 * Exact search over 100,000 vectors of 384 dimensions: single queries and batches, on this thread and on workers,
 * beside plain JavaScript loops and beside the time it takes only to copy the vectors through the cache once.
 * Checks that every split gives the same bits. Rates are of processor time (of all threads together), so that a busy
 * machine does not count.
 *
 * Run: npm run bench -- vector-search
 */
import { openWorkerPool } from '../src/host/node/workers.ts';
import { RandomStream } from '../src/core/random.ts';
import { TopK } from '../src/retrieval/top-k.ts';
import { VectorIndex } from '../src/retrieval/vectors.ts';
import { fastest, printTable } from './support/measure.ts';

const COUNT = 100_000;
const DIMENSIONS = 384;
const K = 100;
const BATCHES = [1, 4, 32, 256];

function unitVectors(count: number, name: string): Float32Array<ArrayBuffer> {
  const random = new RandomStream(1, name);
  const vectors = Float32Array.from({ length: count * DIMENSIONS }, () => random.uniform() - 0.5);
  for (let row = 0; row < count; row++) {
    const vector = vectors.subarray(row * DIMENSIONS, (row + 1) * DIMENSIONS);
    const norm = Math.sqrt(vector.reduce((sum, value) => sum + value * value, 0));
    for (let i = 0; i < DIMENSIONS; i++) vector[i] = (vector[i] as number) / norm;
  }
  return vectors;
}

const vectors = unitVectors(COUNT, 'documents');
const allQueries = unitVectors(Math.max(...BATCHES), 'queries');
const ids = Array.from({ length: COUNT }, (_, i) => `d${i}`);
const bytes = vectors.byteLength;

/** One query at a time: four sums, as V8 adds in double precision. */
function scalarSearch(queries: Float32Array): void {
  for (let start = 0; start < queries.length; start += DIMENSIONS) {
    const query = queries.subarray(start, start + DIMENSIONS);
    const best = new TopK(K);
    for (let row = 0; row < COUNT; row++) {
      const offset = row * DIMENSIONS;
      let a = 0;
      let b = 0;
      let c = 0;
      let d = 0;
      for (let i = 0; i < DIMENSIONS; i += 4) {
        a += (query[i] as number) * (vectors[offset + i] as number);
        b += (query[i + 1] as number) * (vectors[offset + i + 1] as number);
        c += (query[i + 2] as number) * (vectors[offset + i + 2] as number);
        d += (query[i + 3] as number) * (vectors[offset + i + 3] as number);
      }
      const score = Math.fround(a + b + (c + d));
      if (score >= best.threshold) best.offer(row, score);
    }
    best.take();
  }
}

/** Four queries and two documents at a time: each loaded value is used four or two times. */
function blockedScalarSearch(queries: Float32Array): void {
  const scores = new Float32Array(8);
  for (let start = 0; start < queries.length; start += 4 * DIMENSIONS) {
    const best = Array.from({ length: 4 }, () => new TopK(K));
    const [q0, q1, q2, q3] = [0, 1, 2, 3].map((i) => start + i * DIMENSIONS) as [
      number,
      number,
      number,
      number,
    ];
    for (let row = 0; row < COUNT; row += 2) {
      const first = row * DIMENSIONS;
      const second = first + DIMENSIONS;
      let a0 = 0;
      let a1 = 0;
      let a2 = 0;
      let a3 = 0;
      let b0 = 0;
      let b1 = 0;
      let b2 = 0;
      let b3 = 0;
      for (let i = 0; i < DIMENSIONS; i++) {
        const a = vectors[first + i] as number;
        const b = vectors[second + i] as number;
        const x0 = queries[q0 + i] as number;
        const x1 = queries[q1 + i] as number;
        const x2 = queries[q2 + i] as number;
        const x3 = queries[q3 + i] as number;
        a0 += x0 * a;
        a1 += x1 * a;
        a2 += x2 * a;
        a3 += x3 * a;
        b0 += x0 * b;
        b1 += x1 * b;
        b2 += x2 * b;
        b3 += x3 * b;
      }
      scores.set([a0, a1, a2, a3, b0, b1, b2, b3]);
      for (let i = 0; i < 8; i++) {
        const kept = best[i % 4];
        const score = scores[i] as number;
        if (kept !== undefined && score >= kept.threshold) kept.offer(row + (i >> 2), score);
      }
    }
    for (const kept of best) kept.take();
  }
}

/** What no search that copies its blocks can beat: the copy alone. */
function copyBlocks(): void {
  const block = new Float32Array(65_536);
  for (let start = 0; start < vectors.length; start += block.length) {
    block.set(vectors.subarray(start, start + block.length));
  }
}

const copying = await fastest(9, copyBlocks);
console.log(
  `Node ${process.version}, ${COUNT} × ${DIMENSIONS} (${(bytes / 1e6).toFixed(0)} MB), top ${K}; ` +
    `reading all vectors once: ${(copying.processor * 1000).toFixed(1)} ms, ${(bytes / copying.processor / 1e9).toFixed(1)} GB/s\n`,
);

const rows: string[][] = [];
async function report(name: string, batch: number, repeats: number, work: () => unknown): Promise<void> {
  await work();
  const { wall, processor } = await fastest(repeats, work);
  rows.push([
    name,
    String(batch),
    (wall * 1000).toFixed(1),
    (processor * 1000).toFixed(1),
    ((processor * 1000) / batch).toFixed(2),
    ((2 * batch * COUNT * DIMENSIONS) / processor / 1e9).toFixed(1),
    (processor / copying.processor).toFixed(1),
  ]);
}

await report('plain loops', 1, 9, () => scalarSearch(allQueries.subarray(0, DIMENSIONS)));
await report('plain loops, 4 queries × 2 documents', 32, 3, () =>
  blockedScalarSearch(allQueries.subarray(0, 32 * DIMENSIONS)),
);

// Compiled beside this file.
const entry = new URL('../workers/search.js', import.meta.url);
let expected = '';
for (const workers of [0, 1, 2, 4]) {
  const pool = workers === 0 ? undefined : openWorkerPool(entry, { size: workers });
  const index = new VectorIndex(ids, vectors, DIMENSIONS, pool);
  for (const batch of BATCHES) {
    const queries = allQueries.subarray(0, batch * DIMENSIONS);
    const name = workers === 0 ? 'this thread' : `${workers} worker${workers === 1 ? '' : 's'}`;
    await report(name, batch, batch > 32 ? 3 : 9, () => index.search(queries, K));
  }
  const found = JSON.stringify(await index.search(allQueries, K));
  if (expected === '') expected = found;
  else if (found !== expected) throw new Error(`${workers} workers find something else`);
  await pool?.close();
}
printTable(
  [
    'search',
    'queries',
    'ms, wall clock',
    'ms, processor',
    'a query',
    'GFLOP/s of a core',
    'times the reading',
  ],
  rows,
);
console.log('0, 1, 2 and 4 workers: the same bits');
