import type { WorkerPool } from '../contract.ts';
import {
  TaskPool,
  type WorkerPoolOptions,
  type WorkerThread,
  type WorkerThreadEvents,
} from '../worker-pool.ts';
import type { TaskReply } from '../worker-tasks.ts';
import type { AliveMessage } from './worker-tasks.ts';

/**
 * Opens a pool of module workers.
 * @param start Makes a worker whose module calls `serveTasks`. Bundlers look for this very form:
 * `() => new Worker(new URL('../workers/search.ts', import.meta.url), { type: 'module' })`
 */
export function openWorkerPool(start: () => Worker, options: WorkerPoolOptions = {}): WorkerPool {
  return new TaskPool(
    (events) => startThread(start, events),
    options.size ?? navigator.hardwareConcurrency,
    options.deadline,
  );
}

function startThread(start: () => Worker, { onReply, onLost }: WorkerThreadEvents): WorkerThread {
  const worker = start();
  const watch = new AbortController();
  worker.addEventListener('message', ({ data }: MessageEvent<TaskReply | AliveMessage>) => {
    if ('alive' in data)
      void untilEnded(data.alive, watch.signal).then((ended) => ended && onLost('it ended'));
    else onReply(data);
  });
  worker.addEventListener('messageerror', () => onLost('its answer could not be read'));
  worker.addEventListener('error', (event) => {
    event.preventDefault();
    onLost(event.message || 'its module could not be loaded', event.error);
  });
  return {
    post: (message, transfer) => worker.postMessage(message, transfer),
    setBusy: () => undefined,
    terminate: () => {
      watch.abort();
      worker.terminate();
      return Promise.resolve();
    },
  };
}

/**
 * Browsers say nothing when a worker ends. But each holds a lock while it lives, and whoever asks for the same lock
 * gets it then.
 * @returns whether the worker has ended; false when the watch was given up.
 */
export async function untilEnded(lock: string, signal: AbortSignal): Promise<boolean> {
  try {
    await navigator.locks.request(lock, { signal }, () => undefined);
    return true;
  } catch {
    return false;
  }
}
