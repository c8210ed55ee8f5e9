/** The pool of workers that both hosts build on: who does which task, deadlines, replacing what is lost. */
import type { WorkerPool } from './contract.ts';
import { messageOf } from './errors.ts';
import { startTimer } from './waiting.ts';
import { restoreError, type TaskMessage, type TaskReply } from './worker-tasks.ts';

export interface WorkerPoolOptions {
  /** Workers at most; they start as they are needed. By default one for each processor. */
  readonly size?: number;
  /** A task that runs longer than this many milliseconds is ended, with its worker. By default there is no limit. */
  readonly deadline?: number;
}

/** A worker ended, or was ended, before it had finished its task. Other tasks go on. */
export class WorkerTaskError extends Error {
  override readonly name = 'WorkerTaskError';
}

/** One worker of a host. */
export interface WorkerThread {
  /** @throws if the message cannot be sent to any worker. */
  post(message: TaskMessage, transfer: ArrayBuffer[]): void;
  /** Told when a task begins and when it has ended. */
  setBusy(busy: boolean): void;
  /** Ends the worker, whatever it is doing. */
  terminate(): Promise<void>;
}

/** What a worker tells its pool. */
export interface WorkerThreadEvents {
  readonly onReply: (reply: TaskReply) => void;
  /** It has ended or is of no use any more. May be told more than once. */
  readonly onLost: (reason: string, cause?: unknown) => void;
}

export type StartWorker = (events: WorkerThreadEvents) => WorkerThread;

interface Task {
  readonly id: number;
  readonly request: unknown;
  readonly transfer: readonly ArrayBuffer[];
  readonly resolve: (result: unknown) => void;
  readonly reject: (error: Error) => void;
}

/** Workers that each run one task at a time; tasks wait in the order in which they came. */
export class TaskPool implements WorkerPool {
  readonly size: number;
  readonly #start: StartWorker;
  readonly #deadline: number | undefined;
  readonly #members = new Set<PoolMember>();
  readonly #queue: Task[] = [];
  #nextId = 0;
  #closed = false;

  constructor(start: StartWorker, size: number, deadline: number | undefined) {
    this.#start = start;
    this.size = size;
    this.#deadline = deadline;
  }

  run(request: unknown, transfer: readonly ArrayBuffer[] = []): Promise<unknown> {
    if (this.#closed) return Promise.reject(new WorkerTaskError('the worker pool is closed'));
    return new Promise((resolve, reject) => {
      this.#queue.push({ id: this.#nextId++, request, transfer, resolve, reject });
      this.#dispatch();
    });
  }

  async close(): Promise<void> {
    this.#closed = true;
    const error = new WorkerTaskError('the worker pool was closed before the task had finished');
    for (const task of this.#queue.splice(0)) task.reject(error);
    await Promise.all([...this.#members].map((member) => member.end(error)));
  }

  #dispatch(): void {
    while (this.#queue.length > 0) {
      let member: PoolMember | undefined;
      try {
        member = this.#idleMember();
      } catch (error) {
        this.#queue
          .shift()
          ?.reject(new WorkerTaskError(`no worker could be started: ${messageOf(error)}`, { cause: error }));
        continue;
      }
      const task = member && this.#queue.shift();
      if (member === undefined || task === undefined) return;
      member.begin(task);
    }
  }

  #idleMember(): PoolMember | undefined {
    for (const member of this.#members) if (!member.isBusy) return member;
    if (this.#members.size >= this.size) return undefined;
    const member: PoolMember = new PoolMember(this.#start, this.#deadline, {
      onIdle: () => this.#dispatch(),
      onGone: () => {
        this.#members.delete(member);
        // Whoever waits gets a new worker.
        this.#dispatch();
      },
    });
    this.#members.add(member);
    return member;
  }
}

/** One worker and the task it runs. */
class PoolMember {
  readonly #thread: WorkerThread;
  readonly #deadline: number | undefined;
  readonly #onIdle: () => void;
  #onGone: (() => void) | undefined;
  #task: Task | undefined;
  #cancelDeadline: () => void = () => undefined;

  constructor(
    start: StartWorker,
    deadline: number | undefined,
    { onIdle, onGone }: { onIdle: () => void; onGone: () => void },
  ) {
    this.#deadline = deadline;
    this.#onIdle = onIdle;
    this.#onGone = onGone;
    this.#thread = start({
      onReply: (reply) => this.#finish(reply),
      onLost: (reason, cause) => this.#fail(reason, cause),
    });
  }

  get isBusy(): boolean {
    return this.#task !== undefined;
  }

  begin(task: Task): void {
    this.#task = task;
    try {
      this.#thread.post({ id: task.id, request: task.request }, [...task.transfer]);
    } catch (error) {
      // The request cannot be sent to any worker.
      this.#task = undefined;
      task.reject(error instanceof Error ? error : new Error(String(error)));
      return;
    }
    this.#thread.setBusy(true);
    if (this.#deadline === undefined) return;
    const deadline = this.#deadline;
    this.#cancelDeadline = startTimer(() => this.#fail(`it took longer than ${deadline} ms`), deadline);
  }

  async end(error: Error): Promise<void> {
    this.#release()?.reject(error);
    this.#onGone = undefined;
    await this.#thread.terminate();
  }

  #finish(reply: TaskReply): void {
    // The answer to a task that was given up may still arrive.
    if (reply.id !== this.#task?.id) return;
    const task = this.#release();
    if (reply.ok) task?.resolve(reply.result);
    else task?.reject(restoreError(reply.error));
    this.#onIdle();
  }

  /** The worker is of no use any more. */
  #fail(reason: string, cause?: unknown): void {
    this.#release()?.reject(new WorkerTaskError(`a worker was lost: ${reason}`, { cause }));
    const onGone = this.#onGone;
    if (onGone === undefined) return;
    this.#onGone = undefined;
    void this.#thread.terminate();
    onGone();
  }

  #release(): Task | undefined {
    const task = this.#task;
    this.#task = undefined;
    this.#cancelDeadline();
    this.#thread.setBusy(false);
    return task;
  }
}
