/**
 * Training steps on WebGPU with random weights of a real shape:
 * `node train.js SHAPE PAIRS QUERY_TOKENS PASSAGE_TOKENS SECONDS MICRO_BATCH_TOKENS… [--small]`. SHAPE `nano` trains the
 * studio's own weights. SECONDS are for each size of micro-batch.
 */
import { readEncoder } from '../../../src/encoders/read-encoder.ts';
import type { EncoderShape, Weights } from '../../../src/encoders/types.ts';
import { openModelFiles } from '../../../src/host/node/model-files.ts';
import { encoderShapes, randomWeights } from '../../support/random-encoder.ts';
import { timeSteps } from '../../support/timed-steps.ts';
import { GpuMonitor } from './gpu-monitor.ts';
import { attempt, onWebGpu, small } from './part.ts';

const words = process.argv.slice(2).filter((word) => word !== '--small');
const [name = 'MiniLM-L6', ...rest] = words;
const [pairs = 16, queryTokens = 32, passageTokens = 128, seconds = 5, ...microBatches] = rest.map(Number);

async function encoder(): Promise<{ shape: EncoderShape; weights: Weights; weightsAre: string }> {
  if (name === 'nano' && !small) {
    const { shape, weights } = await readEncoder(await openModelFiles().open('nano'));
    return { shape, weights, weightsAre: 'its own weights' };
  }
  const known = Object.entries(encoderShapes).find(([key]) => key === (small ? 'tiny' : name));
  if (known === undefined) throw new Error(`no shape is named ${name}`);
  const [, shape] = known;
  return {
    shape,
    weights: randomWeights(shape),
    weightsAre: small ? 'random weights of a tiny shape' : 'random weights of its shape',
  };
}

await onWebGpu(async (runtime) => {
  const { shape, weights, weightsAre } = await encoder();
  const work = small
    ? { shape, weights, pairs: 4, queryTokens: 8, passageTokens: 8 }
    : { shape, weights, pairs, queryTokens, passageTokens };
  const sizes = small ? [64, 32].slice(0, microBatches.length) : microBatches;
  for (const microBatchTokens of sizes) {
    const monitor = small ? undefined : GpuMonitor.start();
    await attempt(
      `${name} training step, micro-batches of ${microBatchTokens} tokens`,
      'WebGPU',
      async () => {
        const timed = await timeSteps(
          runtime,
          { ...work, microBatchTokens },
          { warmup: small ? 1 : 2, mostSteps: small ? 1 : 50, milliseconds: 1000 * seconds },
        );
        const used = monitor?.stop();
        const memory =
          used === undefined || monitor === undefined
            ? 'memory not known: no nvidia-smi'
            : `${used.peakMiB - monitor.idleMiB} MiB of GPU memory at most`;
        return {
          value: timed.meanMilliseconds,
          unit: 'ms',
          note: `${work.pairs} pairs of ${work.queryTokens} + ${work.passageTokens} tokens, ${weightsAre}, fp32; ${memory}`,
          detail: {
            ...timed,
            gflopPerSecond: (timed.gigaflop * 1000) / timed.meanMilliseconds,
            pairsPerSecond: (work.pairs * 1000) / timed.meanMilliseconds,
            gpuMemory: used,
          },
        };
      },
    );
    monitor?.stop();
  }
});
