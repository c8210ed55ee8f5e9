/**
 * Talks to the Hugging Face hub, or to a mirror with the same paths: lists a repository's files and streams one.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { InputError, messageOf } from '../errors.ts';
import { HubUnreachableError, malformedListing, parseListing, type HubListing } from '../hub-listing.ts';

export interface HubOptions {
  /** Default: $HF_ENDPOINT, else https://huggingface.co. */
  readonly endpoint?: string | undefined;
  /** Default: $HF_TOKEN. Sent to the endpoint's own origin only, never to where it redirects. */
  readonly token?: string | undefined;
  /** A connection that brings nothing for so long is given up and tried again. Default 30,000. */
  readonly stallMs?: number | undefined;
  /** The first pause before trying again; it doubles each time. Default 500. */
  readonly retryMs?: number | undefined;
}

/** A failure that may pass: worth another attempt. */
export class TransientError extends Error {
  override readonly name = 'TransientError';
  /** Milliseconds that the server asks to wait. */
  readonly retryAfterMs: number | undefined;

  constructor(message: string, options: { cause?: unknown; retryAfterMs?: number | undefined } = {}) {
    super(message, { cause: options.cause });
    this.retryAfterMs = options.retryAfterMs;
  }
}

const MAX_REDIRECTS = 5;
const MAX_LISTING_BYTES = 64 * 1024 * 1024;
const ATTEMPTS = 5;
const MAX_WAIT_MS = 30_000;

export class Hub {
  readonly endpoint: URL;
  readonly #token: string | undefined;
  readonly #stallMs: number;
  readonly #retryMs: number;

  /** @throws InputError if the endpoint is no http(s) address. */
  constructor(options: HubOptions = {}) {
    this.endpoint = endpointUrl(options.endpoint ?? (process.env.HF_ENDPOINT || 'https://huggingface.co'));
    this.#token = options.token ?? (process.env.HF_TOKEN || undefined);
    this.#stallMs = options.stallMs ?? 30_000;
    this.#retryMs = options.retryMs ?? 500;
  }

