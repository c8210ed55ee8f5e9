import { isBuiltIn } from '../built-in-models.ts';
import { checkModelFileSize } from '../../formats/file-limits.ts';
import { isModelFile } from '../model-file-names.ts';
import { readRange, withoutTopFolder, type FileTree } from '../../core/source.ts';
import type { FetchProgress, ModelFiles, ModelFolder } from '../contract.ts';
import { InputError } from '../../core/errors.ts';
import { StatusError } from '../download.ts';
import { parseHubName, type HubFile, type HubName } from '../hub-listing.ts';
import { fetchOwnFile, unreachableRemedy } from './download.ts';
import { openHubRepository, type HubCacheOptions } from './hub-repository.ts';

export interface ModelFilesOptions extends HubCacheOptions {
  /** The base address of the page's own files; nano is `models/nano/` there. Default: the site's root. */
  readonly base?: URL | undefined;
  /** Folders that the user has dropped, by the name that they are opened by. */
  readonly folders?: ReadonlyMap<string, FileTree> | undefined;
}

const CACHE = 'retriever-studio/models';

/** The model that comes with the page, models from the Hugging Face hub, and folders that were dropped on the page. */
export function openModelFiles(options: ModelFilesOptions): ModelFiles {
  return {
    async open(model, onProgress) {
      const dropped = options.folders?.get(model);
      if (dropped) return modelFolderOf(dropped, model);
      if (isBuiltIn(model)) return openBuiltIn(model, options, onProgress);
      const name = parseHubName(model);
      if (!name) {
        throw new InputError('there is no such model', {
          file: model,
          remedy:
            'Use a hub name (ORG/NAME or ORG/NAME@REVISION), drop a model folder on the page, or choose nano or pico',
        });
      }
      return openHubModel({ model, ...name, onProgress }, options);
    },
  };
}

/** A model in a folder or zip that the user has dropped; it may be one or more folders deep. */
export function modelFolderOf(tree: FileTree, name = tree.name): ModelFolder {
  const inner = withoutTopFolder(tree);
  const known = new Set(inner.paths);
  return {
    name,
    has: (path) => {
      assertPlain(path);
      return Promise.resolve(known.has(path));
    },
    async read(path) {
      assertPlain(path);
      if (!known.has(path)) throw missing(name, path);
      const source = await inner.open(path);
      checkModelFileSize(path, source.size, `${name}/${path}`);
      return readRange(source, 0, source.size);
    },
  };
}

/**
 * A built-in encoder: fetched and cached as the page's other files are. The build lists its files next to it, so
 * that no missing file is requested.
 */
function openBuiltIn(
  name: string,
  options: ModelFilesOptions,
  onProgress: ((progress: FetchProgress) => void) | undefined,
): Promise<ModelFolder> {
  const folder = new URL(`models/${name}/`, options.base ?? new URL('/', location.href));
  const fetchFile = (path: string): Promise<Uint8Array<ArrayBuffer>> =>
    fetchOwnFile({ ...options, url: new URL(path, folder), file: `${name}/${path}`, onProgress });
  let listing: Promise<ReadonlySet<string> | undefined> | undefined;
  return Promise.resolve({
    name,
    async has(path) {
      assertPlain(path);
      const listed = await (listing ??= fetchFile('files.json').then(listedFiles, () => undefined));
      if (listed !== undefined) return listed.has(path);
      try {
        const response = await fetch(new URL(path, folder), { method: 'HEAD' });
        return response.status === 200 && !isPage(response);
      } catch (cause) {
        throw new InputError(`${folder.host} could not be reached`, {
          file: `${name}/${path}`,
          remedy: unreachableRemedy,
          cause,
        });
      }
    },
    async read(path) {
      assertPlain(path);
      try {
        return await fetchFile(path);
      } catch (error) {
        if (error instanceof StatusError && error.status === 404) throw missing(name, path);
        throw error;
      }
    },
  });
}

/** The paths of a `files.json`; undefined where it is none, as where a server has no such file. */
function listedFiles(bytes: Uint8Array<ArrayBuffer>): ReadonlySet<string> | undefined {
  try {
    const paths: unknown = JSON.parse(new TextDecoder().decode(bytes));
    const isList = Array.isArray(paths) && paths.every((path) => typeof path === 'string');
    return isList ? new Set(paths) : undefined;
  } catch {
    return undefined;
  }
}

/** Some servers of single pages answer with the page where a file is missing. */
function isPage(response: Response): boolean {
  return response.headers.get('content-type')?.startsWith('text/html') ?? false;
}

interface HubModel extends HubName {
  readonly model: string;
  readonly onProgress: ((progress: FetchProgress) => void) | undefined;
}

/** Files are fetched when they are read: one that is never asked for is never downloaded. */
async function openHubModel(
  { model, onProgress, ...name }: HubModel,
  options: ModelFilesOptions,
): Promise<ModelFolder> {
  const repository = await openHubRepository(name, CACHE, options);
  const known = new Map<string, HubFile>();
  for (const file of repository.listing.files) if (isModelFile(file.path)) known.set(file.path, file);

  return {
    name: model,
    has: (path) => Promise.resolve(known.has(path)),
    async read(path) {
      const file = known.get(path);
      if (!file) throw missing(model, path);
      checkModelFileSize(path, file.size ?? 0, `${model}/${path}`);
      return await repository.read(file, onProgress);
    },
  };
}

function assertPlain(path: string): void {
  const parts = path.split('/');
  if (/[\\:?#\0]/.test(path) || parts.some((part) => part === '' || part === '.' || part === '..')) {
    throw new RangeError(`"${path}" is not a path inside a model folder`);
  }
}

function missing(model: string, path: string): InputError {
  return new InputError('the file is missing', {
    file: `${model}/${path}`,
    remedy: 'Use a complete model folder, or another model',
  });
}
