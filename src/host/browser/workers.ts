import type { StartWorker } from '../channel.ts';
import type { WorkerPool } from '../contract.ts';
import { TaskPool, type WorkerPoolOptions } from '../worker-pool.ts';
import type { AliveMessage } from './worker-tasks.ts';

/**
 * Opens a pool of module workers.
 * @param start Makes a worker whose module calls `serveTasks`. Bundlers look for this very form:
 * `() => new Worker(new URL('../workers/search.ts', import.meta.url), { type: 'module' })`
 */
export function openWorkerPool(start: () => Worker, options: WorkerPoolOptions = {}): WorkerPool {
  return new TaskPool(startOf(start), options.size ?? navigator.hardwareConcurrency, options.deadline);
}

/** @param start makes a worker whose module listens on `workerPort` */
export function startOf(start: () => Worker): StartWorker {
  return ({ onMessage, onLost }) => {
    const worker = start();
    const watch = new AbortController();
    worker.addEventListener('message', ({ data }: MessageEvent<unknown>) => {
      if (!isAlive(data)) onMessage(data);
      else {
        void untilEnded(data.alive, watch.signal).then(
          (ended) => ended && onLost('the browser terminated it, possibly for lack of memory'),
        );
      }
    });
    worker.addEventListener('messageerror', () => onLost('its response could not be read'));
    worker.addEventListener('error', (event) => {
      event.preventDefault();
      onLost(event.message || 'its program could not be loaded: reload the page', event.error);
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
  };
}

function isAlive(data: unknown): data is AliveMessage {
  return typeof data === 'object' && data !== null && 'alive' in data && typeof data.alive === 'string';
}

/**
 * Browsers say nothing when a worker ends. But each holds a lock while it lives, and whoever asks for the same lock
 * gets it then.
 * @returns whether the worker has ended; false when the watch was given up.
 */
async function untilEnded(lock: string, signal: AbortSignal): Promise<boolean> {
  try {
    await navigator.locks.request(lock, { signal }, () => undefined);
    return true;
  } catch {
    return false;
  }
}
