/** What a pool and its workers say to each other, and the worker's side of it. */

import { parentPort } from 'node:worker_threads';
import { InputError } from '../errors.ts';

export interface TaskMessage {
  readonly id: number;
  readonly request: unknown;
}

export type TaskReply =
  | { readonly id: number; readonly ok: true; readonly result: unknown }
  | { readonly id: number; readonly ok: false; readonly error: SentError };

/** An error in a form that survives the way between threads with all its fields. */
export interface SentError {
  readonly name: string;
  readonly message: string;
  readonly stack: string | undefined;
  /** Of an InputError. */
  readonly input:
    | {
        readonly problem: string;
        readonly remedy: string;
        readonly file: string | undefined;
        readonly line: number | undefined;
      }
    | undefined;
}

export interface TaskResult {
  readonly response: unknown;
  /** Buffers of the response to move instead of copying them. */
  readonly transfer?: readonly ArrayBuffer[];
}

/** Makes this worker answer the tasks of its pool, one at a time. An error rejects its task only. */
export function serveTasks(handle: (request: unknown) => TaskResult | Promise<TaskResult>): void {
  const port = parentPort;
  if (port === null) throw new Error('serveTasks: this is not a worker thread');
  const answer = async ({ id, request }: TaskMessage): Promise<void> => {
    try {
      const { response, transfer = [] } = await handle(request);
      port.postMessage({ id, ok: true, result: response } satisfies TaskReply, [...transfer]);
    } catch (error) {
      port.postMessage({ id, ok: false, error: sendError(error) } satisfies TaskReply);
    }
  };
  port.on('message', (message: TaskMessage) => void answer(message));
}

function sendError(error: unknown): SentError {
  if (!(error instanceof Error)) {
    return { name: 'Error', message: String(error), stack: undefined, input: undefined };
  }
  const { name, message, stack } = error;
  if (!(error instanceof InputError)) return { name, message, stack, input: undefined };
  const { problem, remedy, file, line } = error;
  return { name, message, stack, input: { problem, remedy, file, line } };
}

/** The error as it was thrown in the worker. */
export function restoreError({ name, message, stack, input }: SentError): Error {
  if (input !== undefined) return new InputError(input.problem, input);
  const error = new Error(message);
  error.name = name;
  if (stack !== undefined) error.stack = stack;
  return error;
}
