/** One HTTP exchange with a deadline: the answer whole, or why there is none. */
import { messageOf } from '../../core/errors.ts';
import { TransientGeneratorError } from '../generator.ts';
import { startTimer } from '../../core/waiting.ts';

export interface HttpAnswer {
  readonly status: number;
  /** Empty if the response is longer than any reply. */
  readonly text: string;
  readonly isTooLong: boolean;
  /** Seconds that the other side asks to wait. */
  readonly retryAfterSeconds: number | undefined;
  /** Whether it points elsewhere instead of answering. */
  readonly redirects: boolean;
}

export interface HttpExchange {
  readonly fetch: typeof fetch;
  /** From the first byte sent to the last received. */
  readonly deadlineSeconds: number;
  readonly signal?: AbortSignal | undefined;
}

/** Replies are some KiB; whoever sends more than this is not a language model. */
export const mostMebibytes = 4;

/**
 * Sends a request and reads the whole response, regardless of its status.
 * @throws TransientGeneratorError without a whole answer in time; the signal's reason when it was aborted.
 */
export async function exchange(
  url: string,
  init: RequestInit,
  { fetch, deadlineSeconds, signal }: HttpExchange,
): Promise<HttpAnswer> {
  signal?.throwIfAborted();
  // Not AbortSignal.any with AbortSignal.timeout: Node 20 may collect the combination before it fires.
  const ending = new AbortController();
  const end = (): void => ending.abort();
  const late = new TransientGeneratorError(`no complete response within ${deadlineSeconds} s`);
  const cancel = startTimer(() => ending.abort(late), deadlineSeconds * 1000);
  signal?.addEventListener('abort', end, { once: true });
  let isAnswered = false;
  try {
    const response = await fetch(url, { ...init, redirect: 'manual', signal: ending.signal });
    isAnswered = true;
    const text = await readText(response);
    return {
      status: response.status,
      text: text ?? '',
      isTooLong: text === undefined,
      retryAfterSeconds: retryAfter(response.headers.get('retry-after'), Date.now()),
      redirects: response.type === 'opaqueredirect' || (response.status >= 300 && response.status < 400),
    };
  } catch (error) {
    signal?.throwIfAborted();
    // A deadline that passes while the body is read appears as its own reason, or as a lost connection.
    if (ending.signal.reason === late) throw late;
    throw new TransientGeneratorError(
      `${isAnswered ? 'the connection was lost' : 'no response'} (${causeOf(error)})`,
      { cause: error },
    );
  } finally {
    cancel();
    signal?.removeEventListener('abort', end);
    // The rest of a response that is too long must not keep arriving.
    end();
  }
}

/** @returns undefined where it is too long */
async function readText({ body }: Response): Promise<string | undefined> {
  if (body === null) return '';
  const reader = body.getReader();
  const decoder = new TextDecoder();
  let text = '';
  let bytes = 0;
  for (;;) {
    const { done, value } = (await reader.read()) as { done: boolean; value?: Uint8Array };
    if (done || value === undefined) return text + decoder.decode();
    bytes += value.length;
    if (bytes > mostMebibytes * 2 ** 20) return undefined;
    text += decoder.decode(value, { stream: true });
  }
}

/**
 * Reads a Retry-After header: seconds, or a date (RFC 9110, 10.2.3).
 * @param now milliseconds since 1970
 * @returns seconds from now, however many, or undefined where there is none
 */
export function retryAfter(header: string | null, now: number): number | undefined {
  if (header === null || header.trim() === '') return undefined;
  const seconds = /^\s*\d+(\.\d+)?\s*$/.test(header) ? Number(header) : (Date.parse(header) - now) / 1000;
  return Number.isNaN(seconds) ? undefined : Math.max(0, seconds);
}

/** The cause of fetch's "fetch failed". */
function causeOf(error: unknown): string {
  const cause = error instanceof Error && error.cause !== undefined ? error.cause : error;
  return messageOf(cause) || (cause as { readonly code?: string }).code || 'no reason given';
}
