/** GGUF files from the hub or any address, streamed into the browser's private file system and kept there. */
import { ConnectionError, StatusError } from '../../download.ts';
import { InputError, messageOf } from '../../../core/errors.ts';
import { ggufProblem } from '../../../formats/gguf.ts';
import { parseHubName } from '../../hub-listing.ts';
import { sha256 } from '../../../core/sha256.ts';
import { explainStorageErrors } from '../storage-space.ts';
import type { OnLoadProgress } from './engine.ts';
import { PhaseClock } from './phase-clock.ts';
import type { CachedGguf, WllamaModel } from './protocol.ts';

export interface GgufOptions {
  readonly onProgress: OnLoadProgress;
  /** A connection without data for this long is dropped and retried. Default 30,000. */
  readonly stallMs?: number | undefined;
  /** The first delay before a retry; it doubles each time. Default 500. */
  readonly retryMs?: number | undefined;
}

const folderName = 'retriever-studio-gguf';
const attempts = 4;

/**
 * The files of a model, in order; missing ones are fetched.
 * @throws InputError that names what is wrong with the name, the server's answer or the file
 */
export async function openGguf(model: WllamaModel, options: GgufOptions): Promise<Blob[]> {
  const files = await ggufFiles(model, options);
  const first = files[0];
  if (first === undefined) throw noFile();
  for (const file of files) {
    const problem = ggufProblem(new Uint8Array(await file.blob.slice(0, 8).arrayBuffer()));
    if (problem === undefined) continue;
    await file.forget();
    throw new InputError(problem, {
      file: file.name,
      remedy: 'Use the address of the .gguf file itself (on the hub, the download link)',
    });
  }
  return files.map(({ blob }) => blob);
}

/** Deletes what is kept of a model. A dropped file is not kept. */
export async function forgetGgufModel(model: WllamaModel): Promise<void> {
  if (typeof model.model !== 'string') return;
  for (const url of addresses(model.model, model.hub)) await forgetGguf(await keyOf(url));
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
  const kept = new Set((await listGguf()).map(({ key }) => key));
  const sizes = addresses(model, hub).map(async (url) =>
    kept.has(await keyOf(url)) ? { bytes: 0, isKept: true } : { bytes: await statedSize(url), isKept: false },
  );
  const files = await Promise.all(sizes);
  return {
    bytes: files.reduce<number | undefined>(
      (sum, { bytes }) => (sum === undefined || bytes === undefined ? undefined : sum + bytes),
      0,
    ),
    isKept: files.every(({ isKept }) => isKept),
  };
}

/** Milliseconds: it is for the user's information alone. */
const sizeDeadline = 10_000;

async function statedSize(url: URL): Promise<number | undefined> {
  try {
    const { ok, headers } = await fetch(url, { method: 'HEAD', signal: AbortSignal.timeout(sizeDeadline) });
    const stated = Number(headers.get('content-length') ?? NaN);
    return ok && stated > 0 && !headers.has('content-encoding') ? stated : undefined;
  } catch {
    return undefined;
  }
}

export async function listGguf(): Promise<CachedGguf[]> {
  const kept: CachedGguf[] = [];
  const folder = await openFolder();
  for await (const [key, handle] of folder.entries()) {
    if (!isFile(handle)) continue;
    const { size } = await handle.getFile();
    // A download that was terminated with its worker leaves an empty file.
    if (size === 0) continue;
    kept.push({ key, file: key.replace(/^[0-9a-f]+-/, ''), bytes: size });
  }
  return kept.sort((a, b) => a.file.localeCompare(b.file));
}

export async function forgetGguf(key: string): Promise<void> {
  try {
    await (await openFolder()).removeEntry(key);
  } catch (error) {
    if (!(error instanceof DOMException && error.name === 'NotFoundError')) throw error;
  }
}

interface GgufFile {
  readonly name: string;
  readonly blob: Blob;
  forget(): Promise<void>;
}

async function ggufFiles(model: WllamaModel, options: GgufOptions): Promise<GgufFile[]> {
  const given = model.model;
  if (typeof given !== 'string') {
    const blobs = given instanceof Blob ? [given] : given;
    return blobs.map((blob) => ({
      name: blob instanceof File ? blob.name : 'the dropped file',
      blob,
      forget: () => Promise.resolve(),
    }));
  }
  const urls = addresses(given, model.hub);
  const clock = new PhaseClock(() => performance.now());
  const files: GgufFile[] = [];
  for (const [index, url] of urls.entries()) {
    const onBytes = (receivedBytes: number, totalBytes: number | undefined): void => {
      const share = totalBytes === undefined ? undefined : (index + receivedBytes / totalBytes) / urls.length;
      options.onProgress(clock.report('download', { share, receivedBytes, totalBytes }));
    };
    const key = await keyOf(url);
    // If several tabs need it, one fetches it.
    const blob = await navigator.locks.request(`${folderName}/${key}`, () =>
      explainStorageErrors(undefined, () => fetchOnce(url, key, given, onBytes, options)),
    );
    files.push({ name: given, blob, forget: () => forgetGguf(key) });
  }
  return files;
}

