/** GGUF files from the hub or any address, streamed into the browser's private file system and kept there. */
import { InputError } from '../../../core/errors.ts';
import { sha256 } from '../../../core/sha256.ts';
import { ggufProblem } from '../../../formats/gguf.ts';
import {
  download,
  statedSize,
  StatusError,
  type Download,
  type DownloadOptions,
  type DownloadSink,
} from '../../download.ts';
import { hubFileUrl } from '../../hub.ts';
import { parseHubName } from '../../hub-listing.ts';
import { explainStorageErrors } from '../storage-space.ts';
import type { OnLoadProgress } from './engine.ts';
import { PhaseClock } from './phase-clock.ts';
import { nameOfModel, type KeptModel, type WllamaModel } from './protocol.ts';

export interface GgufOptions extends DownloadOptions {
  readonly onProgress: OnLoadProgress;
}

const folderName = 'retriever-studio-gguf';

/**
 * The files of a model, in order; missing ones are fetched.
 * @throws InputError that names what is wrong with the name, the server's answer or the file
 */
export async function openGguf(model: WllamaModel, options: GgufOptions): Promise<readonly Blob[]> {
  const given = model.model;
  const isKept = typeof given === 'string';
  const blobs = isKept ? await keptFiles(given, model.hub, options) : given instanceof Blob ? [given] : given;
  for (const blob of blobs) {
    const problem = ggufProblem(new Uint8Array(await blob.slice(0, 8).arrayBuffer()));
    if (problem === undefined) continue;
    if (isKept && blob instanceof File) await forgetGguf(blob.name);
    throw new InputError(problem, {
      file: nameOfModel(model),
      remedy: 'Use the address of the .gguf file itself (on the hub, the download link)',
    });
  }
  return blobs;
}

/**
 * The download size of a model, before it is requested.
 * @returns bytes; undefined if a server does not state them, or there is none
 * @throws InputError that names what is wrong with the name
 */
export async function sizeOfGguf(
  model: string,
  hub?: string,
): Promise<{ readonly bytes: number | undefined; readonly isKept: boolean }> {
  const kept = new Set((await listGguf()).map(({ id }) => id));
  const sizes = await Promise.all(
    addresses(model, hub).map(async (url) => (kept.has(await keyOf(url)) ? 0 : askSize(url))),
  );
  const bytes = sizes.reduce<number>((sum, size) => sum + (size ?? NaN), 0);
  return { bytes: Number.isNaN(bytes) ? undefined : bytes, isKept: bytes === 0 };
}

/** Milliseconds: it is for the user's information alone. */
const sizeDeadline = 10_000;

async function askSize(url: URL): Promise<number | undefined> {
  try {
    const response = await fetch(url, { method: 'HEAD', signal: AbortSignal.timeout(sizeDeadline) });
    return (response.ok && statedSize(response)) || undefined;
  } catch {
    return undefined;
  }
}

export async function listGguf(): Promise<KeptModel[]> {
  const kept: KeptModel[] = [];
  for await (const [id, handle] of (await openFolder()).entries()) {
    if (!(handle instanceof FileSystemFileHandle)) continue;
    const { size } = await handle.getFile();
    // Of a download that was ended with its worker, the empty file is left.
    if (size > 0) kept.push({ id, name: id.replace(/^[0-9a-f]+-/, ''), bytes: size });
  }
  return kept.sort((a, b) => a.name.localeCompare(b.name));
}

export async function forgetGguf(key: string): Promise<void> {
  try {
    await (await openFolder()).removeEntry(key);
  } catch (error) {
    if (!(error instanceof DOMException && error.name === 'NotFoundError')) throw error;
  }
}

