import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { deleteDB, openDB } from 'idb';
import { type Json } from '../../../src/core/json.ts';
import {
  StoreCorruptionError,
  type BlobReference,
  type StoreWriter,
  type WorkerPool,
} from '../../../src/host/contract.ts';
import { InputError } from '../../../src/core/errors.ts';
import { IndexedDbStore, type IndexedDbStoreOptions } from '../../../src/host/browser/store.ts';
import { openWorkerPool } from '../../../src/host/browser/workers.ts';
import { dumpDatabase, restoreDatabase, type DatabaseDump } from './database-dump.ts';
import fixture from './store-schema-1.json' with { type: 'json' };
import { describeStore } from '../store-contract.ts';
import type { StoreTask } from './store-worker.ts';

const schema1 = fixture as unknown as DatabaseDump;

let name: string;
let problems: string[];
let stores: IndexedDbStore[];
let pools: WorkerPool[];
beforeEach(() => {
  name = `test-${crypto.randomUUID()}`;
  problems = [];
  stores = [];
  pools = [];
});
afterEach(async () => {
  for (const pool of pools) await pool.close();
  for (const store of stores) await store.close();
  await deleteDB(name);
});

async function open(options: Partial<IndexedDbStoreOptions> = {}): Promise<IndexedDbStore> {
  const store = await IndexedDbStore.open({ name, report: (problem) => problems.push(problem), ...options });
  stores.push(store);
  return store;
}

/** A worker with a store of its own, as another tab would have. */
function otherTab(): (task: StoreTask) => Promise<unknown> {
  const pool = openWorkerPool(
    () => new Worker(new URL('store-worker.ts', import.meta.url), { type: 'module' }),
    { size: 1 },
  );
  pools.push(pool);
  return (task) => pool.run(task);
}

const bytes = (text: string) => new TextEncoder().encode(text);
const text = (content: Uint8Array) => new TextDecoder().decode(content);
const value = (content: Json, blobs: readonly BlobReference[] = []) => ({ value: content, blobs });

/** Changes the database behind the store's back. */
async function tamper(
  change: (database: Awaited<ReturnType<typeof openDB>>) => Promise<unknown>,
): Promise<void> {
  const database = await openDB(name);
  await change(database);
  database.close();
}

describeStore(() => () => open());

describe('large blobs', () => {
  const large = new Uint8Array(20 * 1024 * 1024 + 5);
  for (let i = 0; i < large.length; i += 997) large[i] = i % 251;

  /** (A matcher would take minutes for so many.) */
  function expectLarge(read: Uint8Array): void {
    expect(read.length).toBe(large.length);
    expect(read.every((byte, i) => byte === large[i])).toBe(true);
  }

  it('lie in shards of 8 MiB', async () => {
    const store = await open();
    const blob = await store.writeBlob(large);
    expectLarge(await store.readBlob(blob));
    await tamper(async (database) => expect(await database.count('shards')).toBe(3));
    await store.close();
    const other = await open();
    await tamper(async (database) => expect(await database.count('shards')).toBe(3));
    expect(await other.sweep()).toBe(large.length);
    await tamper(async (database) => expect(await database.count('shards')).toBe(0));
  });

  it('that are not whole are not read, and made whole by writing them again', async () => {
    const store = await open();
    const blob = await store.writeBlob(large);
    const writer = await store.openWriter('training');
    await writer.commit({ put: { a: value(1, [blob]) } });
    await tamper((database) => database.delete('shards', [blob.sha256, 1]));
    await expect(store.readBlob(blob)).rejects.toThrow(`blob ${blob.sha256} is missing`);
    await store.writeBlob(large);
    expectLarge(await store.readBlob(blob));
  });
});