  /** The files of a repository at a branch, tag or commit. @throws HubUnreachableError, or InputError if it may not be read. */
  async list(id: string, revision: string): Promise<HubListing> {
    const url = new URL(
      `api/models/${id}/revision/${encodeURIComponent(revision)}?blobs=true`,
      this.endpoint,
    );
    return this.retrying(id, async () => {
      const chunks: Uint8Array[] = [];
      let bytes = 0;
      for await (const chunk of this.stream(await this.#request(url, {}, id, revision))) {
        bytes += chunk.length;
        if (bytes > MAX_LISTING_BYTES) throw malformedListing(url);
        chunks.push(chunk);
      }
      return parseListing(Buffer.concat(chunks).toString('utf8'), url);
    });
  }

  /**
   * Asks for one file from a byte on. The answer's status is 200 (the whole file), 206 (from that byte on) or 416
   * (there is nothing from that byte on).
   */
  async open(id: string, commit: string, path: string, from: number): Promise<Response> {
    const segments = path.split('/').map(encodeURIComponent).join('/');
    const url = new URL(`${id}/resolve/${encodeURIComponent(commit)}/${segments}`, this.endpoint);
    return this.#request(url, from > 0 ? { range: `bytes=${from}-` } : {}, id, commit, path);
  }

  /** The body of an answer. @throws TransientError if it stalls or breaks off. */
  async *stream(response: Response): AsyncGenerator<Uint8Array, void> {
    const reader = response.body?.getReader();
    if (!reader) return;
    try {
      for (;;) {
        const part = (await this.#inTime(reader.read())) as { done: boolean; value?: Uint8Array };
        if (part.done || !part.value) return;
        yield part.value;
      }
    } catch (error) {
      throw error instanceof TransientError
        ? error
        : new TransientError(`the connection broke off (${causeOf(error)})`, { cause: error });
    } finally {
      // The connection of a reader that was left early must not stay open.
      void reader.cancel().catch(() => undefined);
    }
  }

  /**
   * Repeats what fails for a passing reason, with growing pauses.
   * @param subject What an error names: the model, or its file.
   * @param progress A number that grows as the work gets on: attempts are counted anew when it has.
   */
  async retrying<T>(subject: string, work: () => Promise<T>, progress: () => number = () => 0): Promise<T> {
    let failures = 0;
    let reached = progress();
    for (;;) {
      try {
        return await work();
      } catch (error) {
        if (!(error instanceof TransientError)) throw error;
        if (progress() > reached) failures = 0;
        reached = progress();
        if (++failures >= ATTEMPTS) {
          throw new HubUnreachableError(`${this.endpoint.host} could not be reached: ${error.message}`, {
            file: subject,
            remedy:
              'Check the connection and try again: downloads go on where they stopped; or set HF_ENDPOINT to a mirror, or give a folder',
            cause: error,
          });
        }
        await sleep(Math.min(MAX_WAIT_MS, error.retryAfterMs ?? this.#retryMs * 2 ** (failures - 1)));
      }
    }
  }

  async #request(
    start: URL,
    headers: Readonly<Record<string, string>>,
    id: string,
    revision: string,
    path?: string,
  ): Promise<Response> {
    let url = start;
    for (let hop = 0; hop <= MAX_REDIRECTS; hop++) {
      const own = url.origin === this.endpoint.origin;
      const credentials = own && this.#token !== undefined ? { authorization: `Bearer ${this.#token}` } : {};
      let response: Response;
      const abort = new AbortController();
      try {
        response = await this.#inTime(
          fetch(url, {
            redirect: 'manual',
            signal: abort.signal,
            headers: { ...headers, ...credentials, 'accept-encoding': 'identity' },
          }),
        );
      } catch (error) {
        abort.abort();
        if (error instanceof TransientError) throw error;
        throw new TransientError(`no answer (${causeOf(error)})`, { cause: error });
      }
      const location = response.headers.get('location');
      const redirected = response.status >= 300 && response.status < 400 && location !== null;
      if (!redirected) {
        await this.#checkStatus(response, id, revision, path);
        return response;
      }
      await response.body?.cancel();
      const next = parseUrl(location, url);
      if (!next || (next.protocol !== 'https:' && next.protocol !== this.endpoint.protocol)) {
        throw new InputError(`${url.host} redirects to an address that is not safe`, {
          remedy: 'Check the endpoint (HF_ENDPOINT)',
        });
      }
      url = next;
    }
    throw new InputError(`${start.host} redirects without end`, {
      remedy: 'Check the endpoint (HF_ENDPOINT)',
    });
  }

  async #checkStatus(response: Response, id: string, revision: string, path?: string): Promise<void> {
    const { status } = response;
    if (status === 200 || status === 206 || status === 416) return;
    await response.body?.cancel();
    const code = response.headers.get('x-error-code');
    const host = this.endpoint.host;
    const page = new URL(id, this.endpoint).href;
    const refusal = (problem: string, remedy: string): InputError =>
      new InputError(problem, { file: id, remedy });
    if (status === 429 || status === 408 || status >= 500) {
      const seconds = Number(response.headers.get('retry-after') ?? NaN);
      throw new TransientError(
        `${response.url === '' ? host : new URL(response.url).host} answers ${status}`,
        {
          retryAfterMs: Number.isFinite(seconds) ? seconds * 1000 : undefined,
        },
      );
    }
    if (code === 'GatedRepo' || status === 403) {
      throw refusal(
        `${host} does not give this model to ${this.#token === undefined ? 'visitors without a token' : 'the owner of this token'}`,
        `Accept its terms at ${page}, then set HF_TOKEN to a token of that account`,
      );
    }
    if (code === 'RevisionNotFound') {
      throw refusal(
        `the model has no revision ${JSON.stringify(revision)}`,
        `Choose a branch, tag or commit of ${page}`,
      );
    }
    if (path !== undefined && (code === 'EntryNotFound' || status === 404)) {
      throw refusal(`the model has no file ${path}`, `See its files at ${page}`);
    }
    if (status === 401 || status === 404) {
      throw refusal(
        `${host} has no such model, or it is private`,
        'Check the spelling of ORG/NAME and the revision; for a private model set HF_TOKEN',
      );
    }
    throw refusal(`${host} answers ${status}`, 'Check the endpoint (HF_ENDPOINT)');
  }

  /** @throws TransientError if the promise takes longer than a connection may be silent. */
  async #inTime<T>(promise: Promise<T>): Promise<T> {
    const timer = new AbortController();
    const stalled = sleep(this.#stallMs, undefined, { signal: timer.signal }).then(() => {
      throw new TransientError(`nothing came for ${this.#stallMs / 1000} s`);
    });
    // After the race is won the timer is dropped; its rejection is of no interest.
    stalled.catch(() => undefined);
    try {
      return await Promise.race([promise, stalled]);
    } finally {
      timer.abort();
    }
  }
}

/** Undefined where the text is no address. (URL.parse came with Node 22.) */
function parseUrl(text: string, base?: URL): URL | undefined {
  try {
    return new URL(text, base);
  } catch {
    return undefined;
  }
}

function endpointUrl(text: string): URL {
  const url = parseUrl(text.endsWith('/') ? text : `${text}/`);
  const usable =
    url && /^https?:$/.test(url.protocol) && url.username === '' && url.search === '' && url.hash === '';
  if (!usable) {
    throw new InputError(`the hub's address ${JSON.stringify(text)} is no http(s) address`, {
      remedy: 'Set HF_ENDPOINT to something like https://huggingface.co',
    });
  }
  return url;
}

/** What went wrong beneath fetch's "fetch failed". */
function causeOf(error: unknown): string {
  return (
    messageOf(error instanceof Error && error.cause !== undefined ? error.cause : error) || 'no reason given'
  );
}
