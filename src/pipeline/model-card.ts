import type { ModelCardInfo } from '../encoders/model-card.ts';
import { parseLossSpec } from '../losses/loss-spec.ts';
import { hyperparametersOf } from '../training/hyperparameters.ts';
import { mergeTraining, trainingSettings } from './training-settings.ts';
import type { ArmReport, RecipeReport } from './report.ts';
import { own } from '../core/own.ts';

/** The model card of an arm's model as it was trained with the first seed. */
export function modelCardOfArm(report: RecipeReport, arm: ArmReport): ModelCardInfo {
  const { recipe, results, corpus } = report;
  const training = arm.trainings[0];
  const untrained = results.all.systems.find(({ name }) => name === 'untrained')?.metrics;
  const ofArm = recipe.arms.find(({ name }) => name === arm.name)?.training ?? {};
  const chosen = { ...mergeTraining(recipe.training, ofArm), learningRate: arm.learningRate };
  const steps = training?.steps ?? 0;
  const settings = trainingSettings(chosen, parseLossSpec(arm.loss), training?.seed ?? 0, () => steps);
  const trained = results.all.systems.find(({ name }) => name === arm.name)?.metrics ?? {};
  return {
    title: `${recipe.name}, ${arm.name}`,
    baseModel: recipe.encoder.model,
    trainingData: trainingData(arm, recipe.name),
    loss: arm.loss,
    hyperparameters: { ...hyperparametersOf(settings), 'steps done': training?.steps ?? 0 },
    metrics: Object.entries(trained).map(([metric, { perSeed }]) => ({
      dataset: corpus.name,
      metric,
      before: own(untrained, metric)?.mean,
      after: perSeed[0] ?? 0,
    })),
  };
}

function trainingData({ lists, source, filters, listsReport }: ArmReport, recipe: string): string {
  const filtered = filters === null ? '' : `, filtered by ${filters}`;
  const { written, recorded } = listsReport;
  const writer =
    written && ` A language model wrote for them: ${written.model}${recorded ? ', recorded earlier' : ''}.`;
  return `${lists} lists of ${source}${filtered}, by the recipe ${recipe}.${writer ?? ''}`;
}
