import { parentPort } from 'node:worker_threads';
import { answerTask, type TaskHandler, type TaskMessage } from '../worker-tasks.ts';

/** Makes this worker thread answer the tasks of its pool, one at a time. */
export function serveTasks(handle: TaskHandler): void {
  const port = parentPort;
  if (port === null) throw new Error('serveTasks: this is not a worker thread');
  port.on(
    'message',
    (message: TaskMessage) =>
      void answerTask(message, handle, (reply, transfer) => port.postMessage(reply, transfer)),
  );
}
