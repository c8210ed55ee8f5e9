/** What a pool and its workers say to each other, on every host. */
import { InputError } from './errors.ts';

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

/** Does one task in the worker. An error rejects its task only. */
export type TaskHandler = (request: unknown) => TaskResult | Promise<TaskResult>;

/** Does a task and posts its reply: the worker's side on any host. */
export async function answerTask(
  { id, request }: TaskMessage,
  handle: TaskHandler,
  post: (reply: TaskReply, transfer: ArrayBuffer[]) => void,
): Promise<void> {
  try {
    const { response, transfer = [] } = await handle(request);
    post({ id, ok: true, result: response }, [...transfer]);
  } catch (error) {
    post({ id, ok: false, error: sendError(error) }, []);
  }
}

/** An error of any kind, to be sent to another thread. */
export function sendError(error: unknown): SentError {
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
