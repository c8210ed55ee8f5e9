import { execFileSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeAll, describe, expect, it } from 'vitest';
import type { WorkerPool } from '../../../src/host/contract.ts';
import { InputError, OutOfMemoryError, WorkerLostError } from '../../../src/core/errors.ts';
import type { WorkerPoolOptions } from '../../../src/host/worker-pool.ts';
import { openWorkerPool } from '../../../src/host/node/workers.ts';
import { ensureBuilt } from '../../support/build.ts';

const entry = new URL('../../support/pool-worker.mjs', import.meta.url);

describe('the pool of worker threads', () => {
  beforeAll(ensureBuilt);

  const pools: WorkerPool[] = [];
  function open(options: WorkerPoolOptions = {}): WorkerPool {
    const pool = openWorkerPool(entry, { size: 2, ...options });
    pools.push(pool);
    return pool;
  }
  afterEach(async () => {
    await Promise.all(pools.splice(0).map((pool) => pool.close()));
  });

  const echo = (value: unknown): unknown => ({ action: 'echo', value });

  it('runs many tasks on few workers and gives each its own answer', async () => {
    const pool = open();
    const answers = await Promise.all(
      Array.from({ length: 50 }, (_, value) => pool.run({ action: 'wait', value: value % 3 })),
    );
    expect(answers.map((answer) => (answer as { value: number }).value)).toEqual(
      Array.from({ length: 50 }, (_, i) => i % 3),
    );
    expect(new Set(answers.map((answer) => (answer as { threadId: number }).threadId)).size).toBe(2);
  });

  it('moves buffers there and back', async () => {
    const values = Float32Array.of(1, 2, 3);
    const doubled = await open().run({ action: 'double', value: values }, [values.buffer]);
    expect(doubled).toEqual(Float32Array.of(2, 4, 6));
    expect(values.length).toBe(0);
  });

  it('rejects only the task whose code throws, with the same error', async () => {
    const pool = open({ size: 1 });
    const before = (await pool.run(echo(1))) as { threadId: number };
    const failing = pool.run({ action: 'throw', value: 'too long' });
    const refusing = pool.run({ action: 'refuse' });
    const after = pool.run(echo(2));
    await expect(failing).rejects.toMatchObject({ name: 'RangeError', message: 'too long' });
    await expect(refusing).rejects.toThrow(InputError);
    await expect(refusing).rejects.toThrow('corpus.jsonl:7: is broken. Mend it.');
    expect(await after).toEqual({ value: 2, threadId: before.threadId });
  });

  it('keeps the class of an error and its cause', async () => {
    const error: unknown = await open()
      .run({ action: 'exhaust' })
      .catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(OutOfMemoryError);
    expect(error).toMatchObject({
      name: 'ResourceError',
      problem: 'too little memory',
      remedy: 'Use less',
      cause: { name: 'RangeError', message: 'Array buffer allocation failed' },
    });
  });

  it('rejects a request or an answer that cannot be sent, and goes on', async () => {
    const pool = open({ size: 1 });
    await expect(pool.run(() => 1)).rejects.toMatchObject({ name: 'DataCloneError' });
    await expect(pool.run({ action: 'unknown' })).rejects.toMatchObject({ name: 'DataCloneError' });
    expect(await pool.run(echo('on'))).toMatchObject({ value: 'on' });
  });

  it.each([
    ['that ends itself', { action: 'exit', value: 3 }, /exited with code 3/],
    ['that crashes outside the task', { action: 'crash' }, /out of the blue/],
  ])('replaces a worker %s and rejects its task', async (_, request, message) => {
    const pool = open({ size: 1 });
    const lost = pool.run(request);
    const waiting = pool.run(echo('next'));
    await expect(lost).rejects.toThrow(WorkerLostError);
    await expect(lost).rejects.toThrow(message);
    expect(await waiting).toMatchObject({ value: 'next' });
  });

  it('ends a worker that loops at the deadline; others are not held up', async () => {
    // Longer than a loaded machine takes to start a worker.
    const pool = open({ size: 2, deadline: 3000 });
    await Promise.all([pool.run(echo(0)), pool.run(echo(0))]);
    const looping = pool.run({ action: 'loop' });
    const others = Array.from({ length: 5 }, (_, i) => pool.run(echo(i)));
    expect(await Promise.all(others)).toHaveLength(5);
    await expect(looping).rejects.toThrow(/did not respond for 3 s/);
    expect(await Promise.all([pool.run(echo(1)), pool.run(echo(2))])).toHaveLength(2);
  });

  it('does not count the wait in the queue against the deadline', async () => {
    const pool = open({ size: 1, deadline: 1500 });
    await pool.run(echo(0));
    const tasks = Array.from({ length: 5 }, () => pool.run({ action: 'wait', value: 500 }));
    await expect(Promise.all(tasks)).resolves.toHaveLength(5);
  });

  it('rejects what is unfinished when it is closed, and everything afterwards', async () => {
    const pool = open({ size: 1 });
    const running = pool.run({ action: 'loop' });
    const queued = pool.run(echo(1));
    const failures = Promise.allSettled([running, queued]);
    await pool.close();
    for (const outcome of await failures) {
      expect(outcome).toMatchObject({ status: 'rejected', reason: { name: 'WorkerLostError' } });
    }
    await expect(pool.run(echo(2))).rejects.toThrow(/closed/);
  });

  it('rejects every task where the entry cannot be loaded', async () => {
    const pool = openWorkerPool(new URL('missing.mjs', entry), { size: 1 });
    pools.push(pool);
    await expect(pool.run(1)).rejects.toThrow(/missing\.mjs/);
    await expect(pool.run(1)).rejects.toThrow(WorkerLostError);
  });

  it('names the remedy where the entry is not built', () => {
    expect(() => openWorkerPool('unheard-of')).toThrow(/unheard-of\.js: the worker has not been built. Run/);
  });

  it('keeps no process alive while it has nothing to do', () => {
    const script = `
      import { openWorkerPool } from './dist/src/host/node/workers.js';
      const pool = openWorkerPool(new URL(${JSON.stringify(entry.href)}), { size: 1 });
      console.log((await pool.run({ action: 'echo', value: 5 })).value);`;
    const output = execFileSync(process.execPath, ['--input-type=module', '-e', script], {
      cwd: fileURLToPath(new URL('../../..', import.meta.url)),
      encoding: 'utf8',
      timeout: 20_000,
    });
    expect(output.trim()).toBe('5');
  });
});
