/**
 * A full training step of MiniLM-L6 (random weights): 16 pairs of 32 + 128 tokens, in-batch InfoNCE, clipping, AdamW,
 * dropout off. The same work as bench/peers/torch_step.py, which prints the same members.
 *
 *     npm run bench -- train-step --threads 2 --steps 10
 */
import { readFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { openRuntime } from '../src/host/node/runtime.ts';
import { encoderShapes } from './support/random-encoder.ts';
import { trainingWorkload } from './support/workload.ts';

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
const training = await trainingWorkload(runtime, encoderShapes['MiniLM-L6'], {
  tokensPerMicroBatch: Number(values['micro-batch-tokens']),
  pairs: Number(values.pairs),
  ...(values.recompute ? { activationBytes: 0 } : {}),
});

const times: Record<'step' | 'gradients' | 'optimizer', number[]> = {
  step: [],
  gradients: [],
  optimizer: [],
};
const steps = Number(values.steps);
for (let step = 0; step < steps + 2; step++) {
  const start = performance.now();
  await training.gradients();
  const computed = performance.now();
  await training.update();
  const end = performance.now();
  if (step < 2) continue;
  times.step.push(end - start);
  times.gradients.push(computed - start);
  times.optimizer.push(end - computed);
}
const step = summarize(times.step);
process.stdout.write(
  `${JSON.stringify({
    what: 'retriever-studio',
    device: runtime.device,
    threads: runtime.threads,
    steps,
    milliseconds: { step, gradients: summarize(times.gradients), optimizer: summarize(times.optimizer) },
    gflops: training.flops / step.median / 1e6,
    peakMiB: Math.round(peakBytes() / 2 ** 20),
    afterImportsMiB: Math.round(afterImports / 2 ** 20),
    fingerprint: runtime.fingerprint,
  })}\n`,
);
await training.close();
await runtime.close();
