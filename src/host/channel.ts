/**
 * The channel between a worker and its creator: typed requests with one answer each, progress and events, cancellation,
 * one form of errors, and one place that detects a lost worker.
 */
import { DeadlineError, DeviceLostError, WorkerLostError } from '../core/errors.ts';
import { restoreError, sendError, type SentError } from './sent-error.ts';
import { startTimer } from '../core/waiting.ts';

/** Every request of a worker, by name: the request, the answer and the progress in between. */
export type Calls<Own> = {
  readonly [Name in keyof Own]: {
    readonly ask: unknown;
    readonly answer: unknown;
    readonly progress?: unknown;
  };
};

type Progress<Call> = Call extends { readonly progress: infer Told } ? Told : never;

/** A worker as created by its host. */
export interface WorkerThread {
  /** @throws if the message cannot be sent to any worker. */
  post(message: unknown, transfer: ArrayBuffer[]): void;
  /** Called when the first request is pending, and when none is any more. */
  setBusy(busy: boolean): void;
  /** Terminates the worker, whatever it is doing. */
  terminate(): Promise<void>;
}

export interface WorkerThreadEvents {
  readonly onMessage: (message: unknown) => void;
  /** The worker has ended or is no longer usable. May be called more than once. */
  readonly onLost: (reason: string, cause?: unknown) => void;
}

export type StartWorker = (events: WorkerThreadEvents) => WorkerThread;

/** The worker's end of the channel. */
export interface WorkerPort {
  post(message: unknown, transfer: ArrayBuffer[]): void;
  listen(hear: (message: unknown) => void): void;
}

export interface AskOptions<Told> {
  /** A worker without a message for this long counts as hung and is terminated. By default there is no limit. */
  readonly silenceMs?: number | undefined;
  /** Asks the worker to stop. The result is still its answer or error. */
  readonly signal?: AbortSignal | undefined;
  /** How long it may take to stop before it is terminated. Default: as long as it sends messages. */
  readonly stopMs?: number | undefined;
  readonly onProgress?: ((progress: Told) => void) | undefined;
  /** Buffers of the request to move instead of copying them. */
  readonly transfer?: readonly ArrayBuffer[] | undefined;
}

/** A message to the worker: a request, or, without a call, a request to stop the one with this number. */
interface Sent {
  readonly id: number;
  readonly call?: string;
  readonly ask?: unknown;
}

type Reply =
  | { readonly kind: 'answer'; readonly id: number; readonly answer: unknown }
  | { readonly kind: 'refusal'; readonly id: number; readonly error: SentError }
  | { readonly kind: 'progress'; readonly id: number; readonly progress: unknown }
  | { readonly kind: 'event'; readonly event: unknown }
  | { readonly kind: 'lost'; readonly error: SentError }
  | { readonly kind: 'alive' };

interface Question {
  resolve(answer: unknown): void;
  reject(error: Error): void;
  tell(progress: unknown): void;
  /** Something was heard of it. */
  alive(): void;
}

/** The end of whoever made the worker. */
export class WorkerChannel<Own extends Calls<Own>, Event = never> {
  readonly #thread: WorkerThread;
  readonly #name: string;
  readonly #onEvent: ((event: Event) => void) | undefined;
  readonly #questions = new Map<number, Question>();
  #nextId = 1;
  #lost: WorkerLostError | undefined;
  #terminated: Promise<void> = Promise.resolve();

