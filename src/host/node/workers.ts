import { existsSync, readFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Worker } from 'node:worker_threads';
import type { WorkerThread, WorkerThreadEvents } from '../channel.ts';
import type { WorkerPool } from '../contract.ts';
import { InputError, messageOf } from '../../core/errors.ts';
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
