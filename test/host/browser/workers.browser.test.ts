import { afterEach, describe, expect, it } from 'vitest';
import type { WorkerPool } from '../../../src/host/contract.ts';
import { InputError, WorkerLostError } from '../../../src/core/errors.ts';
import { browserClock } from '../../../src/host/browser/clock.ts';
import { openWorkerPool } from '../../../src/host/browser/workers.ts';
import type { WorkerPoolOptions } from '../../../src/host/worker-pool.ts';
import type { PoolTask } from './pool-worker.ts';

const pools: WorkerPool[] = [];
afterEach(async () => {
  await Promise.all(pools.splice(0).map((pool) => pool.close()));
});

function open(options: WorkerPoolOptions = {}, module = 'pool-worker.ts') {
  const start = () =>
    module === 'pool-worker.ts'
      ? new Worker(new URL('pool-worker.ts', import.meta.url), { type: 'module' })
      : new Worker(`/${module}`, { type: 'module' });
  const pool = openWorkerPool(start, { size: 2, ...options });
  pools.push(pool);
  return (task: PoolTask, transfer?: ArrayBuffer[]) => pool.run(task, transfer);
}

interface Echo {
  readonly value: number;
  readonly worker: string;
}

describe('the pool of module workers', () => {
  it('runs many tasks on few workers and gives each its own answer', async () => {
    const run = open();
    const answers = (await Promise.all(
      Array.from({ length: 50 }, (_, value) => run({ action: 'wait', value: value % 3 })),
    )) as Echo[];
    expect(answers.map(({ value }) => value)).toEqual(Array.from({ length: 50 }, (_, i) => i % 3));
    expect(new Set(answers.map(({ worker }) => worker)).size).toBe(2);
  });

  it('moves buffers there and back', async () => {
    const values = Float32Array.of(1, 2, 3);
    expect(await open()({ action: 'double', value: values }, [values.buffer])).toEqual(
      Float32Array.of(2, 4, 6),
    );
    expect(values.length).toBe(0);
  });

  it('rejects only the task whose code throws, with the same error', async () => {
    const run = open({ size: 1 });
    const before = (await run({ action: 'echo', value: 1 })) as Echo;
    const failing = run({ action: 'throw', value: 'too long' });
    const refusing = run({ action: 'refuse' });
    const after = run({ action: 'echo', value: 2 });
    await expect(failing).rejects.toMatchObject({ name: 'RangeError', message: 'too long' });
    await expect(refusing).rejects.toThrow(InputError);
    await expect(refusing).rejects.toThrow('corpus.jsonl:7: is broken. Mend it.');
    expect(await after).toEqual({ value: 2, worker: before.worker });
  });

  it('rejects a request or an answer that cannot be sent, and goes on', async () => {
    const run = open({ size: 1 });
    await expect(run((() => 1) as never)).rejects.toMatchObject({ name: 'DataCloneError' });
    await expect(run({ action: 'unsendable' })).rejects.toMatchObject({ name: 'DataCloneError' });
    expect(await run({ action: 'echo', value: 3 })).toMatchObject({ value: 3 });
  });

  it.each<[string, PoolTask, RegExp]>([
    ['that ends itself', { action: 'end' }, /a worker was lost: the browser terminated it/],
    ['that crashes outside the task', { action: 'crash' }, /out of the blue/],
  ])('replaces a worker %s, without a deadline, and rejects its task', async (_, task, message) => {
    const run = open({ size: 1 });
    const lost = run(task);
    const waiting = run({ action: 'echo', value: 4 });
    await expect(lost).rejects.toThrow(WorkerLostError);
    await expect(lost).rejects.toThrow(message);
    expect(await waiting).toMatchObject({ value: 4 });
  });

  it('ends a worker that loops at the deadline; others are not held up, nor is the page', async () => {
    const run = open({ size: 2, deadline: 1000 });
    await Promise.all([run({ action: 'echo', value: 0 }), run({ action: 'echo', value: 0 })]);
    let longest = 0;
    let last = browserClock.now();
    const beat = setInterval(() => {
      longest = Math.max(longest, browserClock.now() - last);
      last = browserClock.now();
    }, 5);
    const looping = run({ action: 'loop' });
    const others = Array.from({ length: 5 }, (_, value) => run({ action: 'echo', value }));
    expect(await Promise.all(others)).toHaveLength(5);
    await expect(looping).rejects.toThrow(/did not respond for 1 s/);
    expect(await Promise.all([1, 2].map((value) => run({ action: 'echo', value })))).toHaveLength(2);
    clearInterval(beat);
    expect(longest).toBeLessThan(500);
  });

  it('rejects what is unfinished when it is closed, and everything afterwards', async () => {
    const run = open({ size: 1 });
    const failures = Promise.allSettled([run({ action: 'loop' }), run({ action: 'echo', value: 1 })]);
    await pools[0]!.close();
    for (const outcome of await failures) {
      expect(outcome).toMatchObject({ status: 'rejected', reason: { name: 'WorkerLostError' } });
    }
    await expect(run({ action: 'echo', value: 2 })).rejects.toThrow(/closed/);
  });

  it('rejects every task where the module cannot be loaded, or no worker be made', async () => {
    const run = open({ size: 1 }, 'missing-module.ts');
    await expect(run({ action: 'echo', value: 1 })).rejects.toThrow(/could not be loaded/);
    await expect(run({ action: 'echo', value: 1 })).rejects.toThrow(WorkerLostError);
    const forbidden = openWorkerPool(() => new Worker('https://elsewhere.test/worker.js'), { size: 1 });
    pools.push(forbidden);
    await expect(forbidden.run(1)).rejects.toThrow(/no worker could be started/);
  });
});
