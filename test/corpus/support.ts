import { InputError } from '../../src/core/errors.ts';

export async function collect<T>(items: AsyncIterable<T>): Promise<T[]> {
  const all: T[] = [];
  for await (const item of items) all.push(item);
  return all;
}

/** The message of the InputError that the promise is expected to reject with. */
export async function refused(promise: Promise<unknown>): Promise<string> {
  const error: unknown = await promise.then(
    () => new Error('was not refused'),
    (reason: unknown) => reason,
  );
  if (error instanceof InputError) return error.message;
  throw error;
}

/** Processor time of this process since `start`: what a test may bound on a machine that others use too. */
export function cpuMilliseconds(start: NodeJS.CpuUsage): number {
  const { user, system } = process.cpuUsage(start);
  return (user + system) / 1000;
}
