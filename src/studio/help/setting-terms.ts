import { own } from '../../core/own.ts';

/** What the glossary says of settings, by their names in recipes and losses. */
export const settingTerms: Readonly<Record<string, string>> = {
  batchSize: 'batch',
  choice: 'hard negative',
  epochs: 'epoch',
  learningRate: 'learning rate',
  loss: 'loss',
  margin: 'margin',
  negatives: 'negative',
  pooling: 'pooling',
  scope: 'in-batch negatives',
  seed: 'seed',
  similarity: 'similarity',
  steps: 'step',
  teacher: 'teacher',
  teacherTemperature: 'temperature',
  temperature: 'temperature',
};

/** @param name the last part of a setting's path */
export function settingTerm(name: string | undefined): string | undefined {
  return name === undefined ? undefined : own(settingTerms, name);
}
