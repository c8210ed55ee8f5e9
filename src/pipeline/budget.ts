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

/**
 * About how long a plan takes if each of its trainings ends after so many steps.
 * @param evaluations of each training; as many as it has without a limit
 */
export function secondsWithin(
  { stages, trainingsAtOnce }: Plan,
  maxSteps: number,
  evaluations = Infinity,
): number {
  const cut = stages.map((stage) => {
    const { seconds, steps } = stage;
    if (steps === undefined) return stage;
    const left = 1 - Math.min(1, maxSteps / Math.max(1, steps.count));
    const { count = 0, seconds: each = 0 } = steps.evaluations ?? {};
    const without = 1 - Math.min(1, evaluations / Math.max(1, count));
    return { ...stage, seconds: seconds - steps.seconds * left - each * without };
  });
  return secondsOfAll(cut, trainingsAtOnce);
}

/** The most steps of each training that a budget has room for: at least one, even where all else takes longer. */
export function stepsWithin(plan: Plan, budget: Budget, evaluations = Infinity): number {
  const all = Math.max(0, ...plan.stages.map(({ steps }) => steps?.count ?? 0));
  if (budget === 'full') return all;
  if ('steps' in budget) return Math.min(all, budget.steps);
  let [fits, tooMany] = [0, all + 1];
  while (tooMany - fits > 1) {
    const steps = Math.floor((fits + tooMany) / 2);
    if (secondsWithin(plan, steps, evaluations) <= budget.seconds) fits = steps;
    else tooMany = steps;
  }
  return Math.min(all, Math.max(1, fits));
}

/** Of a budget, evaluations may take so much before there are fewer of them. */
const evaluationShare = 0.2;
/** Before the first step, in the middle and after the last one. */
const leastEvaluations = 3;

/** How many evaluations of each training a budget has room for; all of them where they take little of it. */
function evaluationsWithin({ stages, trainingsAtOnce }: Plan, budget: Budget): number {
  if (budget === 'full' || 'steps' in budget) return Infinity;
  const trainings = stages.flatMap(({ steps }) =>
    steps?.evaluations === undefined ? [] : [steps.evaluations],
  );
  const each = trainings.reduce((sum, { count, seconds }) => sum + seconds / Math.max(1, count), 0);
  const fit = Math.floor((evaluationShare * budget.seconds * trainingsAtOnce) / Math.max(each, 1e-9));
  return trainings.every(({ count }) => fit >= count) ? Infinity : Math.max(leastEvaluations, fit);
}

/** What {@link trainingWithin} leaves of a plan. */
export interface Within {
  readonly steps: number;
  readonly seconds: number;
  readonly training: RecipeTraining;
}

/**
 * What the recipe's training has to set for a budget: nothing where all of it fits. Where there are more judged pairs
 * than the steps have room for, each query has as many rows as any other, so that queries with many judgments do not
 * crowd out the others: one, or as many rounds as there is room for.
 */
export function trainingWithin(
  plan: Plan,
  arms: readonly Pick<ArmStages, 'training' | 'loss' | 'expected'>[],
  budget: Budget,
): Within {
  const all = stepsWithin(plan, 'full');
  // Where all of it fits, so do its evaluations.
  const fits = budget !== 'full' && !('steps' in budget) && secondsWithin(plan, all) <= budget.seconds;
  const evaluations = fits ? Infinity : evaluationsWithin(plan, budget);
  const steps = stepsWithin(plan, budget, evaluations);
  const seconds = secondsWithin(plan, steps, evaluations);
  const evaluateEvery = Number.isFinite(evaluations)
    ? { evaluateEvery: Math.max(1, Math.ceil(steps / (evaluations - 1))) }
    : {};
  return { steps, seconds, training: { ...rowsWithin(arms, steps, all), ...evaluateEvery } };
}

function rowsWithin(
  arms: readonly Pick<ArmStages, 'training' | 'loss' | 'expected'>[],
  maxSteps: number,
  all: number,
): RecipeTraining {
  if (maxSteps >= all) return {};
  const rowsPerList = arms.map(({ training, loss, expected }) => {
    const { batchSize } = expectedTraining(training, loss, expected);
    const hasMore = training.batches?.rowPer !== 'list' && expected.positives > expected.lists;
    return hasMore ? (maxSteps * batchSize) / expected.lists : Infinity;
  });
  const most = Math.max(...rowsPerList);
  if (most <= 1) return { maxSteps, batches: { rowPer: 'list' } };
  return Number.isFinite(most) ? { maxSteps, batches: { evenRows: true } } : { maxSteps };
}
