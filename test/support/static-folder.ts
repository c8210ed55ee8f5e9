/** Folders of static encoders that sentence-transformers and model2vec wrote, with the vectors that they gave. */
import { join } from 'node:path';
import type { ModelFolder } from '../../src/host/contract.ts';
import { encoderFiles } from '../../src/encoders/write-encoder.ts';
import type { EncoderModel, StoredWeights } from '../../src/encoders/types.ts';
import { modelFolder, readJson, type FolderChanges } from './model-folder.ts';

export const staticGolden = join(import.meta.dirname, '../golden/static');

export const goldenStatic = readJson(join(staticGolden, 'golden.json')) as {
  readonly texts: readonly string[];
  readonly vectors: Readonly<Record<string, readonly (readonly number[])[]>>;
};

/** A folder by its name; the model2vec ones share a tokenizer. */
export function staticFolder(name: string, changes: FolderChanges = {}): ModelFolder {
  const own = modelFolder(join(staticGolden, name), changes, name);
  const shared = modelFolder(join(staticGolden, 'model2vec'));
  const isShared = (path: string): boolean => path === 'tokenizer.json' && !Object.hasOwn(changes, path);
  return {
    name,
    has: async (path) => (await own.has(path)) || (isShared(path) && (await shared.has(path))),
    read: async (path) => (isShared(path) && !(await own.has(path)) ? shared : own).read(path),
  };
}

const card = {
  ...{ title: 'written', baseModel: undefined, trainingData: 'none', loss: 'none' },
  ...{ hyperparameters: {}, metrics: [] },
};

/** What an export writes, by path. */
export function writtenFiles(
  model: EncoderModel,
  weights: StoredWeights = 'F32',
): Record<string, Uint8Array<ArrayBuffer>> {
  return Object.fromEntries(
    encoderFiles(model, card, { weights }).map(({ path, content }) => [
      path,
      content instanceof Uint8Array ? content : new Uint8Array(Buffer.concat([...content])),
    ]),
  );
}
