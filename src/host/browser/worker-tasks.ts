import type { WorkerPort } from '../channel.ts';
import { serveTasksOn, type TaskHandler } from '../worker-pool.ts';

/** What a module needs of the dedicated worker that it runs in. (The types of workers and of pages exclude each other.) */
declare const self: {
  postMessage(message: unknown, transfer?: Transferable[]): void;
  addEventListener(type: 'message', listener: (event: MessageEvent<unknown>) => void): void;
};

/** The first message of a worker: the name of the Web Lock that it holds while it lives. */
export interface AliveMessage {
  readonly alive: string;
}

/** Makes this worker answer the tasks of its pool, one at a time. */
export function serveTasks(handle: TaskHandler): void {
  serveTasksOn(workerPort(), handle);
}

/** The end of the channel in the worker that this module runs in. Its creator detects when the worker ends. */
export function workerPort(): WorkerPort {
  const post = (message: unknown, transfer: ArrayBuffer[] = []): void => self.postMessage(message, transfer);
  const alive = `retriever-studio/worker/${crypto.randomUUID()}`;
  const watched = new Promise<void>((resolve) => {
    void navigator.locks.request(alive, () => {
      post({ alive } satisfies AliveMessage);
      resolve();
      return new Promise(() => undefined);
    });
  });
  return {
    post,
    listen: (hear) => {
      // Nothing before its end would be noticed: a request may end the worker.
      self.addEventListener('message', ({ data }) => void watched.then(() => hear(data)));
    },
  };
}
