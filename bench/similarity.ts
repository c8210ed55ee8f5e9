/**
 * How fast embeddings become a loss and its gradients, in plain loops on one core, and how fast dropout masks are
 * made. Prints one line per shape; processor time, so that a busy machine does not count.
 *
 * Run: npm run bench -- similarity
 */
import { RandomStream } from '../src/core/random.ts';
import { parseLossSpec } from '../src/losses/loss-spec.ts';
import type { BatchLayout } from '../src/training/batch-layout.ts';
import { fillDropoutMask } from '../src/training/dropout.ts';
import { batchLoss } from '../src/training/similarity.ts';

const DIMENSION = 384;

function randomEmbeddings(count: number, name: string): Float32Array {
  const random = new RandomStream(1, name);
  return Float32Array.from({ length: count * DIMENSION }, () => random.uniform() - 0.5);
}

function plainLayout(lists: number, perList: number): BatchLayout {
  const passages = lists * perList;
  return {
    offsets: Int32Array.from({ length: lists + 1 }, (_, i) => i * perList),
    positive: Int32Array.from({ length: lists }, (_, i) => i * perList),
    documents: Int32Array.from({ length: passages }, (_, i) => i),
    positiveDocuments: Array.from({ length: lists }, (_, i) => Int32Array.of(i * perList)),
    labels: Float64Array.from({ length: passages }, (_, i) => (i % perList === 0 ? 1 : 0)),
    teacher: Float64Array.from({ length: passages }, (_, i) => (i % perList === 0 ? 1 : (i % 7) / 14)),
    sources: Array.from({ length: passages }, () => 'any'),
  };
}

async function secondsOf(work: () => Promise<unknown>, repeats: number): Promise<number> {
  let best = Infinity;
  for (let i = 0; i < repeats; i++) {
    const start = process.cpuUsage();
    await work();
    const { user, system } = process.cpuUsage(start);
    best = Math.min(best, (user + system) / 1e6);
  }
  return best;
}

async function benchmark(text: string, lists: number, perList: number, repeats: number): Promise<void> {
  const layout = plainLayout(lists, perList);
  const passages = lists * perList;
  const embeddings = {
    queries: randomEmbeddings(lists, 'queries'),
    passages: randomEmbeddings(passages, 'passages'),
    dimension: DIMENSION,
  };
  const spec = parseLossSpec(text);
  const seconds = await secondsOf(
    () => batchLoss(spec, embeddings, layout, { similarity: 'cosine' }),
    repeats,
  );
  const operations = 6 * lists * passages * DIMENSION;
  console.log(
    `${text}: ${lists} × ${passages} × ${DIMENSION}: ${(seconds * 1e3).toFixed(1)} ms, ` +
      `${(lists / seconds).toFixed(1)} rows/s, ${(operations / seconds / 1e9).toFixed(2)} GFLOP/s`,
  );
}

const PAPER_C = 'kl + 0.1*infonce(temperature=0.01, scope=batch, mask=0.6)';
await benchmark(PAPER_C, 16, 2, 50);
await benchmark(PAPER_C, 16, 20, 20);
await benchmark(PAPER_C, 64, 20, 5);
await benchmark('ws2', 64, 4, 5);
await benchmark('ws2', 256, 4, 1);
// Paper C's batch has 4,096 such rows; its work is proportional to them.
await benchmark(PAPER_C, 32, 2560, 2);

const mask = new Float32Array(1 << 22);
const seconds = await secondsOf(() => {
  fillDropoutMask(mask, 0.1, { seed: 1, step: 1, site: 'layer.0', microBatch: 0 });
  return Promise.resolve();
}, 10);
console.log(`dropout masks: ${(mask.length / seconds / 1e6).toFixed(0)} M elements/s`);
