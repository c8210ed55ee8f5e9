import type { FetchProgress } from '../contract.ts';
import { InputError, messageOf } from '../errors.ts';

export interface DownloadOptions {
  /** A connection that brings nothing for so long is given up and tried again. Default 30,000. */
  readonly stallMs?: number | undefined;
  /** The first pause before trying again; it doubles each time. Default 500. */
  readonly retryMs?: number | undefined;
}

export interface Download extends DownloadOptions {
  readonly url: URL;
  /** What errors and progress call it. */
  readonly file: string;
  /** Where it is known beforehand: more is refused. */
  readonly bytes?: number | undefined;
  readonly onProgress?: ((progress: FetchProgress) => void) | undefined;
}

/** A server answers with something else than the file. */
export class StatusError extends InputError {
  override readonly name = 'StatusError';
  readonly status: number;
  /** The hub's own name of the reason. */
  readonly code: string | undefined;

  constructor(file: string, host: string, status: number, code: string | undefined) {
    super(`${host} answers ${status}`, { file, remedy: 'Try again later' });
    this.status = status;
    this.code = code;
  }
}

/** No answer, or none that was whole, after several attempts: what is cached may still serve. */
export class ConnectionError extends InputError {
  override readonly name = 'ConnectionError';
}

const ATTEMPTS = 5;
const MAX_WAIT_MS = 30_000;
/** Of a body whose length nobody says, the first memory; it doubles. */
const FIRST_BYTES = 1 << 16;

/**
 * Fetches a whole file. What fails for a passing reason is tried again, from the start: servers of models do not let
 * pages of other sites ask for a part.
 * @throws StatusError, or ConnectionError when it failed too often
 */
export async function download(task: Download): Promise<Uint8Array<ArrayBuffer>> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await downloadOnce(task);
    } catch (error) {
      const passing =
        error instanceof StatusError
          ? [408, 429].includes(error.status) || error.status >= 500
          : !(error instanceof InputError);
      if (!passing) throw error;
      if (attempt === ATTEMPTS) {
        throw new ConnectionError(`${task.url.host} could not be reached (${messageOf(error)})`, {
          file: task.file,
          remedy: 'Check the connection and try again, or drop the folder of the model on the page',
          cause: error,
        });
      }
      const wait = Math.min(MAX_WAIT_MS, (task.retryMs ?? 500) * 2 ** (attempt - 1));
      await new Promise((resolve) => setTimeout(resolve, wait));
    }
  }
}

async function downloadOnce({
  url,
  file,
  bytes,
  onProgress,
  stallMs = 30_000,
}: Download): Promise<Uint8Array<ArrayBuffer>> {
  const abort = new AbortController();
  const stalled = (): void => abort.abort(new Error(`nothing came for ${stallMs / 1000} s`));
  let timer = setTimeout(stalled, stallMs);
  try {
    const response = await fetch(url, { signal: abort.signal });
    if (response.status !== 200) {
      throw new StatusError(
        file,
        url.host,
        response.status,
        response.headers.get('x-error-code') ?? undefined,
      );
    }
    // Where the server has packed the file, the length that it states is that of the packed one.
    const stated = response.headers.has('content-encoding')
      ? NaN
      : Number(response.headers.get('content-length') ?? NaN);
    const totalBytes = bytes ?? (Number.isSafeInteger(stated) ? stated : undefined);
    const content = new GrowingBytes(totalBytes ?? FIRST_BYTES);
    const report = (): void => onProgress?.({ file, receivedBytes: content.length, totalBytes });
    report();
    const reader = response.body?.getReader();
    while (reader) {
      const { done, value } = await reader.read();
      if (done) break;
      clearTimeout(timer);
      timer = setTimeout(stalled, stallMs);
      if (totalBytes !== undefined && content.length + value.length > totalBytes) {
        abort.abort();
        throw wrongBytes(file);
      }
      content.add(value);
      report();
    }
    if (totalBytes !== undefined && content.length < totalBytes) {
      throw new Error(`the connection ended ${totalBytes - content.length} bytes early`);
    }
    return content.finish();
  } catch (error) {
    throw abort.signal.aborted && !(error instanceof InputError) ? abort.signal.reason : error;
  } finally {
    clearTimeout(timer);
  }
}

export function wrongBytes(file: string): InputError {
  return new InputError('the downloaded bytes are not those that the hub lists', {
    file,
    remedy: 'Try again later, or drop the folder of the model on the page',
  });
}

class GrowingBytes {
  length = 0;
  #bytes: Uint8Array<ArrayBuffer>;

  constructor(capacity: number) {
    this.#bytes = new Uint8Array(capacity);
  }

  add(part: Uint8Array): void {
    if (this.length + part.length > this.#bytes.length) {
      const larger = new Uint8Array(Math.max(this.length + part.length, 2 * this.#bytes.length));
      larger.set(this.#bytes);
      this.#bytes = larger;
    }
    this.#bytes.set(part, this.length);
    this.length += part.length;
  }

  /** The bytes in memory of their own. */
  finish(): Uint8Array<ArrayBuffer> {
    return this.length === this.#bytes.length ? this.#bytes : this.#bytes.slice(0, this.length);
  }
}
