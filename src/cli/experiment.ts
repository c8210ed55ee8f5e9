import { join } from 'node:path';
import type { EncoderModel } from '../encoders/types.ts';
import { encoderFiles } from '../encoders/write-encoder.ts';
import { exportOnnx } from '../encoders/onnx-export.ts';
import type { ModelCardInfo } from '../encoders/model-card.ts';
import { readEncoder } from '../encoders/read-encoder.ts';
import type { EncodingOverrides } from '../encoders/sentence-transformers.ts';
import type { Json } from '../host/contract.ts';
import { InputError } from '../host/errors.ts';
import { writeFolderAtomic, type WriteFolderOptions } from '../host/node/atomic-file.ts';
import { nodeFiles } from '../host/node/file-operations.ts';
import { openModelFiles } from '../host/node/model-files.ts';
import { FolderStore } from '../host/node/store.ts';
import { CheckpointStore } from '../training/checkpoint.ts';
import type { CliIo } from './io.ts';

/** The namespace of an experiment's checkpoints and the one of its description, in its folder's store. */
const trainingNamespace = 'training';
const experimentNamespace = 'experiment';
const descriptionKey = 'description';

/** What a training was asked for, kept beside its checkpoints so that an export needs nothing else. */
// eslint-disable-next-line @typescript-eslint/consistent-type-definitions
export type ExperimentDescription = {
  readonly model: string;
  readonly encoding: Readonly<Record<string, Json>>;
  readonly lists: string;
  readonly loss: string;
  readonly hyperparameters: Readonly<Record<string, string | number | boolean>>;
  /** Present once the training has ended by itself. */
  readonly finished: boolean;
};

/** An experiment's folder: a store with its description and checkpoints. */
export class Experiment {
  readonly folder: string;
  readonly #store: FolderStore;

  private constructor(folder: string, store: FolderStore) {
    this.folder = folder;
    this.#store = store;
  }

  static async open(folder: string, io: CliIo): Promise<Experiment> {
    return new Experiment(folder, await FolderStore.open(folder, { report: (problem) => io.warn(problem) }));
  }

  /** @throws InputError if there is no experiment in the folder */
  static async openExisting(folder: string, io: CliIo): Promise<Experiment> {
    if (!(await nodeFiles.stat(join(folder, 'store.json')))) {
      throw new InputError('this is not the folder of an experiment', {
        file: folder,
        remedy: 'Give the folder that `train` names as its experiment',
      });
    }
    return Experiment.open(folder, io);
  }

  async description(): Promise<ExperimentDescription | undefined> {
    const record = await this.#store.get(experimentNamespace, descriptionKey);
    return record?.value as ExperimentDescription | undefined;
  }

  async describe(description: ExperimentDescription): Promise<void> {
    const writer = await this.#store.openWriter(experimentNamespace);
    await writer.commit({ put: { [descriptionKey]: { value: description, blobs: [] } } });
  }

  /** Takes the checkpoints over: a process that trains the same experiment is refused from now on. */
  async checkpoints(): Promise<CheckpointStore> {
    return new CheckpointStore(await this.#store.openWriter(trainingNamespace), this.#store);
  }
}

/** Opens the encoder that an experiment starts from. */
export async function openBaseEncoder(
  model: string,
  overrides: EncodingOverrides,
  io: CliIo,
): Promise<EncoderModel> {
  const shown = new Map<string, ReturnType<CliIo['progress']>>();
  try {
    const folder = await openModelFiles().open(model, ({ file, receivedBytes, totalBytes }) => {
      let progress = shown.get(file);
      if (progress === undefined) {
        progress = io.progress(`downloading ${file}`, totalBytes ?? 0, 'bytes');
        shown.set(file, progress);
      }
      progress.update(receivedBytes);
    });
    const encoder = await readEncoder(folder, overrides);
    for (const advice of encoder.advice ?? []) io.note(advice);
    return encoder;
  } finally {
    for (const progress of shown.values()) progress.stop();
  }
}

/** Writes a model as a folder that sentence-transformers and transformers.js open. */
export async function writeModelFolder(
  path: string,
  model: EncoderModel,
  card: ModelCardInfo,
  options: WriteFolderOptions,
): Promise<void> {
  const onnx = exportOnnx(model.shape, model.weights);
  await writeFolderAtomic(path, encoderFiles(model, card, { onnx }), options);
}