describe('bit rot', () => {
  async function committed(): Promise<{ store: IndexedDbStore; blob: BlobReference }> {
    const store = await open();
    const blob = await store.writeBlob(Uint8Array.from({ length: 200 }, (_, i) => i));
    const writer = await store.openWriter('training');
    await writer.commit({ put: { a: value({ step: 7 }, [blob]) } });
    return { store, blob };
  }

  async function flipBlob(blob: BlobReference, position: number): Promise<void> {
    await tamper(async (database) => {
      const shard = (await database.get('shards', [blob.sha256, 0])) as Uint8Array;
      shard[position] = shard[position]! ^ (1 << (position % 8));
      await database.put('shards', shard, [blob.sha256, 0]);
    });
  }

  it('in any byte of a blob is found when it is read, and named', async () => {
    const { store, blob } = await committed();
    for (let position = 0; position < 200; position += 3) {
      await flipBlob(blob, position);
      await expect(store.readBlob(blob)).rejects.toThrow(`blob ${blob.sha256} is damaged`);
      await flipBlob(blob, position);
    }
    expect((await store.readBlob(blob))[199]).toBe(199);
    await tamper((database) => database.put('shards', new Uint8Array(0), [blob.sha256, 0]));
    await expect(store.readBlob(blob)).rejects.toThrow(StoreCorruptionError);
    await tamper((database) => database.put('shards', new Uint8Array(201), [blob.sha256, 0]));
    await expect(store.readBlob(blob)).rejects.toThrow(StoreCorruptionError);
    await expect(store.readBlob({ ...blob, bytes: 2 ** 52 })).rejects.toThrow(StoreCorruptionError);
  });

  it('in a blob is healed by writing the same bytes again', async () => {
    const { store, blob } = await committed();
    await store.close();
    await flipBlob(blob, 50);
    const again = await open();
    await again.writeBlob(Uint8Array.from({ length: 200 }, (_, i) => i));
    expect((await again.readBlob(blob))[50]).toBe(50);
  });

  it('in any character of a record gives its copy, and says so', async () => {
    const { blob } = await committed();
    const [good, length] = await readRecord();
    for (let position = 0; position < length; position += 5) {
      const json = good.json.slice(0, position) + '#' + good.json.slice(position + 1);
      await tamper((database) => database.put('records', { ...good, json }, ['training', 'a']));
      problems.length = 0;
      expect(await (await open()).get('training', 'a')).toEqual(value({ step: 7 }, [blob]));
      expect(problems).toEqual(['record training/a is damaged; its copy was read instead']);
    }
    await tamper((database) => database.delete('records', ['training', 'a']));
    expect((await (await open()).get('training', 'a'))?.value).toEqual({ step: 7 });
    await tamper((database) => database.put('copies', { ...good, json: '{}' }, ['training', 'a']));
    await expect((await open()).get('training', 'a')).rejects.toThrow(
      'record training/a is damaged, and so is its copy',
    );
  });

  it('does not take the record of another place for its own', async () => {
    const { store } = await committed();
    const [good] = await readRecord();
    for (const table of ['records', 'copies']) {
      await tamper((database) => database.put(table, good, ['training', 'b']));
    }
    await expect(store.get('training', 'b')).rejects.toThrow(StoreCorruptionError);
  });

  async function readRecord(): Promise<[{ json: string }, number]> {
    let record = { json: '' };
    await tamper(async (database) => {
      record = (await database.get('records', ['training', 'a'])) as { json: string };
    });
    return [record, record.json.length];
  }
});

describe('tabs', () => {
  it('what one wrote stays while it lives, and is swept when it has ended without closing', async () => {
    const run = otherTab();
    const blob = (await run({ action: 'write', name, content: 'orphan' })) as BlobReference;
    const store = await open();
    expect(await store.sweep()).toBe(0);
    expect(text(await store.readBlob(blob))).toBe('orphan');
    await pools[0]!.close();
    await expect
      .poll(async () => {
        await (await open()).close();
        return store.readBlob(blob).then(
          () => 'there',
          () => 'gone',
        );
      })
      .toBe('gone');
  });

  it('that take a namespace from each other: each learns it at its next commit, nothing is lost', async () => {
    const first = otherTab()({ action: 'commit', name, prefix: 'first' });
    const store = await open();
    await expect.poll(async () => (await store.keys('training')).length).toBeGreaterThan(3);
    const second = otherTab()({ action: 'commit', name, prefix: 'second' });
    const lost = (await first) as { commits: number; reason: string };
    expect(lost.reason).toContain('Another tab has taken over "training"');
    await expect.poll(async () => (await store.get('training', 'second-3')) !== undefined).toBe(true);
    const writer = await store.openWriter('training');
    const { commits } = (await second) as { commits: number };
    await writer.commit({ put: { third: value(0) } });
    expect(await store.keys('training')).toHaveLength(lost.commits + commits + 1);
  });
});

