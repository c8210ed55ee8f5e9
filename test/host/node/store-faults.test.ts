/**
 * Every operation of a whole session of writes fails, or is the last one before a kill or a power failure; then a new
 * process opens the store. SQLite's method (https://www.sqlite.org/testing.html, "anomaly testing").
 */
import { createHash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import type { BlobReference } from '../../../src/host/contract.ts';
import { ResourceError } from '../../../src/core/errors.ts';
import { FolderStore } from '../../../src/host/node/store.ts';
import { Killed, SimulatedDisk, type Fault, type SimulatedProcess } from '../../support/simulated-disk.ts';

const STEPS = 5;
const FROZEN = Uint8Array.from({ length: 40 }, (_, i) => i);
const weights = (step: number) => Uint8Array.from({ length: 30 }, (_, i) => step * 7 + i);

/** What the session has been told is done, and what it was at. */
interface Progress {
  acknowledged: number;
  attempted: number;
  queued: number;
}

/** A training that keeps its last two checkpoints, beside a work queue; `attempt` runs each call of the store. */
async function session(
  process: SimulatedProcess,
  progress: Progress,
  attempt: <T>(task: () => Promise<T>) => Promise<T>,
): Promise<void> {
  const open = () => FolderStore.open('/data/store', { disk: process, report: () => undefined });
  let store = await attempt(open);
  let training = await attempt(() => store.openWriter('training'));
  const queue = await attempt(() => store.openWriter('queue'));
  for (let step = 1; step <= STEPS; step++) {
    const frozen = await attempt(() => store.writeBlob(FROZEN));
    const trained = await attempt(() => store.writeBlob(weights(step)));
    progress.attempted = step;
    await attempt(() =>
      training.commit({
        put: {
          [`checkpoint-${step}`]: { value: { step }, blobs: [frozen, trained] },
          latest: { value: step, blobs: [] },
        },
        delete: [`checkpoint-${step - 2}`],
      }),
    );
    progress.acknowledged = step;
    if (step === 2) {
      const reply = await attempt(() => store.writeBlob(FROZEN));
      await attempt(() => queue.commit({ put: { reply: { value: 'yes', blobs: [reply] } } }));
      progress.queued = 1;
    }
    if (step % 2 === 0) await attempt(() => store.sweep());
    if (step === 3) {
      await attempt(() => store.close());
      store = await attempt(open);
      training = await attempt(() => store.openWriter('training'));
    }
  }
  await attempt(() => store.close());
}

/** The store is whole, holds what was acknowledged, works, and keeps no litter. */
async function verify(disk: SimulatedDisk, progress: Progress): Promise<void> {
  const problems: string[] = [];
  const process = disk.start();
  const open = () =>
    FolderStore.open('/data/store', { disk: process, report: (problem) => problems.push(problem) });
  const store = await open();
  const latest = ((await store.get('training', 'latest'))?.value ?? 0) as number;
  expect([progress.acknowledged, progress.attempted]).toContain(latest);
  await expectCheckpoints(store, latest);
  const reply = await store.get('queue', 'reply');
  if (progress.queued) expect(reply?.value).toBe('yes');
  for (const blob of reply?.blobs ?? []) expectBytes(await store.readBlob(blob), FROZEN);

  const training = await store.openWriter('training');
  for (let step = latest + 1; step <= latest + 3; step++) {
    const blobs = [await store.writeBlob(FROZEN), await store.writeBlob(weights(step))];
    await training.commit({
      put: { [`checkpoint-${step}`]: { value: { step }, blobs }, latest: { value: step, blobs: [] } },
      delete: [`checkpoint-${step - 2}`],
    });
  }
  await expectCheckpoints(store, latest + 3);
  await store.sweep();
  await store.close();
  expect(problems).toEqual([]);

  const live = [FROZEN, ...[latest + 1, latest + 2, latest + 3].map(weights)];
  const expected = new Set(['/data/store/store.json', ...live.map(blobPath)]);
  const litter = disk.files().filter((path) => !expected.has(path) && !/records\/\w+\/\d+\.json$/.test(path));
  expect(litter).toEqual([]);
  const states = disk.files().filter((path) => path.includes('/training/') && disk.content(path).length > 80);
  expect(states).toHaveLength(2);
}

async function expectCheckpoints(store: FolderStore, latest: number): Promise<void> {
  const steps = [latest - 1, latest].filter((step) => step > 0);
  const keys = steps.map((step) => `checkpoint-${step}`);
  expect(await store.keys('training')).toEqual(latest > 0 ? [...keys, 'latest'].sort() : []);
  for (const step of steps) {
    const [frozen, trained] = (await store.get('training', `checkpoint-${step}`))?.blobs as BlobReference[];
    expectBytes(await store.readBlob(frozen!), FROZEN);
    expectBytes(await store.readBlob(trained!), weights(step));
  }
}

function expectBytes(actual: Uint8Array, expected: Uint8Array): void {
  expect(actual.join()).toBe(expected.join());
}

function blobPath(bytes: Uint8Array): string {
  const sha256 = createHash('sha256').update(bytes).digest('hex');
  return `/data/store/blobs/${sha256.slice(0, 2)}/${sha256}`;
}

const KILL: Fault = { kind: 'kill', when: 'after' };

const once = <T>(task: () => Promise<T>) => task();

async function countOperations(): Promise<number> {
  const process = new SimulatedDisk().start();
  await session(process, { acknowledged: 0, attempted: 0, queued: 0 }, once);
  return process.operations;
}

/** Runs the session once for every operation and lets that one go wrong. */
async function sweepOperations(
  fault: Fault,
  attempt: typeof once,
  check: (disk: SimulatedDisk, progress: Progress, error: unknown) => Promise<void>,
): Promise<number> {
  const operations = await countOperations();
  for (let n = 1; n <= operations; n++) {
    const disk = new SimulatedDisk();
    const process = disk.start();
    const progress = { acknowledged: 0, attempted: 0, queued: 0 };
    process.faultAt(n, fault);
    const error = await session(process, progress, attempt).catch((thrown: unknown) => thrown);
    process.kill();
    try {
      await check(disk, progress, error);
    } catch (failure) {
      throw new Error(`operation ${n} of ${operations}, ${JSON.stringify(fault)}`, { cause: failure });
    }
  }
  return operations;
}

describe('a session of the store', () => {
  it('works when nothing goes wrong', async () => {
    const disk = new SimulatedDisk();
    const progress = { acknowledged: 0, attempted: 0, queued: 0 };
    await session(disk.start(), progress, once);
    expect(progress).toEqual({ acknowledged: STEPS, attempted: STEPS, queued: 1 });
    await verify(disk, progress);
  });

  // A kill before an operation is one after the operation before it.
  it('survives a kill after any operation', async () => {
    const operations = await sweepOperations(KILL, once, async (disk, progress, error) => {
      if (error !== undefined) expect(rootCause(error)).toBeInstanceOf(Killed);
      await verify(disk, progress);
    });
    expect(operations).toBeGreaterThan(250);
  });

  it.each(['lost', 'kept'] as const)(
    'survives a power failure after any operation, names not flushed %s',
    async (names) => {
      await sweepOperations(KILL, once, async (disk, progress) => {
        disk.powerFailure(() => names === 'kept');
        await verify(disk, progress);
      });
    },
  );

  it.each(['before', 'after'] as const)(
    'goes on by repeating the call when any operation fails %s it took effect',
    async (when) => {
      const again = async <T>(task: () => Promise<T>) => {
        try {
          return await task();
        } catch {
          return task();
        }
      };
      await sweepOperations({ kind: 'error', code: 'EIO', when }, again, async (disk, progress, error) => {
        expect(error).toBeUndefined();
        expect(progress).toEqual({ acknowledged: STEPS, attempted: STEPS, queued: 1 });
        await verify(disk, progress);
      });
    },
  );

  it('says so when the disk is full from any operation on, and loses nothing', async () => {
    let refused = 0;
    await sweepOperations({ kind: 'full' }, once, async (disk, progress, error) => {
      if (error !== undefined) {
        refused++;
        expect(error).toBeInstanceOf(ResourceError);
        expect((error as Error).message).toMatch(/the disk is full.*1 MB free/);
      }
      await verify(disk, progress);
    });
    expect(refused).toBeGreaterThan(100);
  });
});

function rootCause(error: unknown): unknown {
  return error instanceof Error && error.cause !== undefined ? rootCause(error.cause) : error;
}
