import { isBuiltIn } from '../built-in-models.ts';
import { existsSync } from 'node:fs';
import { realpath } from 'node:fs/promises';
import { homedir } from 'node:os';
import { basename, dirname, join, resolve, sep } from 'node:path';
import { fileURLToPath } from 'node:url';
import { checkModelFileSize } from '../../formats/file-limits.ts';
import { isModelFile } from '../model-file-names.ts';
import type { FetchProgress, ModelFiles, ModelFolder } from '../contract.ts';
import { InputError } from '../../core/errors.ts';
import { writeFileAtomic } from './atomic-file.ts';
import { isIntact } from '../download.ts';
import { fetchHubFile, listModel, notAsked } from '../hub.ts';
import { writeToDisk } from './download.ts';
import { nodeFiles, unlessCode } from './file-operations.ts';
import { parseHubName, type HubFile, type HubName } from '../hub-listing.ts';
import { openHub, type HubOptions } from './hub.ts';
import { cachedListing, cachedRepository, cacheName, copyCached } from './hugging-face-cache.ts';

export interface ModelFilesOptions extends HubOptions {
  /** Where downloads are kept. Default: $RETRIEVER_STUDIO_CACHE, else retriever-studio/models in the user's cache. */
  readonly cacheFolder?: string | undefined;
  /** Uses only what is cached. Default: whether $HF_HUB_OFFLINE is 1. */
  readonly offline?: boolean | undefined;
}

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
async function openHubModel(request: HubModel, options: ModelFilesOptions): Promise<DiskModelFolder> {
  const { id, model, revision, onProgress } = request;
  const hub = openHub(options);
  const offline = options.offline ?? process.env.HF_HUB_OFFLINE === '1';
  const shared = cachedRepository(id);
  const cache = join(
    resolve(options.cacheFolder ?? defaultCacheFolder()),
    hub.endpoint.host.replaceAll(':', '_'),
    ...id.split('/'),
  );
  const reference = join(cache, 'revisions', `${encodeURIComponent(revision)}.json`);
  const listings = {
    read: () => unlessCode('ENOENT', nodeFiles.read(reference)),
    write: (listing: string) => writeFileAtomic(reference, listing),
    elsewhere: () => cachedListing(shared, revision),
  };
  const { commit, files } = await listModel(hub, request, listings, offline);
  const known = new Map<string, HubFile>();
  for (const file of files) if (isModelFile(file.path)) known.set(file.path, file);

  return {
    name: model,
    root: join(cache, commit),
    has: (path) => Promise.resolve(known.has(path)),
    async read(path) {
      const file = known.get(path);
      if (!file) throw missing(model, path);
      checkModelFileSize(path, file.size ?? 0, `${model}/${path}`);
      const target = join(cache, commit, ...path.split('/'));
      const present = await nodeFiles.stat(target);
      if (!present || (file.size !== undefined && present.bytes !== file.size)) {
        await writeToDisk(target, file.size, async (sink) => {
          const told = { file: `${id}/${path}`, foundIn: cacheName, totalBytes: file.size };
          const onBytes = (receivedBytes: number): void => onProgress?.({ ...told, receivedBytes });
          const isCopied = await copyCached(shared, commit, file, sink, onBytes);
          if (isCopied && (await isIntact(sink, file))) return sink.finish();
          if (isCopied) await sink.discard();
          if (offline) throw notAsked(`${model}/${path}`);
          return fetchHubFile(hub, { id, revision: commit }, file, sink, onProgress);
        });
      }
      return nodeFiles.read(target);
    },
  };
}

function defaultCacheFolder(): string {
  const own = process.env.RETRIEVER_STUDIO_CACHE;
  if (own) return own;
  const shared =
    process.env.XDG_CACHE_HOME ||
    (process.platform === 'win32' ? process.env.LOCALAPPDATA : undefined) ||
    join(homedir(), '.cache');
  return join(shared, 'retriever-studio', 'models');
}

function assertPlain(path: string): void {
  const parts = path.split('/');
  if (/[\\:\0]/.test(path) || parts.some((part) => part === '' || part === '.' || part === '..')) {
    throw new RangeError(`"${path}" is not a path inside a model folder`);
  }
}

function missing(model: string, path: string): InputError {
  return new InputError('the file is missing', {
    file: `${model}/${path}`,
    remedy: 'Use a complete model folder, or another model',
  });
}
