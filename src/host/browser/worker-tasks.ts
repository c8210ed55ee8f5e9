import { workerScope } from './worker-scope.ts';
import { answerTask, type TaskHandler, type TaskMessage } from '../worker-tasks.ts';

/** The first message of a worker: the name of the Web Lock that it holds while it lives. */
export interface AliveMessage {
  readonly alive: string;
}

/** Makes this worker answer the tasks of its pool, one at a time. */
export function serveTasks(handle: TaskHandler): void {
  const scope = workerScope<TaskMessage, unknown>();
  const watched = announceLife((message) => scope.postMessage(message));
  scope.addEventListener('message', ({ data }) => {
    // Not before the pool would notice if the task ended the worker.
    void watched.then(() =>
      answerTask(data, handle, (reply, transfer) => scope.postMessage(reply, transfer)),
    );
  });
}

/** Lets the page notice the end of this worker. Resolves once it would. */
export function announceLife(post: (message: AliveMessage) => void): Promise<void> {
  const alive = `retriever-studio/worker/${crypto.randomUUID()}`;
  return new Promise((resolve) => {
    void navigator.locks.request(alive, () => {
      post({ alive });
      resolve();
      return new Promise(() => undefined);
    });
  });
}
