import type { ListRecord } from '../corpus/types.ts';
import { tableFamilyOf } from '../encoders/families/index.ts';
import type { EncoderShape } from '../encoders/types.ts';
import type { LossSpec } from '../losses/loss-spec.ts';
import { settle } from '../core/setting.ts';
import { trainingSettingTable } from '../training/setting-table.ts';
import { batchesOf, type BatchSettings } from '../training/list-objective.ts';
import type { Mix } from '../training/mixing/mix.ts';
import type { TrainingSettings } from '../training/settings.ts';
import type { RecipeTraining } from './schema/training.ts';

/** The settings that an arm says differently, over those of the recipe. */
export function mergeTraining(recipe: RecipeTraining, arm: RecipeTraining): RecipeTraining {
  const merged = { ...recipe, ...arm };
  for (const group of ['batches', 'schedule', 'optimizer', 'dropout', 'earlyStopping'] as const) {
    const both = { ...recipe[group], ...arm[group] };
    if (Object.keys(both).length > 0) Object.assign(merged, { [group]: both });
  }
  return merged;
}

/** Everything that the trainer asks for, for these lists. */
export function settingsFor(
  lists: readonly ListRecord[],
  training: RecipeTraining,
  loss: LossSpec,
  {
    seed,
    mix,
    shape,
  }: {
    readonly seed: number;
    readonly mix: Mix | undefined;
    readonly shape: Pick<EncoderShape, 'family'>;
  },
): TrainingSettings {
  const mixing = mix === undefined ? {} : { mix };
  return {
    ...trainingSettings(
      training,
      loss,
      seed,
      (settings) => stepsOf(lists, { ...settings, ...mixing }),
      shape,
    ),
    ...mixing,
  };
}

/** The steps of a training on these lists. */
export function stepsOf(lists: readonly ListRecord[], settings: BatchSettings): number {
  const steps = batchesOf(lists, settings).stepsInEpochs(settings.epochs);
  return Math.min(steps, settings.maxSteps ?? steps);
}

/** The metric that chooses checkpoints and settings on dev. */
export const devMetric = 'ndcg_cut_10';

/** A step over the rows of a table neither decays nor clips. */
function withDefaultsOf(
  shape: Pick<EncoderShape, 'family'> | undefined,
  training: RecipeTraining,
): RecipeTraining {
  if (shape === undefined || tableFamilyOf(shape) === undefined) return training;
  return { ...training, optimizer: { weightDecay: 0, clipNorm: 0, ...defined(training.optimizer ?? {}) } };
}

/**
 * Everything the trainer asks for.
 * @param shape of the encoder, whose family has defaults of its own
 * @param stepsOf how many steps the training takes, from its batch and epochs
 */
export function trainingSettings(
  training: RecipeTraining,
  loss: LossSpec,
  seed: number,
  stepsOf: (settings: Pick<TrainingSettings, 'batches' | 'epochs' | 'maxSteps' | 'seed'>) => number,
  shape?: Pick<EncoderShape, 'family'>,
): TrainingSettings {
  const readsGrades = loss.terms.some(({ definition }) =>
    definition.needs.some((need) => need === 'labels' || need === 'teacher'),
  );
  const { batches, dropout, maxSteps, evaluateEvery, earlyStopping, ...others } = settle(
    trainingSettingTable,
    withDefaultsOf(shape, training),
  );
  const { otherPositives = readsGrades, level, ...rows } = batches;
  const settings = {
    ...{ seed, loss, ...others },
    batches: { ...rows, otherPositives, ...(level !== undefined && { level }) },
    dropout: { hidden: 0, attention: 0, ...defined(dropout) },
    ...(maxSteps !== undefined && { maxSteps }),
  };
  const steps = stepsOf(settings);
  return {
    ...settings,
    evaluateEvery: evaluateEvery ?? Math.max(1, Math.ceil(steps / 10)),
    earlyStopping: { watch: [{ name: devMetric, better: 'higher' }], patience: earlyStopping.patience },
    // When checkpoints are made is up to the runner, and changes nothing.
    checkpointEvery: Math.max(1, steps),
  };
}

type Defined<T> = { [Key in keyof T]?: Exclude<T[Key], undefined> };

/** Without what is undefined, which would hide a default. */
function defined<T extends object>(settings: T): Defined<T> {
  return Object.fromEntries(
    Object.entries(settings).filter(([, value]) => value !== undefined),
  ) as Defined<T>;
}
