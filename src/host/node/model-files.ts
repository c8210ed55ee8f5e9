import { isBuiltIn } from '../built-in-models.ts';
import { existsSync } from 'node:fs';
import { realpath } from 'node:fs/promises';
import { homedir } from 'node:os';
import { basename, dirname, join, sep } from 'node:path';
import { fileURLToPath } from 'node:url';
import { checkModelFileSize } from '../../formats/file-limits.ts';
import { isModelFile } from '../model-file-names.ts';
import type { FetchProgress, ModelFiles, ModelFolder } from '../contract.ts';
import { InputError } from '../../core/errors.ts';
import { nodeFiles, unlessCode } from './file-operations.ts';
import { isPlainPath, parseHubName, type HubFile, type HubName } from '../hub-listing.ts';
import { openHubRepository, type HubCacheOptions } from './hub-repository.ts';

export type ModelFilesOptions = HubCacheOptions;

/** A model folder on this machine's disk. */
export interface DiskModelFolder extends ModelFolder {
  /** Locations of the files that were read, by their paths. */
  readonly root: string;
}

export interface DiskModelFiles extends ModelFiles {
  open(model: string, onProgress?: (progress: FetchProgress) => void): Promise<DiskModelFolder>;
}

/** Models from folders, from the Hugging Face hub or a mirror, and the one that comes with the studio. */
export function openModelFiles(options: ModelFilesOptions = {}): DiskModelFiles {
  return {
    async open(model, onProgress) {
      if (isBuiltIn(model)) return openBuiltIn(model);
      const path = model.startsWith('~/') ? join(homedir(), model.slice(2)) : model;
      const status = await unlessCode('ENOTDIR', nodeFiles.stat(path));
      if (status?.isFolder) return openModelFolder(path, model);
      const name = parseHubName(model);
      if (status || !name) {
        throw new InputError(status ? 'the model is a file, not a folder' : 'there is no such folder', {
          file: model,
          remedy: 'Use a model folder, a hub name (ORG/NAME or ORG/NAME@REVISION), nano or pico',
        });
      }
      return openHubModel({ model, ...name, onProgress }, options);
    },
  };
}

/** A built-in encoder: public/models/NAME, next to or above the folder of this file. */
async function openBuiltIn(name: string): Promise<DiskModelFolder> {
  let folder = dirname(fileURLToPath(import.meta.url));
  for (;;) {
    const candidate = join(folder, 'public', 'models', name);
    if (existsSync(join(candidate, 'config.json'))) return openModelFolder(candidate, name);
    if (dirname(folder) === folder) break;
    folder = dirname(folder);
  }
  throw new InputError('this installation does not include the model', {
    file: name,
    remedy: 'Use a model folder or a hub name such as sentence-transformers/all-MiniLM-L6-v2',
  });
}

/**
 * A model folder on disk. Reads stay inside it; links may lead to where the Hugging Face cache keeps the files of
 * its snapshots, nowhere else.
 */
async function openModelFolder(path: string, name: string): Promise<DiskModelFolder> {
  const root = await realpath(path);
  const roots = [root];
  if (basename(dirname(root)) === 'snapshots') roots.push(join(dirname(dirname(root)), 'blobs'));
  const locate = async (file: string): Promise<string | undefined> => {
    assertPlain(file);
    const found = await unlessCode('ENOTDIR', unlessCode('ENOENT', realpath(join(root, ...file.split('/')))));
    if (found === undefined) return undefined;
    if (!roots.some((each) => found.startsWith(each + sep))) {
      throw new InputError('the link points outside the model folder', {
        file: `${name}/${file}`,
        remedy: 'Use the file itself instead of a link',
      });
    }
    return found;
  };
  return {
    name,
    root,
    has: async (file) => (await locate(file)) !== undefined,
    async read(file) {
      const found = await locate(file);
      if (found === undefined) throw missing(name, file);
      const status = await nodeFiles.stat(found);
      if (status === undefined || status.isFolder) throw missing(name, file);
      checkModelFileSize(file, status.bytes, `${name}/${file}`);
      return nodeFiles.read(found);
    },
  };
}

interface HubModel extends HubName {
  readonly model: string;
  readonly onProgress: ((progress: FetchProgress) => void) | undefined;
}

/** Files are fetched when they are read: one that is never asked for is never downloaded. */
async function openHubModel(
  { model, onProgress, ...name }: HubModel,
  options: ModelFilesOptions,
): Promise<DiskModelFolder> {
  const repository = await openHubRepository(name, options);
  const known = new Map<string, HubFile>();
  for (const file of repository.listing.files) if (isModelFile(file.path)) known.set(file.path, file);

  return {
    name: model,
    root: repository.root,
    has: (path) => Promise.resolve(known.has(path)),
    async read(path) {
      const file = known.get(path);
      if (!file) throw missing(model, path);
      checkModelFileSize(path, file.size ?? 0, `${model}/${path}`);
      return nodeFiles.read(await repository.locate(file, `${model}/${path}`, { onProgress }));
    },
  };
}

function assertPlain(path: string): void {
  if (!isPlainPath(path)) throw new RangeError(`"${path}" is not a path inside a model folder`);
}

function missing(model: string, path: string): InputError {
  return new InputError('the file is missing', {
    file: `${model}/${path}`,
    remedy: 'Use a complete model folder, or another model',
  });
}
