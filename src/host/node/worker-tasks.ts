import { parentPort } from 'node:worker_threads';
import type { WorkerPort } from '../channel.ts';
import { serveTasksOn, type TaskHandler } from '../worker-pool.ts';

/** Makes this worker thread answer the tasks of its pool, one at a time. */
export function serveTasks(handle: TaskHandler): void {
  const port = parentPort;
  if (port === null) throw new Error('serveTasks: this is not a worker thread');
  const post = (message: unknown, transfer: ArrayBuffer[]): void => port.postMessage(message, transfer);
  serveTasksOn({ post, listen: (hear) => port.on('message', hear) }, handle);
}

/** The end of the channel in a process that `workerProcess` started. It ends with whoever started it. */
export function processPort(): WorkerPort {
  // Ctrl+C reaches every process of a terminal: whoever started this one says when it is to stop.
  process.on('SIGINT', () => undefined);
  process.on('disconnect', () => process.exit());
  return {
    post: (message) => void process.send?.(message),
    listen: (hear) => process.on('message', hear),
  };
}
