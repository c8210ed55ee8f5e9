import { isBuiltIn } from '../host/built-in-models.ts';
import { join, resolve } from 'node:path';
import type { EncoderModel } from '../encoders/types.ts';
import { encoderFiles } from '../encoders/write-encoder.ts';
import { exportOnnx } from '../encoders/onnx-export.ts';
import type { ModelCardInfo } from '../encoders/model-card.ts';
import { readEncoder } from '../encoders/read-encoder.ts';
import type { EncodingOverrides } from '../encoders/types.ts';
import type { Json } from '../core/json.ts';
import type { FetchProgress, ModelFolder, StoreWriter } from '../host/contract.ts';
import { InputError } from '../core/errors.ts';
import { refuseForeignFolder, writeFolderAtomic, type WriteFolderOptions } from '../host/node/atomic-file.ts';
import { errorCode, nodeFiles, unlessCode } from '../host/node/file-operations.ts';
import type { DiskModelFiles } from '../host/node/model-files.ts';
import type { FolderStore } from '../host/node/store.ts';
import { CheckpointStore } from '../training/checkpoint.ts';
import { openModelFiles, openStore } from './input-files.ts';
import type { CliIo } from './io.ts';
import { checkWritableFolder } from './output-file.ts';
import { addOutput } from './touched-files.ts';

/** The namespace of an experiment's checkpoints and the one of its description, in its folder's store. */
const trainingNamespace = 'training';
const experimentNamespace = 'experiment';
const descriptionKey = 'description';

/** What a training was asked for, kept beside its checkpoints so that an export needs nothing else. */
export type ExperimentDescription = {
  readonly model: string;
  readonly encoding: Readonly<Record<string, Json>>;
  readonly lists: string;
  /** Of what the lists' file holds. */
  readonly listsSha256: string;
  /** Of the dev lists, where they are from a file of their own. */
  readonly devSha256?: string;
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
    return new Experiment(folder, await openStore(folder, io));
  }

  /** @throws InputError if there is no experiment in the folder */
  static async openExisting(folder: string, io: CliIo): Promise<Experiment> {
    if (!(await isExperiment(folder))) {
      throw new InputError('this is not an experiment folder', {
        file: folder,
        remedy: 'Use the experiment folder of `retriever-studio train` (OUT.experiment by default)',
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
  async takeOver(): Promise<CheckpointStore> {
    return new CheckpointStore(await this.#store.openWriter(trainingNamespace), this.#store);
  }

  /** The checkpoints to read, which disturbs no process that trains. */
  checkpoints(): CheckpointStore {
    const reader: StoreWriter = {
      namespace: trainingNamespace,
      epoch: 0,
      commit: () => Promise.reject(new Error('the checkpoints were opened for reading only')),
    };
    return new CheckpointStore(reader, this.#store);
  }

  /** Gives up what was not committed. What cannot be tidied now is tidied by who opens the folder next. */
  async close(): Promise<void> {
    try {
      await this.#store.close();
    } catch {
      // On a full disk, say. Why it came to this matters more, and is being reported.
    }
  }
}

/** Whether the folder holds an experiment. */
export async function isExperiment(folder: string): Promise<boolean> {
  return (await unlessCode('ENOTDIR', nodeFiles.stat(join(folder, 'store.json')))) !== undefined;
}

/** What names the model from anywhere: a folder by its whole path, others as they are. */
export async function lastingModelName(model: string): Promise<string> {
  if (isBuiltIn(model)) return model;
  const status = await unlessCode('ENOTDIR', nodeFiles.stat(model));
  return status?.isFolder === true ? resolve(model) : model;
}

/** Opens the encoder that an experiment starts from. */
export async function openBaseEncoder(
  model: string,
  overrides: EncodingOverrides,
  io: CliIo,
): Promise<EncoderModel> {
  return openModel(model, io, async (folder) => {
    const encoder = await readEncoder(folder, overrides);
    for (const advice of encoder.advice ?? []) io.note(advice);
    return encoder;
  });
}

/** Reads something from a model's folder, and shows what has to be downloaded for it. */
export async function openModel<T>(
  model: string,
  io: CliIo,
  read: (folder: ModelFolder) => Promise<T>,
): Promise<T> {
  const { files, stop } = shownModelFiles(io);
  try {
    return await read(await files.open(model));
  } finally {
    stop();
  }
}

/** Models whose downloads are shown until `stop` is called, which must be also when reading them fails. */
export function shownModelFiles(io: CliIo): { readonly files: DiskModelFiles; readonly stop: () => void } {
  const shown = new Map<string, ReturnType<CliIo['progress']>>();
  const show = ({ file, foundIn, receivedBytes, totalBytes }: FetchProgress): void => {
    const what = foundIn === undefined ? `downloading ${file}` : `copying ${file}, found in ${foundIn}`;
    let progress = shown.get(what);
    if (progress === undefined) {
      progress = io.progress(what, totalBytes ?? 0, 'bytes');
      shown.set(what, progress);
    }
    progress.update(receivedBytes);
  };
  const files = openModelFiles();
  return {
    files: { open: (model, onProgress = show) => files.open(model, onProgress) },
    stop: () => {
      for (const progress of shown.values()) progress.stop();
      shown.clear();
    },
  };
}

/**
 * Finds out before long work whether a folder can be written at the end.
 * @throws InputError if there can be none at the path, or there is one that holds other files
 */
export async function checkOutputFolder(path: string, force: boolean): Promise<void> {
  try {
    if (!force) await refuseForeignFolder(nodeFiles, path, '--force');
    await checkWritableFolder(path, path);
    await addOutput(path, 'folder');
  } catch (error) {
    if (errorCode(error) !== 'ENOTDIR') throw error;
    throw new InputError('a folder cannot be created here: part of the path is a file', {
      file: path,
      remedy: 'Choose another folder',
      cause: error,
    });
  }
}

/** Writes a model as a folder that sentence-transformers and transformers.js open. */
export async function writeModelFolder(
  path: string,
  model: EncoderModel,
  card: ModelCardInfo,
  options: WriteFolderOptions,
): Promise<void> {
  const onnx = exportOnnx(model);
  await writeFolderAtomic(path, encoderFiles(model, card, { onnx }), options);
}
