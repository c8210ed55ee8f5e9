/** The pool of workers that both hosts build on: who does which task, and replacing what is lost. */
import { serveCalls, WorkerChannel, type StartWorker, type WorkerPort } from './channel.ts';
import type { WorkerPool } from './contract.ts';
import { messageOf, WorkerLostError } from '../core/errors.ts';

export interface WorkerPoolOptions {
  /** Workers at most; they start as they are needed. By default one for each processor. */
  readonly size?: number;
  /** A task that runs longer than this many milliseconds is ended, with its worker. By default there is no limit. */
  readonly deadline?: number;
}

interface TaskCalls {
  readonly run: { readonly ask: unknown; readonly answer: unknown };
}

export interface TaskResult {
  readonly response: unknown;
  /** Buffers of the response to move instead of copying them. */
  readonly transfer?: readonly ArrayBuffer[];
}

/** Does one task in the worker. An error rejects its task only. */
export type TaskHandler = (request: unknown) => TaskResult | Promise<TaskResult>;

/** The worker's side on any host: answers the tasks of its pool, one at a time. */
export function serveTasksOn(port: WorkerPort, handle: TaskHandler): void {
  serveCalls<TaskCalls>(port, {
    run: async (request, context) => {
      const { response, transfer = [] } = await handle(request);
      context.transfer.push(...transfer);
      return response;
    },
  });
}

interface Task {
  readonly request: unknown;
  readonly transfer: readonly ArrayBuffer[];
  readonly resolve: (result: unknown) => void;
  readonly reject: (error: unknown) => void;
}

/** Workers that each run one task at a time; tasks wait in the order in which they came. */
export class TaskPool implements WorkerPool {
  readonly size: number;
  readonly #start: StartWorker;
  readonly #deadline: number | undefined;
  readonly #workers = new Set<WorkerChannel<TaskCalls>>();
  readonly #queue: Task[] = [];
  #closed = false;

  constructor(start: StartWorker, size: number, deadline: number | undefined) {
    this.#start = start;
    this.size = size;
    this.#deadline = deadline;
  }

  run(request: unknown, transfer: readonly ArrayBuffer[] = []): Promise<unknown> {
    if (this.#closed) return Promise.reject(new WorkerLostError('the worker pool is closed'));
    return new Promise((resolve, reject) => {
      this.#queue.push({ request, transfer, resolve, reject });
      this.#dispatch();
    });
  }

  async close(): Promise<void> {
    this.#closed = true;
    const error = new WorkerLostError('the worker pool was closed before the task had finished');
    for (const task of this.#queue.splice(0)) task.reject(error);
    for (const worker of this.#workers) worker.end('the worker pool was closed');
    await Promise.all([...this.#workers].map((worker) => worker.terminated));
  }

  #dispatch(): void {
    while (this.#queue.length > 0) {
      let worker: WorkerChannel<TaskCalls> | undefined;
      try {
        worker = this.#idleWorker();
      } catch (error) {
        const cause = { cause: error };
        this.#queue
          .shift()
          ?.reject(new WorkerLostError(`no worker could be started: ${messageOf(error)}`, cause));
        continue;
      }
      const task = worker && this.#queue.shift();
      if (worker === undefined || task === undefined) return;
      void worker
        .ask('run', task.request, { transfer: task.transfer, silenceMs: this.#deadline })
        .then(task.resolve, task.reject)
        .then(() => this.#dispatch());
    }
  }

  #idleWorker(): WorkerChannel<TaskCalls> | undefined {
    for (const worker of this.#workers) {
      // Whoever waits gets a new worker.
      if (worker.hasEnded) this.#workers.delete(worker);
      else if (!worker.isBusy) return worker;
    }
    if (this.#workers.size >= this.size) return undefined;
    const worker = new WorkerChannel<TaskCalls>(this.#start, 'a worker');
    this.#workers.add(worker);
    return worker;
  }
}
