import { numberText } from '../core/setting-ranges.ts';
import type { LossSpec } from '../losses/loss-spec.ts';
import { hasTemperature, withTemperature } from './loss.ts';
import type { RecipeTuning } from './schema.ts';
import type { RecipeTraining } from './schema/training.ts';
import type { ArmStages, StageGraph } from './stage-graph.ts';
import type { TrainingStage } from './stages/training.ts';
import { devMetric } from './training-settings.ts';
import type { RecipeWorkshop } from './workshop.ts';

/** One combination of settings that is tried for an arm. */
export interface Trial {
  readonly learningRate: number | null;
  readonly temperature: number | null;
  readonly stage: TrainingStage;
}

/** What a tuning changes for all seeds of an arm. */
export interface TuningChoice {
  readonly loss?: LossSpec;
  readonly training?: RecipeTraining;
}

/** What was tried for an arm and what was taken, for the report. A type alias, so that it is assignable to Json. */
export type TuningReport = Readonly<{
  arm: string;
  metric: string;
  trials: readonly Readonly<{
    learningRate: number | null;
    temperature: number | null;
    dev: number;
    steps: number;
    chosen: boolean;
  }>[];
}>;

/** Every combination that the budget names, with the first seed. */
export async function trialsOf(
  graph: StageGraph,
  arm: ArmStages,
  tuning: RecipeTuning,
): Promise<readonly Trial[]> {
  const rates = tuning.learningRates.length > 0 ? tuning.learningRates : [null];
  const temperatures =
    tuning.temperatures.length > 0 && hasTemperature(arm.loss) ? tuning.temperatures : [null];
  const seed = graph.recipe.seeds[0] ?? 0;
  const trials: Trial[] = [];
  for (const learningRate of rates) {
    for (const temperature of temperatures) {
      const { loss, training } = choiceOf(arm, { learningRate, temperature });
      const named = [
        ...(learningRate === null ? [] : [`learning rate ${numberText(learningRate)}`]),
        ...(temperature === null ? [] : [`temperature ${temperature}`]),
      ];
      const shortened = {
        ...training,
        ...(tuning.epochs === undefined ? {} : { epochs: tuning.epochs }),
        ...(tuning.maxSteps === undefined ? {} : { maxSteps: tuning.maxSteps }),
      };
      const stage = await graph.training(arm, seed, `trial of ${arm.arm.name}, ${named.join(', ')}`, {
        ...(loss === undefined ? {} : { loss }),
        training: shortened,
      });
      trials.push({ learningRate, temperature, stage });
    }
  }
  return trials;
}

export function choiceOf(
  { loss }: ArmStages,
  { learningRate, temperature }: Pick<Trial, 'learningRate' | 'temperature'>,
): TuningChoice {
  return {
    ...(temperature === null ? {} : { loss: withTemperature(loss, temperature) }),
    ...(learningRate === null ? {} : { training: { learningRate } }),
  };
}

export interface Tuned {
  readonly choice: TuningChoice;
  readonly report: TuningReport;
}

/** Trains what is to be tried and takes the best on dev; of equals the first. */
export async function tune(
  workshop: RecipeWorkshop,
  arm: ArmStages,
  trials: readonly Trial[],
): Promise<Tuned> {
  const tried: { trial: Trial; dev: number; steps: number }[] = [];
  for (const trial of trials) {
    const { steps, bestStep, evaluations } = (await workshop.resultOf(trial.stage)).value;
    const best = evaluations.find(({ step }) => step === bestStep);
    tried.push({ trial, steps, dev: best?.values[devMetric] ?? 0 });
  }
  const highest = Math.max(...tried.map(({ dev }) => dev));
  const winner = tried.find(({ dev }) => dev === highest) ?? tried[0];
  if (winner === undefined) throw new Error('there was nothing to try');
  return {
    choice: choiceOf(arm, winner.trial),
    report: {
      arm: arm.arm.name,
      metric: devMetric,
      trials: tried.map(({ trial, dev, steps }) => ({
        learningRate: trial.learningRate,
        temperature: trial.temperature,
        dev,
        steps,
        chosen: trial === winner.trial,
      })),
    },
  };
}
