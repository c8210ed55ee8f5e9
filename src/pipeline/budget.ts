/** How much of a recipe's training fits into a time, or into a number of steps. */
import { InputError } from '../core/errors.ts';
import { own } from '../core/own.ts';
import type { Plan } from './plan.ts';
import type { RecipeTraining } from './schema/training.ts';
import { expectedTraining, type ArmStages } from './stage-graph.ts';
import { secondsOfAll } from './under-way.ts';

/** `full` is every step of the recipe. */
export type Budget = { readonly seconds: number } | { readonly steps: number } | 'full';

const secondsOfUnit: Readonly<Record<string, number>> = { s: 1, min: 60, h: 3600 };
const mostBudget = 1e9;

/** Reads `5min`, `90s`, `2h`, `500steps` or `full`. @throws InputError */
export function parseBudget(text: string): Budget {
  if (text === 'full') return 'full';
  const [, digits, unit] = /^(\d+(?:\.\d+)?) ?(s|min|h|steps)$/.exec(text) ?? [];
  const count = Number(digits);
  const seconds = own(secondsOfUnit, unit ?? '');
  if (count > 0 && count <= mostBudget) {
    if (seconds !== undefined) return { seconds: count * seconds };
    if (unit === 'steps' && Number.isInteger(count)) return { steps: count };
  }
  throw new InputError(`--budget is "${text}"`, {
    remedy: 'Use a time such as 90s, 5min or 2h, a number of steps such as 500steps, or full',
  });
}

/** About how long a plan takes if each of its trainings ends after so many steps. */
export function secondsWithin({ stages, trainingsAtOnce }: Plan, maxSteps: number): number {
  const cut = stages.map((stage) => {
    const { seconds, steps } = stage;
    if (steps === undefined) return stage;
    const left = 1 - Math.min(1, maxSteps / Math.max(1, steps.count));
    return { ...stage, seconds: seconds - steps.seconds * left };
  });
  return secondsOfAll(cut, trainingsAtOnce);
}

/** The most steps of each training that a budget has room for: at least one, even where all else takes longer. */
export function stepsWithin(plan: Plan, budget: Budget): number {
  const all = Math.max(0, ...plan.stages.map(({ steps }) => steps?.count ?? 0));
  if (budget === 'full') return all;
  if ('steps' in budget) return Math.min(all, budget.steps);
  let [fits, tooMany] = [0, all + 1];
  while (tooMany - fits > 1) {
    const steps = Math.floor((fits + tooMany) / 2);
    if (secondsWithin(plan, steps) <= budget.seconds) fits = steps;
    else tooMany = steps;
  }
  return Math.min(all, Math.max(1, fits));
}

/**
 * What the recipe's training has to set for a budget: nothing where all of it fits. Where there are more judged pairs
 * than the steps have room for, each query has one row, so that queries with many judgments do not crowd out the others.
 */
export function trainingWithin(
  plan: Plan,
  arms: readonly Pick<ArmStages, 'training' | 'loss' | 'expected'>[],
  budget: Budget,
): RecipeTraining {
  const all = stepsWithin(plan, 'full');
  const maxSteps = stepsWithin(plan, budget);
  if (maxSteps >= all) return {};
  const isCrowded = arms.every(({ training, loss, expected }) => {
    const rows = maxSteps * expectedTraining(training, loss, expected).batchSize;
    return expected.positives > expected.lists && rows <= expected.lists;
  });
  return { maxSteps, ...(isCrowded && { batches: { rowPer: 'list' } }) };
}
