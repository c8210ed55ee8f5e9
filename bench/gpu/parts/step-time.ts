/** Where a training step's time goes: the runtime's calls, with the host going ahead of the GPU and waiting for it. */
import { countRuntime } from '../../support/counted-runtime.ts';
import { encoderShapes } from '../../support/random-encoder.ts';
import { timeSteps } from '../../support/timed-steps.ts';
import { GpuMonitor } from './gpu-monitor.ts';
import { attempt, onWebGpu, report, small } from './part.ts';

const shape = small ? encoderShapes.tiny : encoderShapes['MiniLM-L6'];
const work = {
  ...(small
    ? { pairs: 4, queryTokens: 8, passageTokens: 8 }
    : { pairs: 16, queryTokens: 32, passageTokens: 128 }),
  tokensPerMicroBatch: 'auto',
} as const;
const sizes = `${work.pairs} pairs of ${work.queryTokens} + ${work.passageTokens} tokens, random weights`;
const kibibytes = (bytes: number): string => `${(bytes / 1024).toFixed(0)} KiB`;

await onWebGpu(async (runtime) => {
  for (const waits of [false, true]) {
    const on = waits ? 'WebGPU, each run waited for' : 'WebGPU';
    const monitor = waits || small ? undefined : GpuMonitor.start();
    await attempt(`MiniLM-L6 training step, ${work.pairs} pairs, auto micro-batches`, on, async () => {
      const counted = countRuntime(runtime, { waits });
      const { meanMilliseconds, steps, firstStepMilliseconds, microBatches } = await timeSteps(
        counted.runtime,
        shape,
        work,
        {
          warmup: small ? 1 : 2,
          mostSteps: small ? 1 : 40,
          milliseconds: 4000,
          onWarm: () => {
            counted.take();
            monitor?.reset();
          },
        },
      );
      const { runs, reads, uploads, openedSessions } = counted.take();
      const calls = { ...runs, readbacks: reads, uploads, 'session creation': openedSessions };
      let known = 0;
      for (const [kind, { count, milliseconds }] of Object.entries(calls)) {
        known += milliseconds / steps;
        if (milliseconds === 0) continue;
        report({
          what: `of it: ${kind}`,
          on,
          value: milliseconds / steps,
          unit: 'ms',
          note: `${(count / steps).toFixed(1)} per step`,
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
        note: `${sizes}; ${microBatches}; ${kibibytes(uploads.bytes / steps)} up, ${kibibytes(reads.bytes / steps)} down per step`,
        detail: { steps, firstStepMilliseconds },
      };
    });
    monitor?.stop();
  }
});
