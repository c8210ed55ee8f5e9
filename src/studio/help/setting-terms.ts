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

/** @param name the last part of a setting's path, or the label of its field: `learningRate`, `Learning rate` */
export function settingTerm(name: string | undefined): string | undefined {
  if (name === undefined) return undefined;
  const joined = name.replace(/ (\w)/g, (_, letter: string) => letter.toUpperCase());
  return own(
    settingTerms,
    joined.replace(/^[A-Z]/, (letter) => letter.toLowerCase()),
  );
}