  /**
   * @param name what errors call the worker
   * @throws any error that prevents the worker from being created
   */
  constructor(start: StartWorker, name: string, onEvent?: (event: Event) => void) {
    this.#name = name;
    this.#onEvent = onEvent;
    this.#thread = start({
      onMessage: (message) => {
        if (isObject(message)) this.#hear(message as Reply);
      },
      onLost: (reason, cause) => this.end(reason, cause),
    });
  }

  get hasEnded(): boolean {
    return this.#lost !== undefined;
  }

  get isBusy(): boolean {
    return this.#questions.size > 0;
  }

  /** Resolves once a worker that was ended is gone. */
  get terminated(): Promise<void> {
    return this.#terminated;
  }

  /** @throws what was thrown in the worker; WorkerLostError when the worker is lost */
  ask<Name extends keyof Own & string>(
    call: Name,
    ask: Own[Name]['ask'],
    { silenceMs, signal, stopMs, onProgress, transfer = [] }: AskOptions<Progress<Own[Name]>> = {},
  ): Promise<Own[Name]['answer']> {
    if (this.#lost !== undefined) return Promise.reject(this.#lost);
    const id = this.#nextId++;
    let cancelTimer = (): void => undefined;
    const watch = (milliseconds: number | undefined): void => {
      cancelTimer();
      if (milliseconds === undefined) return;
      const late = (): void => this.end(`it did not respond for ${milliseconds / 1000} s`);
      cancelTimer = startTimer(late, milliseconds);
    };
    const stop = (): void => {
      this.#post({ id });
      if (stopMs !== undefined) watch(stopMs);
    };
    const answered = new Promise<unknown>((resolve, reject) => {
      this.#post({ id, call, ask }, [...transfer]);
      this.#questions.set(id, {
        resolve,
        reject,
        // The worker sends progress of the type that this call declares.
        tell: (progress) => onProgress?.(progress as Progress<Own[Name]>),
        alive: () => {
          if (stopMs === undefined || signal?.aborted !== true) watch(silenceMs);
        },
      });
      this.#thread.setBusy(true);
      watch(silenceMs);
      if (signal?.aborted === true) stop();
      else signal?.addEventListener('abort', stop, { once: true });
    });
    return answered.finally(() => {
      cancelTimer();
      signal?.removeEventListener('abort', stop);
    });
  }

  /** Terminates the worker at once and rejects all pending requests. The first reason is kept. */
  end(reason: string, cause?: unknown): void {
    if (this.#lost !== undefined) return;
    this.#lost = new WorkerLostError(`${this.#name} was lost: ${reason}`, { cause });
    for (const id of [...this.#questions.keys()]) this.#take(id)?.reject(this.#lost);
    this.#terminated = this.#thread.terminate();
  }

  #post(message: Sent, transfer: ArrayBuffer[] = []): void {
    this.#thread.post(message, transfer);
  }

  #hear(reply: Reply): void {
    const asked = 'id' in reply ? [this.#questions.get(reply.id)] : [...this.#questions.values()];
    for (const question of asked) question?.alive();
    switch (reply.kind) {
      case 'answer':
        this.#take(reply.id)?.resolve(reply.answer);
        break;
      case 'refusal': {
        const error = restoreError(reply.error);
        // ONNX Runtime would block its thread forever: such a worker is unusable.
        if (error instanceof DeviceLostError || error instanceof DeadlineError)
          this.end(error.message, error);
        else this.#take(reply.id)?.reject(error);
        break;
      }
      case 'progress':
        asked[0]?.tell(reply.progress);
        break;
      case 'event':
        // The type is the one that the worker's module declares.
        this.#onEvent?.(reply.event as Event);
        break;
      case 'lost':
        this.end(reply.error.message, restoreError(reply.error));
        break;
      case 'alive':
        break;
    }
  }

  #take(id: number): Question | undefined {
    const question = this.#questions.get(id);
    this.#questions.delete(id);
    if (!this.isBusy) this.#thread.setBusy(false);
    return question;
  }
}

/** What a worker can use while it handles a request. */
export interface CallContext<Told> {
  /** Aborted when the caller wants it to stop. */
  readonly signal: AbortSignal;
  readonly tell: (progress: Told) => void;
  /** Buffers of the answer to move instead of copying them. */
  readonly transfer: ArrayBuffer[];
}

export type Handlers<Own extends Calls<Own>> = {
  readonly [Name in keyof Own]: (
    ask: Own[Name]['ask'],
    context: CallContext<Progress<Own[Name]>>,
  ) => Own[Name]['answer'] | Promise<Own[Name]['answer']>;
};

/** Unsolicited messages of a worker. */
export interface WorkerVoice<Event> {
  readonly tell: (event: Event) => void;
  /** It is of no use any more. */
  readonly lost: (error: unknown) => void;
}

/**
 * The worker's end: each request has a handler. An error rejects its request only.
 * @param heartbeatMs interval of heartbeat messages; for workers whose requests are long and silent
 */
export function serveCalls<Own extends Calls<Own>, Event = never>(
  port: WorkerPort,
  handlers: Handlers<Own>,
  heartbeatMs?: number,
): WorkerVoice<Event> {
  const underWay = new Map<number, AbortController>();
  const post = (reply: Reply, transfer: ArrayBuffer[] = []): void => port.post(reply, transfer);
  const answer = async ({ id, call = '', ask }: Sent): Promise<void> => {
    const abort = new AbortController();
    underWay.set(id, abort);
    const transfer: ArrayBuffer[] = [];
    const tell = (progress: unknown): void => post({ kind: 'progress', id, progress });
    try {
      if (!Object.hasOwn(handlers, call)) throw new Error(`the worker does not know the request "${call}"`);
      // The request of this very handler, which TypeScript does not follow.
      const handler = handlers[call as keyof Own] as (ask: unknown, context: CallContext<unknown>) => unknown;
      const result = await handler(ask, { signal: abort.signal, tell, transfer });
      post({ kind: 'answer', id, answer: result }, transfer);
    } catch (error) {
      post({ kind: 'refusal', id, error: sendError(error) });
    } finally {
      underWay.delete(id);
    }
  };
  port.listen((message) => {
    if (!isObject(message)) return;
    const sent = message as Sent;
    if (sent.call === undefined) underWay.get(sent.id)?.abort();
    else void answer(sent);
  });
  if (heartbeatMs !== undefined) setInterval(() => post({ kind: 'alive' }), heartbeatMs);
  return {
    tell: (event) => post({ kind: 'event', event }),
    lost: (error) => post({ kind: 'lost', error: sendError(error) }),
  };
}

function isObject(message: unknown): message is object {
  return typeof message === 'object' && message !== null;
}
