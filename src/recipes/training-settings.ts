import type { LossSpec } from '../losses/loss-spec.ts';
import { defaultAdamW } from '../training/optimizer.ts';
import type { TrainingSettings } from '../training/settings.ts';
import type { RecipeTraining } from './schema/training.ts';

/** What a recipe that says nothing trains with; the same as the train command's. */
const defaults = {
  similarity: 'cosine',
  selection: { kind: 'all' },
  batches: {
    batchSize: 16,
    incomplete: 'drop',
    distinctPassages: true,
    negatives: 'all',
    choice: 'random',
    rowPer: 'positive',
  },
  epochs: 1,
  learningRate: 2e-5,
  schedule: { kind: 'linear', warmup: { share: 0.1 }, floor: 0 },
  optimizer: defaultAdamW,
  dropout: { hidden: 0, attention: 0 },
  tokensPerMicroBatch: 'auto',
  activationBytes: 2 ** 31,
} as const;

/** The settings that an arm says differently, over those of the recipe. */
export function mergeTraining(recipe: RecipeTraining, arm: RecipeTraining): RecipeTraining {
  const merged = { ...recipe, ...arm };
  for (const group of ['batches', 'schedule', 'optimizer', 'dropout'] as const) {
    const both = { ...recipe[group], ...arm[group] };
    if (Object.keys(both).length > 0) Object.assign(merged, { [group]: both });
  }
  return merged;
}

/** The metric that chooses checkpoints and settings on dev. */
export const devMetric = 'ndcg_cut_10';

/**
 * Everything the trainer asks for.
 * @param stepsOf how many steps the training takes, from its batch and epochs
 */
export function trainingSettings(
  training: RecipeTraining,
  loss: LossSpec,
  seed: number,
  stepsOf: (settings: Pick<TrainingSettings, 'batches' | 'epochs' | 'maxSteps' | 'seed'>) => number,
): TrainingSettings {
  const { batches, schedule, optimizer, dropout, earlyStopping, evaluateEvery, maxSteps, ...rest } = training;
  const readsGrades = loss.terms.some(({ definition }) =>
    definition.needs.some((need) => need === 'labels' || need === 'teacher'),
  );
  const settings = {
    ...defaults,
    ...defined(rest),
    seed,
    loss,
    batches: { otherPositives: readsGrades, ...defaults.batches, ...defined(batches ?? {}) },
    schedule: { ...defaults.schedule, ...defined(schedule ?? {}) },
    optimizer: { ...defaults.optimizer, ...defined(optimizer ?? {}) },
    dropout: { ...defaults.dropout, ...defined(dropout ?? {}) },
    ...(maxSteps === undefined ? {} : { maxSteps }),
  };
  const steps = stepsOf(settings);
  return {
    ...settings,
    evaluateEvery: evaluateEvery ?? Math.max(1, Math.ceil(steps / 10)),
    earlyStopping: {
      watch: [{ name: devMetric, better: 'higher' }],
      patience: earlyStopping?.patience ?? null,
    },
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