describe('versions', () => {
  it('the database of schema 1, as it was first written, is read', async () => {
    // Kept for ever: later versions must read it.
    await restoreDatabase(name, schema1);
    const store = await open();
    const record = await store.get('training', 'latest');
    expect(record?.value).toEqual({ step: 7 });
    expect(text(await store.readBlob(record!.blobs[0]!))).toBe('hello world');
    expect((await store.get('queue', 'reply/1'))?.value).toBe('ja – größer');
    expect((await store.openWriter('training')).epoch).toBe(3);
    // What a session of then had not committed.
    await tamper(async (database) => {
      expect(await database.count('pins')).toBe(0);
      expect(await database.count('blobs')).toBe(1);
    });
    expect(problems).toEqual([]);
  });

  it('this version writes schema 1', async () => {
    // If this fails, the code writes something else: it needs a new schema, a migration and a fixture of its own.
    const store = await open();
    const queue = await store.openWriter('queue');
    await queue.commit({ put: { 'reply/1': value('ja – größer') } });
    await store.openWriter('training');
    const training = await store.openWriter('training');
    const hello = await store.writeBlob(bytes('hello world'));
    await training.commit({ put: { latest: value({ step: 7 }, [hello]) } });
    await store.close();
    await restoreDatabase(`${name}-1`, schema1);
    // Opening sweeps what a session of then had left.
    await (await open({ name: `${name}-1` })).close();
    expect(await dumpDatabase(name)).toEqual(await dumpDatabase(`${name}-1`));
    await deleteDB(`${name}-1`);
  });

  it('one of a newer version is refused', async () => {
    (await openDB(name, 2)).close();
    await expect(open()).rejects.toThrow(InputError);
    await expect(open()).rejects.toThrow(
      /newer version of this page \(this version supports schema 1\)\. Reload/,
    );
  });

  it('a tab of an older version lets go at once when a newer one opens, and says what to do', async () => {
    const store = await open();
    const writer = await store.openWriter('training');
    await writer.commit({ put: { a: value(1) } });
    const started = performance.now();
    const newer = await openDB(name, 2);
    expect(performance.now() - started).toBeLessThan(2000);
    expect(problems).toEqual([
      'a newer version of this page was opened in another tab and has taken over the stored data. Reload this tab.',
    ]);
    await expect(writer.commit({ put: { a: value(2) } })).rejects.toThrow(/Reload this tab/);
    await expect(store.get('training', 'a')).rejects.toThrow(/Reload this tab/);
    await expect(store.writeBlob(bytes('x'))).rejects.toThrow(InputError);
    expect(await newer.count('records')).toBe(1);
    newer.close();
  });

  it('a tab that does not let go is named within two seconds, to everybody who waits; then all goes on', async () => {
    // A tab without our manners.
    const rude = await openRaw(name);
    const deleting = deleteDB(name);
    const started = performance.now();
    const waiting = [open({ timeoutMs: 20_000 }), open({ timeoutMs: 20_000 })];
    await expect.poll(() => problems.length, { timeout: 3000 }).toBe(2);
    expect(performance.now() - started).toBeLessThan(2000);
    expect(problems[0]).toBe(
      'another tab of this page is using the stored data. Close the other tabs of this page, then reload this one.',
    );
    await expect(open({ timeoutMs: 100 })).rejects.toThrow(/another tab of this page is using/);
    rude.close();
    await deleting;
    for (const store of await Promise.all(waiting)) expect(await store.namespaces()).toEqual([]);
  });

  it('a tab whose data is deleted says so', async () => {
    const store = await open();
    await deleteDB(name);
    expect(problems).toEqual(['the stored data is being deleted in another tab. Reload this tab.']);
    await expect(store.namespaces()).rejects.toThrow(InputError);
  });

  it('a closed store refuses everything', async () => {
    const store = await open();
    await store.close();
    await expect(store.namespaces()).rejects.toThrow('the store is closed. Open it again.');
  });
});

function openRaw(database: string): Promise<IDBDatabase> {
  return new Promise((resolve, reject) => {
    const request = indexedDB.open(database);
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error ?? new Error('no database'));
  });
}

