import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { ModelFolder } from '../../src/host/contract.ts';
import { InputError } from '../../src/core/errors.ts';

/** Files of a model by path: bytes, text, or a value to write as JSON; undefined takes a file away. */
export type FolderChanges = Readonly<Record<string, Uint8Array<ArrayBuffer> | string | object | undefined>>;

/** A model folder on disk with some files changed in memory. Without a folder, in memory alone. */
export function modelFolder(
  path: string | undefined,
  changes: FolderChanges = {},
  name = 'model',
): ModelFolder {
  return {
    name,
    has: (file) =>
      Promise.resolve(
        Object.hasOwn(changes, file)
          ? changes[file] !== undefined
          : path !== undefined && existsSync(join(path, file)),
      ),
    read: async (file) => {
      const change = changes[file];
      if (change instanceof Uint8Array) return change;
      if (typeof change === 'string') return new TextEncoder().encode(change);
      if (change !== undefined) return new TextEncoder().encode(JSON.stringify(change));
      if (path === undefined || Object.hasOwn(changes, file) || !existsSync(join(path, file))) {
        throw new InputError('the file is missing', { file: `${name}/${file}`, remedy: 'Add it' });
      }
      return Promise.resolve(new Uint8Array(readFileSync(join(path, file))));
    },
  };
}

/** A tiny random model in the Hugging Face layout, with golden values beside it. */
export function tinyModel(name: 'tiny-bert' | 'tiny-distilbert' | 'tiny-cross-encoder'): string {
  return join(import.meta.dirname, '../golden/encoders', name);
}

export function readJson(path: string): unknown {
  return JSON.parse(readFileSync(path, 'utf8'));
}
