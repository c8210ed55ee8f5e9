/** Tests that need what a machine may lack: the end of `npm test` groups those that were skipped by the reason given here. */
import { describe, it } from 'vitest';

declare module 'vitest' {
  export interface TaskMeta {
    /** Why the test is skipped where it is. */
    skipReason?: string;
  }
}

/**
 * A suite that runs where nothing is missing.
 * @param missing What is, and how to supply it; undefined where the suite can run.
 */
export function describeUnless(missing: string | undefined, name: string, suite: () => void): void {
  if (missing === undefined) describe(name, suite);
  else describe.skip(name, { meta: { skipReason: missing } }, suite);
}

/** A test that runs where nothing is missing; as {@link describeUnless}. */
export function itUnless(
  missing: string | undefined,
  name: string,
  test: () => void | Promise<void>,
  timeout?: number,
): void {
  if (missing === undefined) it(name, test, timeout);
  else it.skip(name, { meta: { skipReason: missing } }, test);
}
