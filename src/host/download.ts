/**
 * The downloader of every host: it requests a file, resumes broken attempts, retries transient failures, and verifies
 * the bytes. The host defines where they go and how a server is asked.
 */
import type { FetchProgress } from './contract.ts';
import { InputError, messageOf } from '../core/errors.ts';
import { digest } from '../core/sha256.ts';
import { sleep, startTimer } from '../core/waiting.ts';

export interface DownloadOptions {
  /** A connection without data for this long is dropped and retried. Default 30,000. */
  readonly stallMs?: number | undefined;
  /** The first delay before a retry; it doubles each time. Default 500. */
  readonly retryMs?: number | undefined;
  /** Ends the download, whose bytes so far stay where they are. */
  readonly signal?: AbortSignal | undefined;
}

/** Properties of a file known in advance, against which its bytes are verified. */
export interface KnownFile {
  readonly size?: number | undefined;
  /** Hex. */
  readonly sha256?: string | undefined;
  /** Hex: the SHA-1 that is its name in git. */
  readonly gitSha1?: string | undefined;
}

/** Bytes that can be checked. */
export interface Content {
  readonly size: number;
  /** In hex, of some text and the bytes after it. */
  hash(algorithm: 'SHA-1' | 'SHA-256', before: string): Promise<string>;
}

/** Where a download goes. */
export interface DownloadSink<Result> extends Content {
  append(part: Uint8Array): Promise<void> | void;
  /** Discards all bytes so far. */
  discard(): Promise<void> | void;
  /** Keeps the bytes, which are complete and verified. */
  finish(): Promise<Result> | Result;
}

export interface Download extends DownloadOptions {
  /** Its name in errors and progress. */
  readonly file: string;
  /** The server, for errors. */
  readonly host: string;
  readonly known?: KnownFile | undefined;
  /** Who knows what the file is, for errors. Default: the hub. */
  readonly listedBy?: string | undefined;
  /**
   * Requests the bytes from an offset on. A server may respond with all of them (200), as model servers do for requests
   * from another site's page; with the range (206); or that there is none (416).
   */
  readonly request: (from: number, signal: AbortSignal) => Promise<Response>;
  readonly onProgress?: ((progress: FetchProgress) => void) | undefined;
  readonly remedies: {
    readonly unreachable: string;
    /** The bytes are not those that are known. */
    readonly damaged: string;
  };
}

/** A server answers with something else than the file. */
export class StatusError extends InputError {
  override readonly name = 'StatusError';
  readonly status: number;
  /** The hub's own name of the reason. */
  readonly code: string | undefined;

  constructor(file: string, host: string, status: number, code: string | undefined) {
    super(`${host} responded with status ${status}`, { file, remedy: 'Re-run later' });
    this.status = status;
    this.code = code;
  }
}

/** No complete response after several attempts: cached files may still be usable. */
export class ConnectionError extends InputError {
  override readonly name = 'ConnectionError';
}

/** A failure that may pass: worth another attempt. */
class PassingError extends Error {
  /** The wait that the server requests. */
  readonly waitMs: number | undefined;

  constructor(message: string, options: { readonly cause?: unknown; readonly waitMs?: number } = {}) {
    super(message, { cause: options.cause });
    this.waitMs = options.waitMs;
  }
}

const attempts = 5;
const longestWaitMs = 30_000;

/**
 * Fetches a file, whole and checked or not at all.
 * @throws StatusError; ConnectionError when it failed too often; InputError if the bytes are not those that are known;
 * the signal's reason when it is aborted
 */
export async function download<Result>(task: Download, sink: DownloadSink<Result>): Promise<Result> {
  for (let isSecond = false; ; isSecond = true) {
    await fetchRest(task, sink);
    if (await isIntact(sink, task.known)) return sink.finish();
    await sink.discard();
    // Once may be a disk or a proxy; twice the hub itself is not what it lists.
    if (isSecond) throw wrongBytes(task);
  }
}

/** Whether bytes match the known properties of the file. */
export async function isIntact(
  content: Content,
  { size, sha256, gitSha1 }: KnownFile = {},
): Promise<boolean> {
  if (size !== undefined && content.size !== size) return false;
  if (sha256 !== undefined) return (await content.hash('SHA-256', '')) === sha256;
  // git names a file by the SHA-1 of its length and its bytes.
  if (gitSha1 !== undefined) return (await content.hash('SHA-1', `blob ${content.size}\0`)) === gitSha1;
  return true;
}

async function fetchRest(task: Download, sink: DownloadSink<unknown>): Promise<void> {
  let failures = 0;
  let reached = sink.size;
  for (;;) {
    try {
      await fetchOnce(task, sink);
      return;
    } catch (error) {
      task.signal?.throwIfAborted();
      if (!(error instanceof PassingError)) throw error;
      // Progress resets the number of attempts.
      if (sink.size > reached) failures = 0;
      reached = sink.size;
      if (++failures === attempts) {
        throw new ConnectionError(`${task.host} could not be reached (${error.message})`, {
          file: task.file,
          remedy: task.remedies.unreachable,
          cause: error,
        });
      }
      const wait = error.waitMs ?? (task.retryMs ?? 500) * 2 ** (failures - 1);
      await sleep(Math.min(longestWaitMs, wait) / 1000, task.signal);
    }
  }
}

