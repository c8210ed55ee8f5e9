import { fork } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Worker } from 'node:worker_threads';
import type { StartWorker, WorkerThread, WorkerThreadEvents } from '../channel.ts';
import type { WorkerPool } from '../contract.ts';
import { InputError, messageOf } from '../../core/errors.ts';
import type { Trainers } from '../trainers.ts';
import { TaskPool, type WorkerPoolOptions } from '../worker-pool.ts';

/**
 * Opens a pool over an entry of the package's workers/ folder.
 * @param entry the name of the entry (`search`), or the address of any module that calls `serveTasks`
 * @throws InputError if the entry has not been built
 */
export function openWorkerPool(entry: string | URL, options: WorkerPoolOptions = {}): WorkerPool {
  const path = typeof entry === 'string' ? builtEntry(entry) : fileURLToPath(entry);
  const start = (events: WorkerThreadEvents): WorkerThread => startThread(path, events);
  return new TaskPool(start, options.size ?? availableParallelism(), options.deadline);
}

/** Processes that train beside each other. @param place the recipe's store folder, and the threads of its runtime */
export function openTrainers(place: { readonly store: string; readonly threads: number }): Trainers {
  return { cores: availableParallelism(), start: workerProcess('train'), place };
}

/**
 * Starts an entry of the package's workers/ folder as a process of its own, for what may not share one: ONNX Runtime is
 * not made for several threads of Node, and what the system ends for lack of memory takes nothing else along.
 * @throws InputError if the entry has not been built
 */
export function workerProcess(name: string): StartWorker {
  return ({ onMessage, onLost }) => {
    const child = fork(builtEntry(name), {
      execArgv: [],
      serialization: 'advanced',
      // Standard output has the command's results alone.
      stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
    });
    const exited = new Promise<void>((resolve) => {
      child.once('error', (error) => {
        onLost(messageOf(error), error);
        resolve();
      });
      child.once('exit', (code, signal) => {
        onLost(signal === null ? `it exited with code ${code}` : `it was ended by ${signal}`);
        resolve();
      });
    });
    child.on('message', onMessage);
    const setBusy = (busy: boolean): void => {
      for (const each of [child, child.channel]) {
        if (busy) each?.ref();
        else each?.unref();
      }
    };
    return {
      // The exit event reports its end.
      post: (message) => void child.send(message as object, () => undefined),
      setBusy,
      terminate: async () => {
        // Whoever waits for its end shall see it.
        child.ref();
        child.kill('SIGKILL');
        await exited;
      },
    };
  };
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

function startThread(entry: string, { onMessage, onLost }: WorkerThreadEvents): WorkerThread {
  // Not the parent's loader options: the entry is plain JavaScript.
  const worker = new Worker(entry, { execArgv: [] });
  worker.on('message', onMessage);
  worker.on('messageerror', (error) => onLost(`its response could not be read (${error.message})`));
  worker.on('error', (error: unknown) => onLost(messageOf(error), error));
  worker.on('exit', (code) => onLost(`it exited with code ${code}`));
  // An idle worker keeps no process alive.
  worker.unref();
  return {
    post: (message, transfer) => worker.postMessage(message, transfer),
    setBusy: (busy) => (busy ? worker.ref() : worker.unref()),
    terminate: async () => {
      await worker.terminate();
    },
  };
}