/** Every operation of a session fails in turn: SQLite's method (https://www.sqlite.org/testing.html). */
describe('a failure at any operation', () => {
  const OPERATIONS = ['put', 'delete', 'get', 'count', 'getAllKeys', 'openKeyCursor'] as const;
  const STEPS = 3;
  const weights = (step: number) => Uint8Array.from({ length: 30 }, (_, i) => step * 7 + i);

  /** @returns how many operations ran. Runs `at` in place of (or beside) the operation with that number. */
  async function withFault(
    failAt: number,
    fault: (transaction: IDBTransaction) => void,
    task: () => Promise<void>,
  ): Promise<number> {
    let operations = 0;
    const originals = new Map<object, Map<string, unknown>>();
    for (const prototype of [IDBObjectStore.prototype, IDBIndex.prototype]) {
      const kept = new Map<string, unknown>();
      originals.set(prototype, kept);
      for (const operation of OPERATIONS) {
        const original = (prototype as never)[operation] as ((...args: unknown[]) => unknown) | undefined;
        if (!original) continue;
        kept.set(operation, original);
        Object.assign(prototype, {
          [operation](this: IDBObjectStore | IDBIndex, ...args: unknown[]): unknown {
            const source = this instanceof IDBIndex ? this.objectStore : this;
            const isOurs = source.transaction.db.name === name;
            if (isOurs && ++operations === failAt) fault(source.transaction);
            return original.apply(this, args);
          },
        });
      }
    }
    try {
      await task();
    } finally {
      for (const [prototype, kept] of originals) Object.assign(prototype, Object.fromEntries(kept));
    }
    return operations;
  }

  interface Progress {
    acknowledged: number;
    attempted: number;
  }

  async function session(progress: Progress): Promise<void> {
    const store = await open();
    const training = await store.openWriter('training');
    for (let step = 1; step <= STEPS; step++) {
      const blobs = [await store.writeBlob(bytes('frozen')), await store.writeBlob(weights(step))];
      progress.attempted = step;
      await training.commit({
        put: { [`checkpoint-${step}`]: value({ step }, blobs), latest: value(step) },
        delete: [`checkpoint-${step - 2}`],
      });
      progress.acknowledged = step;
      await store.sweep();
    }
    await store.close();
  }

  async function verify({ acknowledged, attempted }: Progress): Promise<void> {
    for (const store of stores.splice(0)) await store.close();
    const store = await open();
    const latest = ((await store.get('training', 'latest'))?.value ?? 0) as number;
    expect([acknowledged, attempted]).toContain(latest);
    const kept = [latest - 1, latest].filter((step) => step > 0);
    expect(await store.keys('training')).toEqual([
      ...kept.map((step) => `checkpoint-${step}`),
      ...(latest > 0 ? ['latest'] : []),
    ]);
    for (const step of kept) {
      const record = await store.get('training', `checkpoint-${step}`);
      expect(text(await store.readBlob(record!.blobs[0]!))).toBe('frozen');
      expect(await store.readBlob(record!.blobs[1]!)).toEqual(weights(step));
    }
    const writer: StoreWriter = await store.openWriter('training');
    await writer.commit({ delete: await store.keys('training') });
    await store.sweep();
    await tamper(async (database) => {
      for (const table of ['records', 'copies', 'blobs', 'shards', 'pins']) {
        expect([table, await database.count(table)]).toEqual([table, 0]);
      }
    });
  }

  it.each<[string, (transaction: IDBTransaction) => void]>([
    [
      'that throws',
      () => {
        throw new DOMException('planted', 'QuotaExceededError');
      },
    ],
    ['whose transaction is undone', (transaction) => transaction.abort()],
    [
      'whose transaction is undone a little later',
      (transaction) => {
        queueMicrotask(() => {
          try {
            transaction.abort();
          } catch {
            // It is done already.
          }
        });
      },
    ],
  ])('%s loses nothing acknowledged, leaves nothing half done and no litter', async (_, fault) => {
    const total = await withFault(0, fault, () => session({ acknowledged: 0, attempted: 0 }));
    await verify({ acknowledged: STEPS, attempted: STEPS });
    expect(total).toBeGreaterThan(50);
    let failures = 0;
    for (let failAt = 1; failAt <= total; failAt++) {
      const progress = { acknowledged: 0, attempted: 0 };
      await withFault(failAt, fault, () =>
        session(progress).catch(() => {
          failures++;
        }),
      );
      await verify(progress);
    }
    // Those of the tidying at the opening are only reported.
    expect(failures).toBeGreaterThan(total / 2);
  });
});
