import { checkModelFileSize } from '../../encoders/file-limits.ts';
import { isModelFile } from '../../encoders/read-encoder.ts';
import { readRange, withoutTopFolder, type FileTree } from '../../corpus/source.ts';
import type { FetchProgress, ModelFiles, ModelFolder } from '../contract.ts';
import { InputError } from '../errors.ts';
import { parseHubName, parseListing, type HubFile, type HubListing, type HubName } from '../hub-listing.ts';
import { ConnectionError, download, StatusError, wrongBytes, type DownloadOptions } from './download.ts';
import { ModelCache } from './model-cache.ts';
import { hexadecimal, sha256Of } from './sha256.ts';

export interface ModelFilesOptions extends DownloadOptions {
  /** The address that the page's own files lie under; nano is `models/nano/` there. Default: the site's root. */
  readonly base?: URL | undefined;
  /** Default https://huggingface.co/. */
  readonly endpoint?: URL | undefined;
  /** Folders that the user has dropped, by the name that they are opened by. */
  readonly folders?: ReadonlyMap<string, FileTree> | undefined;
  /** Told in one line what does not keep a model from being opened. */
  readonly report: (problem: string) => void;
}

const CACHE = 'retriever-studio/models';
const MAX_LISTING_BYTES = 64 * 1024 * 1024;

/** The model that comes with the page, models from the Hugging Face hub, and folders that were dropped on the page. */
export function openModelFiles(options: ModelFilesOptions): ModelFiles {
  return {
    async open(model, onProgress) {
      const dropped = options.folders?.get(model);
      if (dropped) return modelFolderOf(dropped, model);
      if (model === 'nano') return openNano(options, onProgress);
      const name = parseHubName(model);
      if (!name) {
        throw new InputError('there is no such model', {
          file: model,
          remedy:
            'Give a hub name as ORG/NAME or ORG/NAME@REVISION, drop a model folder on the page, or choose nano',
        });
      }
      return openHubModel({ model, ...name, onProgress }, options);
    },
  };
}

/** A model in a folder, or in a zip, that the user has dropped; it may lie one or more folders deep. */
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

/** The encoder that comes with the page: fetched as the page's other files are, and kept as they are. */
function openNano(
  options: ModelFilesOptions,
  onProgress: ((progress: FetchProgress) => void) | undefined,
): Promise<ModelFolder> {
  const folder = new URL('models/nano/', options.base ?? new URL('/', location.href));
  return Promise.resolve({
    name: 'nano',
    async has(path) {
      assertPlain(path);
      try {
        const response = await fetch(new URL(path, folder), { method: 'HEAD' });
        return response.status === 200 && !isPage(response);
      } catch (cause) {
        throw new InputError(`${folder.host} could not be reached`, {
          file: `nano/${path}`,
          remedy: 'Check that the server of this page still runs, then reload the page',
          cause,
        });
      }
    },
    async read(path) {
      assertPlain(path);
      try {
        return await download({ ...options, url: new URL(path, folder), file: `nano/${path}`, onProgress });
      } catch (error) {
        if (error instanceof StatusError && error.status === 404) throw missing('nano', path);
        throw error;
      }
    },
  });
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
async function openHubModel(request: HubModel, options: ModelFilesOptions): Promise<ModelFolder> {
  const endpoint = options.endpoint ?? new URL('https://huggingface.co/');
  const cache = new ModelCache(CACHE, options.report);
  const { commit, files } = await listOnce(endpoint, cache, request, options);
  const known = new Map<string, HubFile>();
  for (const file of files) if (isModelFile(file.path)) known.set(file.path, file);

  return {
    name: request.model,
    has: (path) => Promise.resolve(known.has(path)),
    async read(path) {
      const file = known.get(path);
      if (!file) throw missing(request.model, path);
      checkModelFileSize(path, file.size ?? 0, `${request.model}/${path}`);
      const segments = path.split('/').map(encodeURIComponent).join('/');
      const url = new URL(`${request.id}/resolve/${commit}/${segments}`, endpoint);
      // Of several tabs and workers that want it, one fetches.
      return navigator.locks.request(`${CACHE}/${url.href}`, () =>
        readHubFile(url, file, cache, request, options),
      );
    },
  };
}

async function readHubFile(
  url: URL,
  file: HubFile,
  cache: ModelCache,
  { id, onProgress }: HubModel,
  options: ModelFilesOptions,
): Promise<Uint8Array<ArrayBuffer>> {
  const cached = await cache.get(url);
  if (cached && (await isIntact(cached, file))) return cached;
  const bytes = await download({ ...options, url, file: `${id}/${file.path}`, bytes: file.size, onProgress });
  if (!(await isIntact(bytes, file))) throw wrongBytes(`${id}/${file.path}`);
  await cache.put(url, bytes);
  return bytes;
}

/** The listing from the hub, or from the cache: for a commit, whose files never change, and where the hub is silent. */
async function listOnce(
  endpoint: URL,
  cache: ModelCache,
  { model, id, revision }: HubModel,
  options: ModelFilesOptions,
): Promise<HubListing> {
  const url = new URL(`api/models/${id}/revision/${encodeURIComponent(revision)}?blobs=true`, endpoint);
  const kept = await cache.get(url);
  const cached = kept && parseListing(new TextDecoder().decode(kept), url);
  if (cached?.commit === revision) return cached;
  try {
    const bytes = await download({ ...options, url, file: model });
    if (bytes.length > MAX_LISTING_BYTES) throw wrongBytes(model);
    const listing = parseListing(new TextDecoder().decode(bytes), url);
    await cache.put(url, bytes);
    return listing;
  } catch (error) {
    if (error instanceof ConnectionError && cached) return cached;
    throw error instanceof StatusError ? refusal(error, endpoint, id, revision) : error;
  }
}

function refusal({ status, code }: StatusError, endpoint: URL, id: string, revision: string): InputError {
  const page = new URL(id, endpoint).href;
  const options = (remedy: string): { file: string; remedy: string } => ({ file: id, remedy });
  if (code === 'GatedRepo' || status === 403) {
    return new InputError(
      `${endpoint.host} does not give this model to everybody`,
      options(`Accept its terms at ${page}, download its folder there and drop it on the page`),
    );
  }
  if (code === 'RevisionNotFound') {
    return new InputError(
      `the model has no revision ${JSON.stringify(revision)}`,
      options(`Choose a branch, tag or commit of ${page}`),
    );
  }
  if (status === 401 || status === 404) {
    return new InputError(
      `${endpoint.host} has no such model, or it is private`,
      options(
        'Check the spelling of ORG/NAME; of a private model download the folder and drop it on the page',
      ),
    );
  }
  return new InputError(`${endpoint.host} answers ${status}`, options('Try again later'));
}

async function isIntact(bytes: Uint8Array<ArrayBuffer>, file: HubFile): Promise<boolean> {
  if (file.size !== undefined && bytes.length !== file.size) return false;
  if (file.sha256 !== undefined) return (await sha256Of(bytes)) === file.sha256;
  if (file.gitSha1 === undefined) return true;
  // git names a file by the SHA-1 of its length and its bytes.
  const head = new TextEncoder().encode(`blob ${bytes.length}\0`);
  const named = new Uint8Array(head.length + bytes.length);
  named.set(head);
  named.set(bytes, head.length);
  return hexadecimal(await crypto.subtle.digest('SHA-1', named)) === file.gitSha1;
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
    remedy: 'Complete the model folder, or name another model',
  });
}
