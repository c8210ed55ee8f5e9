import { expect, it } from 'vitest';
import { DeadlineError } from '../../../src/core/errors.ts';
import { RunQueue } from '../../../src/host/browser/run-queue.ts';

const after = (milliseconds: number): Promise<void> =>
  new Promise((resolve) => setTimeout(resolve, milliseconds));

it('lets one call through at a time, in their order, also after one that fails', async () => {
  const queue = new RunQueue(10_000);
  let inFlight = 0;
  let most = 0;
  const order: number[] = [];
  const calls = [0, 1, 2, 3].map((i) =>
    queue.run('a call', async () => {
      most = Math.max(most, ++inFlight);
      await after(5 - i);
      inFlight--;
      order.push(i);
      if (i === 1) throw new Error('this one fails');
      return i;
    }),
  );
  const results = await Promise.allSettled(calls);
  expect(results.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled', 'fulfilled']);
  expect(order).toEqual([0, 1, 2, 3]);
  expect(most).toBe(1);
});

it('gives a call up at its deadline, and starts nothing after it', async () => {
  const queue = new RunQueue(20);
  const endless = queue.run('the long one', () => new Promise(() => undefined));
  let started = false;
  const next = queue.run('the next one', () => {
    started = true;
    return Promise.resolve();
  });
  await expect(endless).rejects.toThrow('the long one did not respond within 0.02 s');
  await expect(endless).rejects.toBeInstanceOf(DeadlineError);
  await expect(next).rejects.toBeInstanceOf(DeadlineError);
  await expect(queue.failed).rejects.toBeInstanceOf(DeadlineError);
  expect(started).toBe(false);
});

it('does not count the wait for other calls into a deadline', async () => {
  const queue = new RunQueue(60);
  const calls = Array.from({ length: 4 }, () => queue.run('a call', () => after(30)));
  await expect(Promise.all(calls)).resolves.toBeDefined();
});
