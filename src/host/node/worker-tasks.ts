import { parentPort } from 'node:worker_threads';
import { serveTasksOn, type TaskHandler } from '../worker-pool.ts';

/** Makes this worker thread answer the tasks of its pool, one at a time. */
export function serveTasks(handle: TaskHandler): void {
  const port = parentPort;
  if (port === null) throw new Error('serveTasks: this is not a worker thread');
  const post = (message: unknown, transfer: ArrayBuffer[]): void => port.postMessage(message, transfer);
  serveTasksOn({ post, listen: (hear) => port.on('message', hear) }, handle);
}