async function keptFiles(
  name: string,
  hub: string | undefined,
  { onProgress, ...options }: GgufOptions,
): Promise<File[]> {
  const urls = addresses(name, hub);
  const clock = new PhaseClock(() => performance.now());
  const files: File[] = [];
  for (const [index, url] of urls.entries()) {
    const key = await keyOf(url);
    const task: Download = {
      ...options,
      file: name,
      host: url.host,
      // Whole files, since servers of models do not let pages of other sites ask for a part.
      request: (_, signal) => fetch(url, { signal }),
      onProgress: ({ receivedBytes, totalBytes }) => {
        const share =
          totalBytes === undefined ? undefined : (index + receivedBytes / totalBytes) / urls.length;
        onProgress(clock.report('download', { share, receivedBytes, totalBytes }));
      },
      remedies: {
        unreachable:
          'Re-run when the connection works. A server on another site must allow this page (CORS); otherwise download the file and drop it here',
        damaged: 'Re-run later, or download the file and drop it here',
      },
    };
    // Of several tabs that want it, one fetches.
    const file = await navigator.locks.request(`${folderName}/${key}`, () =>
      explainStorageErrors(undefined, () => keptFile(key, task)),
    );
    files.push(file);
  }
  return files;
}

/** The file takes its bytes when it is whole: what is cut off leaves nothing. */
async function keptFile(key: string, task: Download): Promise<File> {
  const handle = await (await openFolder()).getFileHandle(key, { create: true });
  const kept = await handle.getFile();
  if (kept.size > 0) return kept;
  const writer = await handle.createWritable();
  let size = 0;
  const sink: DownloadSink<File> = {
    get size() {
      return size;
    },
    append: async (part: Uint8Array<ArrayBuffer>) => {
      await writer.write(part);
      size += part.length;
    },
    discard: async () => {
      await writer.truncate(0);
      size = 0;
    },
    hash: () => Promise.reject(new Error('no hash of a GGUF file is known')),
    finish: async () => {
      await writer.close();
      return handle.getFile();
    },
  };
  try {
    return await download(task, sink);
  } catch (error) {
    await writer.abort().catch(() => undefined);
    throw error instanceof StatusError ? refusal(error, task) : error;
  }
}

/** Where the files of a model lie: several for one whose name says `-00001-of-00003`. */
function addresses(name: string, hub = 'https://huggingface.co/'): URL[] {
  const path = addressOf(name, hub);
  const [, count = '1'] = /-\d{5}-of-(\d{5})\.gguf/.exec(path) ?? [];
  const numbers = Array.from({ length: Number(count) }, (_, i) => String(i + 1).padStart(5, '0'));
  return numbers.map((part) => new URL(path.replace(/-\d{5}(-of-\d{5}\.gguf)/, `-${part}$1`)));
}

function addressOf(name: string, hub: string): string {
  if (/^(https?:\/\/|\/|\.\.?\/)/.test(name)) {
    const base = globalThis.location.href;
    if (URL.canParse(name, base)) return new URL(name, base).href;
  }
  const [, repository = '', path = ''] = /^([^/]+\/[^/@]+(?:@[^/]+)?)\/(.+\.gguf)$/i.exec(name) ?? [];
  const known = parseHubName(repository);
  if (known === undefined || path.split('/').some((part) => part === '' || part.startsWith('.'))) {
    throw new InputError('this is not a GGUF file name or address', {
      file: name,
      remedy: 'Use ORG/NAME/file.gguf as on the hub or an address, or drop the file on the page',
    });
  }
  return hubFileUrl({ endpoint: new URL(hub) }, known, path).href;
}

async function keyOf(url: URL): Promise<string> {
  const name = url.pathname.split('/').at(-1) ?? '';
  return `${(await sha256(url.href)).slice(0, 16)}-${decodeURIComponent(name).replace(/[^\w.-]/g, '_')}`;
}

function refusal(error: StatusError, { file, host }: Download): InputError {
  if (error.status === 404) {
    return new InputError(`${host} has no such file`, {
      file,
      remedy: 'Fix the spelling: ORG/NAME/file.gguf, as listed on its hub page',
    });
  }
  if (error.status !== 401 && error.status !== 403) return error;
  return new InputError(`${host} restricts access to this model`, {
    file,
    remedy: 'Accept its terms on its page, download the file there and drop it here',
  });
}

async function openFolder(): Promise<FileSystemDirectoryHandle> {
  try {
    const root = await navigator.storage.getDirectory();
    return await root.getDirectoryHandle(folderName, { create: true });
  } catch (cause) {
    throw new InputError('the browser does not let this page store files', {
      remedy: 'Use a regular (not private) window, or drop the .gguf file on the page',
      cause,
    });
  }
}
