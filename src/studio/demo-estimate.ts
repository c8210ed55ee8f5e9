import type { TimeRange } from '../pipeline/time-left.ts';
import type { RecipeInput } from '../pipeline/schema.ts';
import type { StepRate } from './demo-protocol.ts';

/**
 * What a step of the demo takes beside a small one (demo-rate.ts), with its part of the evaluations: its batch has four
 * times as many texts, and two trainings share a processor's caches.
 */
const stepOverSmall = 9;
/** What is not training, counted in steps: reading, extracting and mining queries, the teacher's vectors, search, tests. */
const otherSteps = 80;
/** How far the estimate may be off, each way. */
const doubt = 1.4;

/** How long the demo takes on a computer of this rate, from the press of the button to the table. */
export function demoEstimate(
  { arms, seeds, training }: Pick<RecipeInput, 'arms' | 'seeds' | 'training'>,
  { milliseconds, cores }: StepRate,
): TimeRange {
  const students = arms.length * (seeds?.length ?? 1);
  const rounds = Math.ceil(students / Math.max(1, Math.min(cores, students)));
  const steps = rounds * (training?.maxSteps ?? 0) + otherSteps;
  const expected = (steps * stepOverSmall * milliseconds) / 1000;
  return { expected, least: expected / doubt, most: expected * doubt };
}
