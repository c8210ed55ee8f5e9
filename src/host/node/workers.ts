import { existsSync, readFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Worker } from 'node:worker_threads';
import type { WorkerPool } from '../contract.ts';
import { InputError, messageOf } from '../errors.ts';
import type { TaskReply } from './worker-tasks.ts';
import { restoreError } from './worker-tasks.ts';

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

interface Task {
  readonly id: number;
  readonly request: unknown;
  readonly transfer: readonly ArrayBuffer[];
  readonly resolve: (result: unknown) => void;
  readonly reject: (error: Error) => void;
}

/**
 * Opens a pool over an entry of the package's workers/ folder.
 * @param entry the name of the entry (`search`), or the address of any module that calls `serveTasks`
 * @throws InputError if the entry has not been built
 */
export function openWorkerPool(entry: string | URL, options: WorkerPoolOptions = {}): WorkerPool {
  return new NodeWorkerPool(typeof entry === 'string' ? builtEntry(entry) : fileURLToPath(entry), options);
}

/** Where the compiled entry is, from the sources as well as from the build. */
function builtEntry(name: string): string {
  const path = join(packageRoot(), 'dist', 'workers', `${name}.js`);
  if (existsSync(path)) return path;
  throw new InputError('the worker has not been built', { file: path, remedy: 'Run "npm run build" first' });
}

/** The folder above this file that holds the package's own package.json. */
function packageRoot(): string {
  let folder = dirname(fileURLToPath(import.meta.url));
  for (;;) {
    const manifest = join(folder, 'package.json');
    if (existsSync(manifest) && /"name":\s*"retriever-studio"/.test(readFileSync(manifest, 'utf8')))
      return folder;
    const parent = dirname(folder);
    if (parent === folder) throw new Error(`no package.json of retriever-studio above ${import.meta.url}`);
    folder = parent;
  }
}

/** Worker threads that each run one task at a time; tasks wait in the order in which they came. */
class NodeWorkerPool implements WorkerPool {
  readonly size: number;
  readonly #entry: string;
  readonly #deadline: number | undefined;
  readonly #members = new Set<PoolMember>();
  readonly #queue: Task[] = [];
  #nextId = 0;
  #closed = false;

  constructor(entry: string, { size = availableParallelism(), deadline }: WorkerPoolOptions) {
    this.#entry = entry;
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
      const member = this.#idleMember();
      const task = member && this.#queue.shift();
      if (member === undefined || task === undefined) return;
      member.start(task);
    }
  }

  #idleMember(): PoolMember | undefined {
    for (const member of this.#members) if (!member.isBusy) return member;
    if (this.#members.size >= this.size) return undefined;
    const member: PoolMember = new PoolMember(this.#entry, this.#deadline, {
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
  readonly #worker: Worker;
  readonly #deadline: number | undefined;
  readonly #onIdle: () => void;
  #onGone: (() => void) | undefined;
  #task: Task | undefined;
  #timer: NodeJS.Timeout | undefined;

  constructor(
    entry: string,
    deadline: number | undefined,
    { onIdle, onGone }: { onIdle: () => void; onGone: () => void },
  ) {
    this.#deadline = deadline;
    this.#onIdle = onIdle;
    this.#onGone = onGone;
    // Not the parent's loader options: the entry is plain JavaScript.
    this.#worker = new Worker(entry, { execArgv: [] });
    this.#worker.on('message', (reply: TaskReply) => this.#finish(reply));
    this.#worker.on('messageerror', (error) => this.#fail(`its answer could not be read (${error.message})`));
    this.#worker.on('error', (error: unknown) => this.#fail(messageOf(error), error));
    this.#worker.on('exit', (code) => this.#fail(`it ended with code ${code}`));
    // An idle worker keeps no process alive.
    this.#worker.unref();
  }

  get isBusy(): boolean {
    return this.#task !== undefined;
  }

  start(task: Task): void {
    this.#task = task;
    try {
      this.#worker.postMessage({ id: task.id, request: task.request }, [...task.transfer]);
    } catch (error) {
      // The request cannot be sent to any worker.
      this.#task = undefined;
      task.reject(error instanceof Error ? error : new Error(String(error)));
      return;
    }
    this.#worker.ref();
    if (this.#deadline === undefined) return;
    const deadline = this.#deadline;
    this.#timer = setTimeout(() => this.#fail(`it took longer than ${deadline} ms`), deadline);
  }

  async end(error: Error): Promise<void> {
    this.#release()?.reject(error);
    this.#onGone = undefined;
    await this.#worker.terminate();
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
    void this.#worker.terminate();
    onGone();
  }

  #release(): Task | undefined {
    const task = this.#task;
    this.#task = undefined;
    clearTimeout(this.#timer);
    this.#worker.unref();
    return task;
  }
}
