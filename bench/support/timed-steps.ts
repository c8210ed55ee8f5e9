import type { EncoderShape } from '../../src/encoders/types.ts';
import type { Runtime } from '../../src/host/contract.ts';
import { trainingWorkload, type TrainingWorkload, type TrainingWorkloadOptions } from './workload.ts';

export interface StepLimits {
  readonly warmup: number;
  readonly mostSteps: number;
  /** After the warm-up; at least one step is timed. */
  readonly milliseconds: number;
  /** Called after the warm-up. */
  readonly onWarm?: () => void;
}

export interface TimedSteps extends Pick<TrainingWorkload, 'tokensPerMicroBatch' | 'microBatches'> {
  readonly steps: number;
  /** From one step's start to the next one's, the wait for the last included. */
  readonly meanMilliseconds: number;
  readonly medianMilliseconds: number;
  readonly firstStepMilliseconds: number;
  readonly gigaflop: number;
  readonly firstLoss: number;
  readonly lastLoss: number;
}

/** Times whole training steps. */
export async function timeSteps(
  runtime: Runtime,
  shape: EncoderShape,
  work: TrainingWorkloadOptions,
  limits: StepLimits,
): Promise<TimedSteps> {
  const training = await trainingWorkload(runtime, shape, work);
  try {
    const begun = performance.now();
    const firstLoss = await training.step();
    await training.settled();
    const firstStepMilliseconds = performance.now() - begun;
    for (let i = 1; i < limits.warmup; i++) await training.step();
    await training.settled();
    limits.onWarm?.();
    const times: number[] = [];
    const start = performance.now();
    let before = start;
    let lastLoss: number;
    do {
      lastLoss = await training.step();
      const now = performance.now();
      times.push(now - before);
      before = now;
    } while (times.length < limits.mostSteps && before - start < limits.milliseconds);
    await training.settled();
    const all = performance.now() - start;
    const { tokensPerMicroBatch, microBatches } = training;
    return {
      steps: times.length,
      meanMilliseconds: all / times.length,
      medianMilliseconds: times.sort((a, b) => a - b)[times.length >> 1] ?? 0,
      firstStepMilliseconds,
      gigaflop: training.flops / 1e9,
      firstLoss,
      lastLoss,
      tokensPerMicroBatch,
      microBatches,
    };
  } finally {
    await training.close();
  }
}
