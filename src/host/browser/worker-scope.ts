/** What a module needs of the dedicated worker that it runs in. (The types of workers and of pages exclude each other.) */
export interface WorkerScope<Asked = unknown, Told = unknown> {
  postMessage(message: Told, transfer?: Transferable[]): void;
  addEventListener(type: 'message', listener: (event: MessageEvent<Asked>) => void): void;
}

declare const self: WorkerScope<never>;

/**
 * The worker that this module runs in.
 * @typeParam Asked what whoever made the worker sends
 * @typeParam Told what the worker sends
 */
export function workerScope<Asked, Told>(): WorkerScope<Asked, Told> {
  return self;
}
