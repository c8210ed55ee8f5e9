/**
 * What a warm training step and the encoding of a batch ask of the GPU in Chromium. Counts depend on the graphs, and not
 * on the width or the length of texts, so that software can play the GPU; bytes at full size, and how many batches 1,000
 * passages make, are told by bench/gpu-counts.ts.
 * `BROWSER_BENCH=1 npx vitest run --project browser bench/gpu-counts`
 */
import { afterAll, beforeAll, it } from 'vitest';
import { openRuntime, type OpenedRuntime } from '../src/host/browser/runtime.ts';
import type { Runtime } from '../src/host/contract.ts';
import { callsBetween, gpuCalls, type GpuCalls } from '../test/support/browser/gpu-calls.ts';
import { encoderShapes, narrowed } from './support/random-encoder.ts';
import { encodingWorkload, trainingWorkload } from './support/workload.ts';

let opened: OpenedRuntime;
beforeAll(async () => {
  opened = await openRuntime({ device: 'webgpu', deadlineMilliseconds: 3_600_000 });
});
afterAll(() => opened.runtime.close());

function tell(what: string, counts: GpuCalls, seconds: number): void {
  console.log(`${what}: ${JSON.stringify(counts)}, ${seconds.toFixed(2)} s`);
}

/** As Node's WebGPU computes: the optimizer is a graph there. */
function withoutKernels(runtime: Runtime): Runtime {
  return new Proxy(runtime, {
    get: (target, key) => {
      if (key === 'createKernel') return undefined;
      const value: unknown = Reflect.get(target, key, target);
      return typeof value === 'function' ? (value.bind(target) as unknown) : value;
    },
  });
}

/** Divides widths and the lengths of texts. */
const divisor = 8;

it.each([
  ['nano', 'kernels'],
  ['nano', 'graphs alone'],
  ['MiniLM-L6', 'kernels'],
  ['MiniLM-L6', 'graphs alone'],
] as const)(
  'a training step of %s with %s',
  async (model, how) => {
    const runtime = how === 'kernels' ? opened.runtime : withoutKernels(opened.runtime);
    const planned = encoderShapes[model];
    const training = await trainingWorkload(runtime, narrowed(planned, divisor), {
      tokensPerMicroBatch: 'auto',
      planned,
      short: divisor,
    });
    for (let step = 1; step <= 3; step++) {
      const [before, start] = [gpuCalls(), performance.now()];
      await training.step();
      const seconds = (performance.now() - start) / 1000;
      tell(`${model}, ${how}, step ${step}`, callsBetween(before, gpuCalls()), seconds);
    }
    await training.close();
  },
  3_600_000,
);

it.each(['nano', 'MiniLM-L6'] as const)(
  'encoding a batch of passages with %s',
  async (model) => {
    const encoding = await encodingWorkload(opened.runtime, narrowed(encoderShapes[model], divisor), 8, 16);
    for (let round = 1; round <= 3; round++) {
      const [before, start] = [gpuCalls(), performance.now()];
      await encoding.encode();
      const seconds = (performance.now() - start) / 1000;
      tell(`${model}, encoding, round ${round}`, callsBetween(before, gpuCalls()), seconds);
    }
    await encoding.close();
  },
  3_600_000,
);