/** Addresses of the files of a model: several if its name contains `-00001-of-00003`. */
function addresses(name: string, hub = 'https://huggingface.co/'): URL[] {
  const path = addressOf(name, hub);
  const [, head = '', count = '', tail = ''] = /^(.*-)\d{5}-of-(\d{5})(\.gguf.*)$/.exec(path) ?? [];
  if (count === '') return [new URL(path)];
  return Array.from(
    { length: Number(count) },
    (_, i) => new URL(`${head}${String(i + 1).padStart(5, '0')}-of-${count}${tail}`),
  );
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
  const encoded = path.split('/').map(encodeURIComponent).join('/');
  return new URL(`${known.id}/resolve/${encodeURIComponent(known.revision)}/${encoded}`, hub).href;
}

async function keyOf(url: URL): Promise<string> {
  const name = url.pathname.split('/').at(-1) ?? '';
  return `${(await sha256(url.href)).slice(0, 16)}-${decodeURIComponent(name).replace(/[^\w.-]/g, '_')}`;
}

type OnBytes = (receivedBytes: number, totalBytes: number | undefined) => void;

async function fetchOnce(
  url: URL,
  key: string,
  name: string,
  onBytes: OnBytes,
  { stallMs = 30_000, retryMs = 500 }: GgufOptions,
): Promise<Blob> {
  const folder = await openFolder();
  const handle = await folder.getFileHandle(key, { create: true });
  const kept = await handle.getFile();
  if (kept.size > 0) return kept;
  for (let attempt = 1; ; attempt++) {
    try {
      await stream(url, name, handle, onBytes, stallMs);
      return await handle.getFile();
    } catch (error) {
      if (error instanceof StatusError) throw refusal(error, url, name);
      const isPassing = error instanceof TypeError || error instanceof BrokenDownload;
      if (!isPassing) throw error;
      if (attempt === attempts) throw unreachable(error, url, name);
      await new Promise((resolve) => setTimeout(resolve, retryMs * 2 ** (attempt - 1)));
    }
  }
}

class BrokenDownload extends Error {}

/** The file takes its bytes when it is whole: what is cut off leaves nothing. */
async function stream(
  url: URL,
  name: string,
  handle: FileSystemFileHandle,
  onBytes: OnBytes,
  stallMs: number,
): Promise<void> {
  const abort = new AbortController();
  const stalled = (): void => abort.abort(new BrokenDownload(`no data received for ${stallMs / 1000} s`));
  let timer = setTimeout(stalled, stallMs);
  let writer: FileSystemWritableFileStream | undefined;
  try {
    const response = await fetch(url, { signal: abort.signal });
    if (response.status !== 200) throw new StatusError(name, url.host, response.status, undefined);
    // Where the server has packed the file, the length that it states is that of the packed one.
    const stated = response.headers.has('content-encoding')
      ? NaN
      : Number(response.headers.get('content-length') ?? NaN);
    const total = Number.isSafeInteger(stated) ? stated : undefined;
    writer = await handle.createWritable();
    let received = 0;
    onBytes(received, total);
    const reader = response.body?.getReader();
    while (reader !== undefined) {
      const { done, value } = await reader.read();
      if (done) break;
      clearTimeout(timer);
      timer = setTimeout(stalled, stallMs);
      await writer.write(value);
      received += value.length;
      onBytes(received, total);
    }
    if (total !== undefined && received !== total) {
      throw new BrokenDownload(`received ${received} of ${total} bytes`);
    }
    await writer.close();
  } catch (error) {
    await writer?.abort().catch(() => undefined);
    throw abort.signal.aborted ? abort.signal.reason : error;
  } finally {
    clearTimeout(timer);
  }
}

function refusal(error: StatusError, url: URL, name: string): InputError {
  const { status } = error;
  if (status === 404) {
    return new InputError(`${url.host} has no such file`, {
      file: name,
      remedy: 'Fix the spelling: ORG/NAME/file.gguf, as listed on its hub page',
    });
  }
  if (status === 401 || status === 403) {
    return new InputError(`${url.host} restricts access to this model`, {
      file: name,
      remedy: 'Accept its terms on its page, download the file there and drop it here',
    });
  }
  return error;
}

function unreachable(error: Error, url: URL, name: string): ConnectionError {
  return new ConnectionError(`${url.host} could not be reached (${messageOf(error)})`, {
    file: name,
    remedy:
      'Re-run when the connection works. A server on another site must allow this page (CORS); otherwise download the file and drop it here',
    cause: error,
  });
}

function noFile(): InputError {
  return new InputError('no GGUF file was chosen', {
    remedy: 'Choose a GGUF file on the hub, or drop a .gguf file',
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

function isFile(handle: FileSystemHandle): handle is FileSystemFileHandle {
  return handle.kind === 'file';
}
