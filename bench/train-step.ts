/**
 * A full training step of MiniLM-L6 (random weights): 16 pairs of 32 + 128 tokens, in-batch InfoNCE, clipping, AdamW,
 * dropout off. The same work as bench/peers/torch_step.py, which prints the same members.
 *
 *     npm run bench -- train-step --threads 2 --steps 10
 */
import { readFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import type { EncoderDescription } from '../src/encoders/embedder.ts';
import { encoderParameters } from '../src/encoders/parameters.ts';
import type { EncoderShape } from '../src/encoders/types.ts';
import { openRuntime } from '../src/host/node/runtime.ts';
import { RandomStream } from '../src/host/random.ts';
import { parseLossSpec } from '../src/losses/loss-spec.ts';
import { DocumentNumbers, layOutBatch } from '../src/training/batch-layout.ts';
import { forwardFlops } from '../src/training/flops.ts';
import { GradientCache } from '../src/training/gradient-cache.ts';
import { defaultAdamW } from '../src/training/optimizer.ts';
import { createParameterState } from '../src/training/parameter-state.ts';
import { batchLoss } from '../src/training/similarity.ts';

const { values } = parseArgs({
  options: {
    device: { type: 'string', default: 'cpu' },
    threads: { type: 'string', default: '2' },
    steps: { type: 'string', default: '10' },
    pairs: { type: 'string', default: '16' },
    'micro-batch-tokens': { type: 'string', default: '512' },
    recompute: { type: 'boolean', default: false },
  },
});
const pairs = Number(values.pairs);
const shape: EncoderShape = {
  family: 'bert',
  vocabSize: 30522,
  hiddenSize: 384,
  layers: 6,
  heads: 12,
  intermediateSize: 1536,
  maxPositions: 512,
  segments: 2,
  layerNormEpsilon: 1e-12,
  activation: 'gelu',
  hiddenDropout: 0,
  attentionDropout: 0,
};
const noTexts = (): never => {
  throw new Error('the sequences are tokens already');
};
const encoder: EncoderDescription = {
  shape,
  encoding: {
    pooling: 'mean',
    normalize: true,
    queryPrefix: '',
    passagePrefix: '',
    queryMaxLength: 32,
    passageMaxLength: 128,
  },
  tokenizer: { vocabSize: 30522, padId: 0, encode: noTexts, encodePair: noTexts },
};

/** Bytes of this process at most so far. */
function peakBytes(): number {
  const kibibytes = /VmHWM:\s+(\d+)/.exec(readFileSync('/proc/self/status', 'utf8'))?.[1];
  return Number(kibibytes) * 1024;
}

function summarize(milliseconds: readonly number[]): { median: number; min: number; max: number } {
  const sorted = [...milliseconds].sort((a, b) => a - b);
  return {
    median: sorted[Math.floor(sorted.length / 2)] ?? 0,
    min: sorted[0] ?? 0,
    max: sorted.at(-1) ?? 0,
  };
}

const runtime = await openRuntime({
  device: values.device as 'cpu' | 'webgpu' | 'cuda',
  threads: Number(values.threads),
});
const afterImports = peakBytes();
const stream = new RandomStream(1, 'weights');
const weights = new Map(
  [...encoderParameters(shape)].map(([name, dims]) => {
    const data = Float32Array.from({ length: dims.reduce((a, b) => a * b, 1) }, () =>
      name.includes('Norm.weight') ? 1 : 0.04 * (stream.uniform() - 0.5),
    );
    return [name, { dims, data }];
  }),
);
const state = await createParameterState(runtime, weights, [...weights.keys()], defaultAdamW);
weights.clear();
const cache = new GradientCache(runtime, encoder, state, {
  lengthLadder: [32, 128],
  tokensPerMicroBatch: Number(values['micro-batch-tokens']),
  activationBytes: values.recompute ? 0 : 2 ** 33,
});
const sequence = (length: number): Int32Array =>
  Int32Array.from({ length }, () => 1000 + stream.integer(29_000));
const spec = parseLossSpec('infonce(temperature=0.05, scope=batch)');
const numbers = new DocumentNumbers();
const layout = layOutBatch(
  Array.from({ length: pairs }, (_, i) => {
    const documents = [{ id: `p${i}`, text: `passage ${i}`, label: 1, source: 'gold' }];
    return { record: { query_id: `q${i}`, query: '', documents }, documents, positive: 0 };
  }),
  numbers,
);

const times: Record<'step' | 'gradients' | 'optimizer', number[]> = {
  step: [],
  gradients: [],
  optimizer: [],
};
const steps = Number(values.steps);
for (let step = 0; step < steps + 2; step++) {
  const queries = Array.from({ length: pairs }, () => sequence(32));
  const passages = Array.from({ length: pairs }, () => sequence(128));
  const start = performance.now();
  await cache.run(
    { queries, passages },
    (queryVectors, passageVectors) =>
      batchLoss(spec, { queries: queryVectors, passages: passageVectors, dimension: 384 }, layout, {
        similarity: 'dot',
      }),
    step,
  );
  const computed = performance.now();
  await state.update(2e-5, step + 1, await state.gradientNorm());
  const end = performance.now();
  if (step < 2) continue;
  times.step.push(end - start);
  times.gradients.push(computed - start);
  times.optimizer.push(end - computed);
}
const flops = 3 * pairs * (forwardFlops(shape, 32) + forwardFlops(shape, 128));
const step = summarize(times.step);
process.stdout.write(
  `${JSON.stringify({
    what: 'retriever-studio',
    device: runtime.device,
    threads: runtime.threads,
    steps,
    milliseconds: { step, gradients: summarize(times.gradients), optimizer: summarize(times.optimizer) },
    gflops: flops / step.median / 1e6,
    peakMiB: Math.round(peakBytes() / 2 ** 20),
    afterImportsMiB: Math.round(afterImports / 2 ** 20),
    fingerprint: runtime.fingerprint,
  })}\n`,
);
await cache.close();
await state.close();
await runtime.close();
