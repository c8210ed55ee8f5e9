/** A training of a tiny encoder that takes a second, and a place for several of them. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll } from 'vitest';
import type { ListRecord } from '../../src/corpus/types.ts';
import { readEncoder } from '../../src/encoders/read-encoder.ts';
import type { EncoderModel } from '../../src/encoders/types.ts';
import type { Runtime } from '../../src/host/contract.ts';
import { nodeClock } from '../../src/host/node/clock.ts';
import { openRuntime } from '../../src/host/node/runtime.ts';
import { FolderStore } from '../../src/host/node/store.ts';
import { parseLossSpec } from '../../src/losses/loss-spec.ts';
import { CheckpointStore } from '../../src/training/checkpoint.ts';
import { defaultAdamW } from '../../src/training/optimizer.ts';
import type { TrainingSettings } from '../../src/training/settings.ts';
import type { TrainerParts } from '../../src/training/trainer.ts';
import { modelFolder, tinyModel } from './model-folder.ts';

/** With dropout, and checkpoints that do not fall on the ends of epochs. */
export const smallTraining: TrainingSettings = {
  seed: 3,
  loss: parseLossSpec('infonce'),
  similarity: 'cosine',
  selection: { kind: 'all' },
  batches: {
    batchSize: 4,
    incomplete: 'drop',
    distinctPassages: true,
    negatives: 1,
    choice: 'random',
    rowPer: 'list',
    otherPositives: false,
  },
  epochs: 3,
  learningRate: 2e-3,
  schedule: { kind: 'linear', warmup: { share: 0.1 } },
  optimizer: defaultAdamW,
  dropout: { hidden: 0.1, attention: 0.1 },
  tokensPerMicroBatch: 64,
  activationBytes: 2 ** 30,
  evaluateEvery: 4,
  earlyStopping: { watch: [{ name: 'score', better: 'higher' }], patience: null },
  checkpointEvery: 3,
};

/** The same for a static encoder, whose rows take larger steps and no decay. */
export const staticTraining: TrainingSettings = {
  ...smallTraining,
  learningRate: 0.03,
  optimizer: { ...defaultAdamW, weightDecay: 0, clipNorm: 0 },
  dropout: { hidden: 0, attention: 0 },
};

export interface SmallTrainings {
  /** What `train` takes, with changes. */
  readonly parts: (changes?: Partial<TrainerParts>) => TrainerParts;
  /** The checkpoints of an experiment; those of an earlier call with the same name. */
  readonly openCheckpoints: (experiment: string) => Promise<CheckpointStore>;
}

/** Trainings of tiny-bert on the CPU, for the tests of a file or block. */
export function smallTrainings(lists: readonly ListRecord[], settings: TrainingSettings): SmallTrainings {
  let runtime: Runtime;
  let encoder: EncoderModel;
  let folder: string;
  beforeAll(async () => {
    runtime = await openRuntime({ device: 'cpu', threads: 2 });
    encoder = await readEncoder(modelFolder(tinyModel('tiny-bert')));
    folder = await mkdtemp(join(tmpdir(), 'studio-trainings-'));
  });
  afterAll(async () => {
    await runtime.close();
    await rm(folder, { recursive: true });
  });
  return {
    parts: (changes = {}) => ({
      runtime,
      encoder,
      lists,
      settings,
      clock: nodeClock,
      version: 'test',
      // Known, so that no training begins by measuring it.
      matmulRate: () => Promise.resolve(1e9),
      ...changes,
    }),
    openCheckpoints: async (experiment) => {
      const store = await FolderStore.open(join(folder, experiment));
      return new CheckpointStore(await store.openWriter('training'), store);
    },
  };
}
