import type { TestQuery } from './protocol.ts';

/** What the page asks to let somebody judge the results of a run. */
export interface JudgeCalls {
  /** The queries that a run reports on. Needs an opened run; queries that a stage writes are there after `run`. */
  testQueries: { readonly ask: { readonly runId: string }; readonly answer: readonly TestQuery[] };
}
