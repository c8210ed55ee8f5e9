import { InputError } from '../core/errors.ts';
import { cosineOfTurns } from '../core/exact-math.ts';

export type ScheduleKind = 'constant' | 'linear' | 'cosine';

/** The learning rate schedule of a training, as a recipe states it. */
export interface ScheduleOptions {
  /** The schedule after the warm-up. */
  readonly kind: ScheduleKind;
  /** The rise from 0 to the peak: a number of steps, or a share of all steps (rounded up, as transformers does). */
  readonly warmup: { readonly steps: number } | { readonly share: number };
  /** The final learning rate as a fraction of the peak; 0 by default. A constant schedule ignores it. */
  readonly floor?: number;
}

/** A schedule for a known number of steps. */
export interface Schedule {
  readonly kind: ScheduleKind;
  readonly warmupSteps: number;
  readonly totalSteps: number;
  readonly floor: number;
}

/**
 * @throws InputError for a negative or broken number.
 */
export function scheduleFor(options: ScheduleOptions, totalSteps: number): Schedule {
  const { warmup, floor = 0 } = options;
  if ('share' in warmup && !(warmup.share >= 0 && warmup.share <= 1)) {
    throw new InputError(`the warm-up is ${warmup.share} of the steps`, {
      remedy: 'Use a fraction from 0 to 1, or a number of steps',
    });
  }
  if ('steps' in warmup && !(Number.isInteger(warmup.steps) && warmup.steps >= 0)) {
    throw new InputError(`the warm-up is ${warmup.steps} steps`, {
      remedy: 'Use a whole number of steps, 0 for none',
    });
  }
  if (!(floor >= 0 && floor <= 1)) {
    throw new InputError(`the final learning rate is ${floor} of its peak`, {
      remedy: 'Use a fraction from 0 to 1',
    });
  }
  const warmupSteps = 'steps' in warmup ? warmup.steps : Math.ceil(warmup.share * totalSteps);
  return { kind: options.kind, warmupSteps, totalSteps, floor };
}

/**
 * The learning rate of a step as a share of its peak. The first step after none is step 0, whose rate is 0 where
 * there is a warm-up. Equal to transformers' constant, linear and cosine schedules with warm-up at floor 0, and to
 * its cosine with `min_lr_rate` at any floor; paper 2502.19712 takes linear with floor 0.1.
 *
 * @param step the optimizer steps taken before this one.
 */
export function learningRateShare(schedule: Schedule, step: number): number {
  const { kind, warmupSteps, totalSteps, floor } = schedule;
  if (step < warmupSteps) return step / warmupSteps;
  if (kind === 'constant') return 1;
  const decaySteps = Math.max(1, totalSteps - warmupSteps);
  const left =
    kind === 'linear'
      ? Math.max(0, totalSteps - step) / decaySteps
      : 0.5 * (1 + cosineOfTurns(Math.min(1, (step - warmupSteps) / decaySteps) / 2));
  return left * (1 - floor) + floor;
}
