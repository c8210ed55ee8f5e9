/**
 * A training step of a static encoder on one core: 30,522 tokens of 192 dimensions, 128 queries of 12 and 128 passages of
 * 100 tokens drawn as words are (Zipf), in-batch InfoNCE. Prints the steps per second of processor time, where they go,
 * and the bytes that a step moves between memory and the rows of its tokens, beside what this memory copies in a second.
 *
 * Run: npm run bench -- static [--dimensions 192] [--steps 100]
 */
import { parseArgs } from 'node:util';
import { RandomStream } from '../src/core/random.ts';
import type { EncoderModel } from '../src/encoders/types.ts';
import { noRuntime } from '../src/host/no-runtime.ts';
import { parseLossSpec } from '../src/losses/loss-spec.ts';
import type { BatchLayout } from '../src/training/batch-layout.ts';
import { defaultAdamW } from '../src/training/optimizer.ts';
import { batchLoss } from '../src/training/similarity.ts';
import { TableTrainable } from '../src/training/table-trainable.ts';

const { values } = parseArgs({
  options: {
    dimensions: { type: 'string', default: '192' },
    texts: { type: 'string', default: '128' },
    steps: { type: 'string', default: '100' },
  },
});
const [dimension, texts, steps] = [values.dimensions, values.texts, values.steps].map(Number) as [
  number,
  number,
  number,
];
const vocabSize = 30_522;
const random = new RandomStream(1, 'static');

function tableEncoder(): EncoderModel {
  const data = Float32Array.from({ length: vocabSize * dimension }, () => random.uniform() - 0.5);
  const notAsked = (): never => {
    throw new Error('the texts are tokens already');
  };
  return {
    name: 'table',
    shape: {
      ...{ family: 'static', vocabSize, hiddenSize: dimension, layers: 0, heads: 1, intermediateSize: 0 },
      ...{ maxPositions: 2 ** 20, segments: 0, layerNormEpsilon: 0, activation: 'relu' },
      ...{ hiddenDropout: 0, attentionDropout: 0 },
    },
    encoding: {
      ...{ pooling: 'mean', normalize: true, queryPrefix: '', passagePrefix: '' },
      ...{ queryMaxLength: 512, passageMaxLength: 512 },
    },
    weights: new Map([['embedding.weight', { dims: [vocabSize, dimension], data }]]),
    tokenizer: { vocabSize, padId: 0, encode: notAsked, encodePair: notAsked },
    baggage: { config: {}, files: new Map(), license: undefined },
  };
}

/** The k-th most frequent token has a share of about 1/k. */
function text(length: number): Int32Array {
  return Int32Array.from({ length }, () =>
    Math.min(vocabSize - 1, Math.floor(vocabSize ** random.uniform())),
  );
}

const layout: BatchLayout = {
  offsets: Int32Array.from({ length: texts + 1 }, (_, i) => i),
  positive: Int32Array.from({ length: texts }, (_, i) => i),
  documents: Int32Array.from({ length: texts }, (_, i) => i),
  positiveDocuments: Array.from({ length: texts }, (_, i) => Int32Array.of(i)),
  labels: new Float64Array(texts).fill(1),
  teacher: new Float64Array(texts).fill(1),
  sources: Array.from({ length: texts }, () => 'any'),
};
const batches = Array.from({ length: 16 }, () => ({
  queries: Array.from({ length: texts }, () => text(12)),
  passages: Array.from({ length: texts }, () => text(100)),
}));
const settings = { ...defaultAdamW, weightDecay: 0, clipNorm: 0 };
const trainable = new TableTrainable(noRuntime, tableEncoder(), settings);
const spec = parseLossSpec('infonce');

const seconds = { loss: 0, 'vectors and gradients': 0, optimizer: 0 };
let startedAt = process.cpuUsage();
function lap(): number {
  const { user, system } = process.cpuUsage(startedAt);
  startedAt = process.cpuUsage();
  return (user + system) / 1e6;
}
const warmUp = 5;
for (let step = 0; step < warmUp + steps; step++) {
  if (step === warmUp) {
    lap();
    Object.assign(seconds, { loss: 0, 'vectors and gradients': 0, optimizer: 0 });
  }
  await trainable.gradients(
    batches[step % batches.length] ?? { queries: [], passages: [] },
    async (queries, passages) => {
      seconds['vectors and gradients'] += lap();
      const result = await batchLoss(spec, { queries, passages, dimension }, layout, { similarity: 'dot' });
      seconds.loss += lap();
      return result;
    },
  );
  seconds['vectors and gradients'] += lap();
  await trainable.update(0.03, step + 1);
  seconds.optimizer += lap();
}
const whole = seconds.loss + seconds['vectors and gradients'] + seconds.optimizer;

let tokens = 0;
let distinct = 0;
for (const { queries, passages } of batches) {
  const all = [...queries, ...passages];
  tokens += all.reduce((sum, { length }) => sum + length, 0) / batches.length;
  distinct += new Set(all.flatMap((ids) => [...ids])).size / batches.length;
}
// Each token's row is read, and its gradient read and written; each distinct row's gradient is read and cleared, and
// its weights and two moments are read and written.
const bytes = 4 * dimension * (tokens * (1 + 2) + distinct * (2 + 3 * 2));
const source = new Float32Array(2 ** 25).fill(1);
const copy = new Float32Array(source.length);
copy.set(source);
lap();
for (let i = 0; i < 8; i++) copy.set(source);
const memoryRate = (8 * 2 * source.byteLength) / lap();

console.log(
  `${texts} queries + ${texts} passages, ${dimension} dimensions: ${(steps / whole).toFixed(1)} steps/s`,
);
for (const [part, spent] of Object.entries(seconds)) {
  console.log(`  ${part}: ${((1e3 * spent) / steps).toFixed(2)} ms`);
}
console.log(
  `  ${Math.round(tokens)} tokens, ${Math.round(distinct)} distinct rows, ${(bytes / 1e6).toFixed(1)} MB moved: ` +
    `${((bytes * steps) / (seconds['vectors and gradients'] + seconds.optimizer) / 1e9).toFixed(2)} GB/s in the table's part, ` +
    `where the memory copies ${(memoryRate / 1e9).toFixed(1)} GB/s`,
);
