import { expect, it } from 'vitest';
import { wasmThreads } from '../../../src/host/browser/threads.ts';

it.each([
  [1, true, 1],
  [2, true, 2],
  [3, true, 2],
  [4, true, 2],
  [12, true, 6],
  [64, true, 8],
  [12, false, 1],
])('%i logical processors, isolated: %s: %i threads', (processors, isolated, threads) => {
  expect(wasmThreads(processors, isolated)).toBe(threads);
});
