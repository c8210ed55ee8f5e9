import type { RecipeInput } from '../pipeline/schema.ts';

/** The id of the demo's run with a seed: the same seed is the same run. */
export function demoRunId(seed: number): string {
  return seed === 1 ? 'demo' : `demo-seed-${seed}`;
}

/**
 * The demo: the encoder that comes with the studio, trained twice from one seed on the lists of the demo corpus, once
 * contrastive and once listwise. Sized for a minute on two cores.
 */
export const demoRecipe: RecipeInput = {
  version: 1,
  name: 'demo',
  description: 'A contrastive loss against a listwise one on the demo corpus.',
  seeds: [1],
  corpus: { builtIn: 'demo', dev: { split: 'dev' }, devCandidates: 8 },
  encoder: { model: 'nano', queryMaxLength: 64, passageMaxLength: 96 },
  sources: { lists: { kind: 'lists', corpusFile: 'lists.jsonl' } },
  training: {
    batches: {
      batchSize: 24,
      negatives: 3,
      choice: 'random',
      rowPer: 'list',
      distinctPassages: false,
      level: 2,
    },
    epochs: 2,
    maxSteps: 15,
    learningRate: 3e-4,
    evaluateEvery: 5,
  },
  arms: [
    { name: 'contrastive', source: 'lists', loss: 'infonce(temperature=0.05, scope=batch)' },
    { name: 'listwise', source: 'lists', loss: 'kl(temperature=0.05, teacherTemperature=0.05)' },
  ],
  evaluation: { baselines: ['bm25', 'untrained'], pairs: [['listwise', 'contrastive']] },
};
