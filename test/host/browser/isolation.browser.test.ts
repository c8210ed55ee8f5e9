import { expect, it } from 'vitest';

it('runs in a page that may share memory between threads', () => {
  expect(crossOriginIsolated).toBe(true);
  expect(navigator.hardwareConcurrency).toBeGreaterThan(0);
});
