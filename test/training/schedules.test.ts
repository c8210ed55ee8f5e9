import { expect, test } from 'vitest';
import { InputError } from '../../src/core/errors.ts';
import {
  learningRateShare,
  scheduleFor,
  type Schedule,
  type ScheduleKind,
} from '../../src/training/schedules.ts';
import golden from '../golden/schedules.json' with { type: 'json' };

test.each(golden.cases.map((one) => [one.kind, one.warmupSteps, one.floor, one] as const))(
  "%s with %d steps of warm-up and floor %d is transformers' schedule at every step",
  (kind, warmupSteps, floor, { totalSteps, shares }) => {
    const schedule: Schedule = { kind: kind as ScheduleKind, warmupSteps, totalSteps, floor };
    shares.forEach((share, step) => {
      // Two libraries' cosines may differ in their last bit.
      if (kind === 'cosine') expect(learningRateShare(schedule, step), `step ${step}`).toBeCloseTo(share, 15);
      else expect(learningRateShare(schedule, step), `step ${step}`).toBe(share);
    });
  },
);

test('linear with a floor of 0.1 warms up to the peak, and ends at the floor and stays there', () => {
  const schedule = scheduleFor({ kind: 'linear', warmup: { steps: 10 }, floor: 0.1 }, 180);
  expect(learningRateShare(schedule, 0)).toBe(0);
  expect(learningRateShare(schedule, 5)).toBe(0.5);
  expect(learningRateShare(schedule, 10)).toBe(1);
  expect(learningRateShare(schedule, 95)).toBeCloseTo(0.55, 15);
  expect(learningRateShare(schedule, 180)).toBe(0.1);
  expect(learningRateShare(schedule, 1000)).toBe(0.1);
});

test('a cosine stays at its floor after its end', () => {
  const schedule = scheduleFor({ kind: 'cosine', warmup: { steps: 0 }, floor: 0.2 }, 10);
  expect(learningRateShare(schedule, 15)).toBeCloseTo(0.2, 15);
});

test('a share of warm-up is rounded up to whole steps', () => {
  expect(scheduleFor({ kind: 'linear', warmup: { share: 0.1 } }, 101).warmupSteps).toBe(11);
  expect(scheduleFor({ kind: 'linear', warmup: { share: 0 } }, 101)).toEqual({
    kind: 'linear',
    warmupSteps: 0,
    totalSteps: 101,
    floor: 0,
  });
});

test.each([
  [{ kind: 'linear', warmup: { share: 1.5 } }, 'the warm-up is 1.5 of the steps'],
  [{ kind: 'linear', warmup: { share: NaN } }, 'the warm-up is NaN of the steps'],
  [{ kind: 'linear', warmup: { steps: -1 } }, 'the warm-up is -1 steps'],
  [{ kind: 'linear', warmup: { steps: 0.5 } }, 'the warm-up is 0.5 steps'],
  [{ kind: 'linear', warmup: { steps: 0 }, floor: 2 }, 'the final learning rate is 2 of its peak'],
] as const)('%o is refused', (options, problem) => {
  expect(() => scheduleFor(options, 100)).toThrow(InputError);
  expect(() => scheduleFor(options, 100)).toThrow(problem);
});
