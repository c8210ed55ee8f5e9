import type { PlannedTraining } from '../../src/pipeline/planner.ts';

/** As NFCorpus is planned: six hours for all of it, 97 steps in five minutes. */
export const planned: PlannedTraining = {
  plan: {
    stages: [],
    seconds: 6 * 3600,
    trainingsAtOnce: 1,
    memory: { bytes: 1, availableBytes: 2 },
    disk: { keptBytes: 1, peakBytes: 2 },
  },
  isTimed: true,
  ...{ steps: 6899, queries: 2590, pairs: 110_575, rows: 110_575, batchSize: 16, trainings: 1 },
  testQueries: 323,
  within: { steps: 97, seconds: 300, training: { maxSteps: 97, batches: { rowPer: 'list' } } },
  facts: {
    passages: 3633,
    passageTokens: Array.from({ length: 100 }, (_, i) => 100 + 3 * i),
    cover: 0.8,
    train: { queries: 2590, pairs: 110_575, graded: true },
    test: { queries: 323, pairs: 12_334, graded: true },
  },
  batches: null,
};