/** One request, appended to what is there. */
async function fetchOnce(task: Download, sink: DownloadSink<unknown>): Promise<void> {
  const { file, known, stallMs = 30_000, onProgress, signal } = task;
  if (known?.size !== undefined && sink.size > known.size) await sink.discard();
  if (known?.size !== undefined && sink.size === known.size) return;
  signal?.throwIfAborted();
  const abort = new AbortController();
  const end = (): void => abort.abort(signal?.reason);
  signal?.addEventListener('abort', end);
  const stalled = (): void => abort.abort(new Error(`no data received for ${stallMs / 1000} s`));
  let cancelTimer = startTimer(stalled, stallMs);
  try {
    const response = await passing(task.request(sink.size, abort.signal));
    const { status, headers } = response;
    if (![200, 206, 416].includes(status)) throw statusError(task, response);
    const range = /^bytes (\d+)-\d+\/(\d+|\*)$/.exec(headers.get('content-range') ?? '');
    if (status === 416 || (status === 206 && Number(range?.[1]) !== sink.size)) {
      await sink.discard();
      throw new PassingError('the server sent a different part of the file than requested');
    }
    if (status === 200 && sink.size > 0) await sink.discard();
    const totalBytes = known?.size ?? statedSize(response, range?.[2]);
    const report = (): void => onProgress?.({ file, receivedBytes: sink.size, totalBytes });
    report();
    const reader = response.body?.getReader();
    while (reader) {
      const part: { readonly value?: Uint8Array | undefined } = await passing(reader.read());
      if (part.value === undefined) break;
      cancelTimer();
      cancelTimer = startTimer(stalled, stallMs);
      if (totalBytes !== undefined && sink.size + part.value.length > totalBytes) {
        await sink.discard();
        throw wrongBytes(task);
      }
      await sink.append(part.value);
      report();
    }
    if (totalBytes !== undefined && sink.size < totalBytes) {
      throw new PassingError(`the connection ended ${totalBytes - sink.size} bytes early`);
    }
  } finally {
    cancelTimer();
    signal?.removeEventListener('abort', end);
    // The connection of an abandoned response must not stay open.
    abort.abort();
  }
}

/** @throws PassingError, where the network fails */
async function passing<T>(step: Promise<T>): Promise<T> {
  try {
    return await step;
  } catch (error) {
    if (error instanceof InputError) throw error;
    // The cause of fetch's "fetch failed".
    const reason = error instanceof Error && error.cause !== undefined ? error.cause : error;
    throw new PassingError(messageOf(reason) || 'no reason given', { cause: error });
  }
}

function statusError({ file, host }: Download, { status, headers, url }: Response): Error {
  const answering = url === '' ? host : new URL(url).host;
  if (status !== 408 && status !== 429 && status < 500)
    return new StatusError(file, host, status, headers.get('x-error-code') ?? undefined);
  const waitMs = 1000 * Number(headers.get('retry-after') ?? NaN);
  return new PassingError(
    `${answering} responded with status ${status}`,
    Number.isFinite(waitMs) ? { waitMs } : {},
  );
}

/** The bytes of the whole file, where a server states them. */
export function statedSize({ status, headers }: Response, ofRange?: string): number | undefined {
  // Where the server has packed the file, the length that it states is that of the packed one.
  if (headers.has('content-encoding')) return undefined;
  const size = Number((status === 206 ? ofRange : headers.get('content-length')) ?? NaN);
  return Number.isSafeInteger(size) ? size : undefined;
}

function wrongBytes({ file, listedBy = 'the hub', remedies }: Download): InputError {
  return new InputError(`the downloaded file does not match the hash listed by ${listedBy}`, {
    file,
    remedy: remedies.damaged,
  });
}

/** Keeps a download in memory. */
export class MemorySink implements DownloadSink<Uint8Array<ArrayBuffer>> {
  size = 0;
  #bytes: Uint8Array<ArrayBuffer>;
  readonly #most: number;
  readonly #tooMany: (() => Error) | undefined;

  /**
   * @param size where it is known
   * @param most bytes that are taken
   * @param tooMany the error of more
   */
  constructor(size = 1 << 16, most = Infinity, tooMany?: () => Error) {
    this.#bytes = new Uint8Array(size);
    this.#most = most;
    this.#tooMany = tooMany;
  }

  append(part: Uint8Array): void {
    const size = this.size + part.length;
    if (size > this.#most && this.#tooMany) throw this.#tooMany();
    if (size > this.#bytes.length) {
      const larger = new Uint8Array(Math.max(size, 2 * this.#bytes.length));
      larger.set(this.#bytes);
      this.#bytes = larger;
    }
    this.#bytes.set(part, this.size);
    this.size = size;
  }

  discard(): void {
    this.size = 0;
  }

  hash(algorithm: 'SHA-1' | 'SHA-256', before: string): Promise<string> {
    return digest(algorithm, this.#bytes.subarray(0, this.size), before);
  }

  /** The bytes in memory of their own. */
  finish(): Uint8Array<ArrayBuffer> {
    return this.size === this.#bytes.length ? this.#bytes : this.#bytes.slice(0, this.size);
  }
}
