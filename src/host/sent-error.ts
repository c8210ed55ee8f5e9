/** The only form in which an error is sent between threads. */
import {
  DeadlineError,
  DeviceLostError,
  InputError,
  OutOfMemoryError,
  ResourceError,
  WorkerLostError,
} from '../core/errors.ts';
import { StoreCorruptionError, StoreFencedError } from './contract.ts';
import { TransientGeneratorError } from './generator.ts';

export interface SentError {
  /** A key of `classes`, or DOMException: names of classes do not survive a bundler. */
  readonly kind: string;
  readonly name: string;
  readonly message: string;
  readonly stack: string | undefined;
  /** Fields of its class: problem, remedy, file, line, reason … */
  readonly fields: Readonly<Record<string, string | number | undefined>>;
  readonly cause: SentError | undefined;
}

/** The classes that are the same class on the other side, each after the one that it extends. */
const classes = {
  Error,
  InputError,
  ResourceError,
  OutOfMemoryError,
  DeviceLostError,
  DeadlineError,
  WorkerLostError,
  TransientGeneratorError,
  StoreCorruptionError,
  StoreFencedError,
} as const;

/** Chains of causes may be endless or cyclic. */
const mostCauses = 5;

/** Anything thrown, to be sent to another thread. */
export function sendError(error: unknown, causes = mostCauses): SentError {
  if (!(error instanceof Error)) return sendError(new Error(String(error)));
  const { name, message, stack, cause } = error;
  const known = Object.entries(classes).filter(([, Class]) => error instanceof Class);
  const kind = error instanceof DOMException ? 'DOMException' : (known.at(-1)?.[0] ?? 'Error');
  const plain = ([, value]: [string, unknown]): boolean =>
    ['string', 'number', 'undefined'].includes(typeof value);
  const fields = kind === 'Error' ? {} : Object.fromEntries(Object.entries(error).filter(plain));
  const sent = cause === undefined || causes === 0 ? undefined : sendError(cause, causes - 1);
  return { kind, name, message, stack, fields, cause: sent };
}

/** The error as it was thrown on the other side. */
export function restoreError({ kind, name, message, stack, fields, cause }: SentError): Error {
  if (kind === 'DOMException') return new DOMException(message, name);
  const error = new Error(message, cause && { cause: restoreError(cause) });
  if (name !== error.name) error.name = name;
  if (stack !== undefined) error.stack = stack;
  const [, Class] = Object.entries(classes).find(([key]) => key === kind) ?? [];
  if (Class !== undefined) Object.setPrototypeOf(error, Class.prototype);
  return Object.assign(error, fields);
}
