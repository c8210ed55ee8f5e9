/** Exact search as the studio does it: on the processor's cores, in WASM. */
import { availableParallelism } from 'node:os';
import { openWorkerPool } from '../../../src/host/node/workers.ts';
import { VectorIndex } from '../../../src/retrieval/vectors.ts';
import { attempt, small } from './part.ts';

const count = small ? 10_000 : 1_000_000;
const dimensions = 384;
const k = 100;

/** Numbers around 0, quickly: a speed does not depend on them. */
function noise(length: number): Float32Array<ArrayBuffer> {
  const values = new Float32Array(length);
  let state = 12345;
  for (let i = 0; i < length; i++) {
    state = (Math.imul(state, 1664525) + 1013904223) | 0;
    values[i] = state * 2 ** -36;
  }
  return values;
}

const cores = availableParallelism();
const pool = openWorkerPool(new URL('../../../workers/search.js', import.meta.url), { size: cores });
const start = performance.now();
const index = new VectorIndex(
  Array.from({ length: count }, (_, i) => `d${i}`),
  noise(count * dimensions),
  dimensions,
  pool,
);
const built = (performance.now() - start) / 1000;
for (const batch of small ? [1, 8] : [1, 32, 256]) {
  await attempt(
    `exact search over ${count} × ${dimensions}, ${batch} at a time`,
    `CPU, ${cores} threads`,
    async () => {
      const queries = noise(batch * dimensions);
      await index.search(queries.subarray(0, dimensions), k);
      let best = Infinity;
      const begun = performance.now();
      for (let round = 0; round < 3 && (round === 0 || performance.now() - begun < 3000); round++) {
        const before = performance.now();
        await index.search(queries, k);
        best = Math.min(best, performance.now() - before);
      }
      return {
        value: best / batch,
        unit: 'ms per query',
        note: `the best ${k}, fp32; the studio does not search on a GPU`,
        detail: { secondsToBuild: built },
      };
    },
  );
}
await pool.close();
