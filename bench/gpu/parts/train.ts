/**
 * Training steps on WebGPU with random weights of a real shape:
 * `node train.js SHAPE PAIRS QUERY_TOKENS PASSAGE_TOKENS SECONDS MICRO_BATCH_TOKENS… [--small]`. Micro-batches are of the
 * size that the trainer chooses for the device (auto), then of each size given. SECONDS are for each.
 */
import { encoderShapes } from '../../support/random-encoder.ts';
import { timeSteps } from '../../support/timed-steps.ts';
import { GpuMonitor } from './gpu-monitor.ts';
import { attempt, onWebGpu, report, small } from './part.ts';

const [name = 'MiniLM-L6', ...rest] = process.argv.slice(2).filter((word) => word !== '--small');
const [pairs = 16, queryTokens = 32, passageTokens = 128, seconds = 5, ...given] = rest.map(Number);
const work = small ? { pairs: 4, queryTokens: 8, passageTokens: 8 } : { pairs, queryTokens, passageTokens };
const sizes = ['auto', ...(small ? given.slice(1, 2).map(() => 32) : given)] as const;

await onWebGpu(async (runtime) => {
  const known = Object.entries(encoderShapes).find(([key]) => key === (small ? 'tiny' : name));
  if (known === undefined) throw new Error(`no shape is named ${name}`);
  let chosen: number | undefined;
  for (const size of sizes) {
    const label = size === 'auto' ? 'auto micro-batches' : `micro-batches of ${size} tokens`;
    const what = `${name} training step, ${work.pairs} pairs, ${label}`;
    if (size === chosen) {
      report({ what, on: 'WebGPU', skipped: 'the size that auto chose' });
      continue;
    }
    const monitor = small ? undefined : GpuMonitor.start();
    await attempt(what, 'WebGPU', async () => {
      const timed = await timeSteps(
        runtime,
        known[1],
        { ...work, tokensPerMicroBatch: size },
        { warmup: small ? 1 : 2, mostSteps: small ? 1 : 50, milliseconds: 1000 * seconds },
      );
      if (size === 'auto') chosen = timed.tokensPerMicroBatch;
      const used = monitor?.stop();
      const memory =
        used === undefined || monitor === undefined
          ? 'memory not known: no nvidia-smi'
          : `${used.peakMiB - monitor.idleMiB} MiB of GPU memory at most`;
      return {
        value: timed.meanMilliseconds,
        unit: 'ms',
        note: `${work.pairs} pairs of ${work.queryTokens} + ${work.passageTokens} tokens; ${timed.microBatches}; random weights of ${small ? 'a tiny shape' : 'its shape'}, fp32; ${memory}`,
        detail: {
          ...timed,
          gflopPerSecond: (timed.gigaflop * 1000) / timed.meanMilliseconds,
          pairsPerSecond: (work.pairs * 1000) / timed.meanMilliseconds,
          gpuMemory: used,
        },
      };
    });
    monitor?.stop();
  }
});
