import type { ModelCardInfo } from '../encoders/model-card.ts';
import type { ArmReport, RecipeReport } from './report.ts';
import { own } from '../host/own.ts';

/** The model card of an arm's model as it was trained with the first seed. */
export function modelCardOfArm(report: RecipeReport, arm: ArmReport): ModelCardInfo {
  const { recipe, results, corpus } = report;
  const training = arm.trainings[0];
  const untrained = results.all.systems.find(({ name }) => name === 'untrained')?.metrics;
  const trained = results.all.systems.find(({ name }) => name === arm.name)?.metrics ?? {};
  return {
    title: `${recipe.name}, ${arm.name}`,
    baseModel: recipe.encoder.model,
    trainingData: `${arm.lists} lists of ${arm.source}${arm.filters === null ? '' : `, filtered by ${arm.filters}`}, by the recipe ${recipe.name}.`,
    loss: arm.loss,
    hyperparameters: {
      'learning rate': arm.learningRate,
      seed: training?.seed ?? 0,
      'steps done': training?.steps ?? 0,
    },
    metrics: Object.entries(trained).map(([metric, { perSeed }]) => ({
      dataset: corpus.name,
      metric,
      before: own(untrained, metric)?.mean,
      after: perSeed[0] ?? 0,
    })),
  };
}
