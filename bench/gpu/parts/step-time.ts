/** Where a training step's time goes: the runtime's calls, with the host going ahead of the GPU and waiting for it. */
import { encoderShapes, randomWeights } from '../../support/random-encoder.ts';
import { timeSteps } from '../../support/timed-steps.ts';
import { GpuMonitor } from './gpu-monitor.ts';
import { attempt, onWebGpu, report, small } from './part.ts';
import { timedRuntime } from './timed-runtime.ts';

const shape = small ? encoderShapes.tiny : encoderShapes['MiniLM-L6'];
const work = small
  ? { pairs: 4, queryTokens: 8, passageTokens: 8, microBatchTokens: 64 }
  : { pairs: 16, queryTokens: 32, passageTokens: 128, microBatchTokens: 4096 };
const sizes = `${work.pairs} pairs of ${work.queryTokens} + ${work.passageTokens} tokens, random weights`;

await onWebGpu(async (runtime) => {
  for (const waits of [false, true]) {
    const on = waits ? 'WebGPU, each run waited for' : 'WebGPU';
    const monitor = waits || small ? undefined : GpuMonitor.start();
    await attempt('MiniLM-L6 training step', on, async () => {
      const { runtime: timed, times } = timedRuntime(runtime, waits);
      const { meanMilliseconds, steps, firstStepMilliseconds } = await timeSteps(
        timed,
        { ...work, shape, weights: randomWeights(shape) },
        {
          warmup: small ? 1 : 2,
          mostSteps: small ? 1 : 40,
          milliseconds: 4000,
          onWarm: () => {
            times.reset();
            monitor?.reset();
          },
        },
      );
      let known = 0;
      for (const [kind, milliseconds] of times.milliseconds) {
        known += milliseconds / steps;
        report({
          what: `of it: ${kind}`,
          on,
          value: milliseconds / steps,
          unit: 'ms',
          note: `${((times.calls.get(kind) ?? 0) / steps).toFixed(1)} calls per step`,
        });
      }
      report({
        what: 'of it: JavaScript between the calls (loss, batches)',
        on,
        value: Math.max(0, meanMilliseconds - known),
        unit: 'ms',
      });
      if (!waits) {
        const busy = monitor?.stop()?.busyPercent;
        report({
          what: 'GPU idle during the steps',
          on,
          ...(busy === undefined
            ? { skipped: 'nvidia-smi does not answer, and nothing else tells' }
            : { value: 100 - busy, unit: '%', note: 'mean of nvidia-smi’s samples' }),
        });
      }
      return {
        value: meanMilliseconds,
        unit: 'ms',
        note: `${sizes}; ${(times.uploadedBytes / steps / 1024).toFixed(0)} KiB up, ${(times.downloadedBytes / steps / 1024).toFixed(0)} KiB down per step`,
        detail: { steps, firstStepMilliseconds },
      };
    });
    monitor?.stop();
  }
});
