/**
 * A store in the browser's IndexedDB (schema: store-database.ts).
 *
 * Any number of tabs and workers may use it at once. Each commit is one transaction, flushed to the disk before it is
 * acknowledged; what a tab that was closed or killed had not committed is cleaned up when the store is next opened.
 */
import type { BlobReference, Store, StoreChanges, StoreRecord, StoreWriter } from '../contract.ts';
import { StoreCorruptionError, StoreFencedError } from '../contract.ts';
import { messageOf } from '../../core/errors.ts';
import { assertKey, assertNamespace } from '../store-names.ts';
import { assertJson } from '../store-values.ts';
import { sha256 } from '../../core/sha256.ts';
import { explainStorageErrors } from './storage-space.ts';
import { assertHash, BlobTable } from './store-blobs.ts';
import { StoreDatabase, together, type StoredRecord, type StoreTransaction } from './store-database.ts';
import { StoreSession } from './store-session.ts';

export interface IndexedDbStoreOptions {
  /** Default `retriever-studio`. */
  readonly name?: string;
  /**
   * Told in one line what the user should know: another tab is in the way, a newer version has taken over, the
   * browser has closed the database, a damaged record was read from its copy.
   */
  readonly report: (problem: string) => void;
  /** How long another tab may hold up the opening. Default 10,000. */
  readonly timeoutMs?: number;
}

export class IndexedDbStore implements Store {
  readonly #database: StoreDatabase;
  readonly #session: StoreSession;
  readonly #blobs: BlobTable;
  readonly #report: (problem: string) => void;

  private constructor(database: StoreDatabase, name: string, report: (problem: string) => void) {
    this.#database = database;
    this.#session = new StoreSession(name);
    this.#blobs = new BlobTable(database, this.#session);
    this.#report = report;
  }

  /**
   * Opens the store of this site, or makes it, and sweeps what closed and killed tabs left.
   * @throws InputError if it is of a newer version, held by a tab of an older one, or the browser cannot read it.
   */
  static async open(options: IndexedDbStoreOptions): Promise<IndexedDbStore> {
    const { name = 'retriever-studio', timeoutMs = 10_000 } = options;
    const reported = new Set<string>();
    const report = (problem: string): void => {
      if (reported.has(problem)) return;
      reported.add(problem);
      options.report(problem);
    };
    const database = await explainStorageErrors(undefined, () =>
      StoreDatabase.open({ name, report, timeoutMs }),
    );
    const store = new IndexedDbStore(database, name, report);
    try {
      await store.#blobs.recover();
    } catch (error) {
      // A store that cannot be tidied (a used-up quota) can still be read.
      report(`Leftovers of a closed tab could not be cleaned up: ${messageOf(error)}`);
    }
    return store;
  }

  async writeBlob(bytes: Uint8Array): Promise<BlobReference> {
    return explainStorageErrors(bytes.length, () => this.#blobs.write(bytes));
  }

  async readBlob(reference: BlobReference): Promise<Uint8Array<ArrayBuffer>> {
    return this.#blobs.read(reference);
  }

  async get(namespace: string, key: string): Promise<StoreRecord | undefined> {
    assertNamespace(namespace);
    const [record, copy] = await this.#read(['records', 'copies'], (transaction) =>
      together(
        (['records', 'copies'] as const).map(
          (table) => () => transaction.objectStore(table).get([namespace, key]),
        ),
      ),
    );
    if (!record && !copy) return undefined;
    const whole = await decodeRecord(namespace, key, record);
    if (whole) return whole;
    const saved = await decodeRecord(namespace, key, copy);
    if (!saved) throw new StoreCorruptionError(`record ${namespace}/${key} is damaged, and so is its copy`);
    this.#report(`record ${namespace}/${key} is damaged; its copy was read instead`);
    return saved;
  }

  async keys(namespace: string): Promise<readonly string[]> {
    assertNamespace(namespace);
    const keys = await this.#read(['records'], (transaction) =>
      transaction.objectStore('records').getAllKeys(IDBKeyRange.bound([namespace], [namespace, []])),
    );
    return keys.map(([, key]) => key);
  }

  async namespaces(): Promise<readonly string[]> {
    return this.#read(['records'], async (transaction) => {
      const found: string[] = [];
      const records = transaction.objectStore('records');
      let first = await records.getKey(IDBKeyRange.lowerBound([]));
      while (first !== undefined) {
        const [namespace] = first;
        found.push(namespace);
        // The first key of the next one: an array is greater than any text.
        first = await records.getKey(IDBKeyRange.lowerBound([namespace, []]));
      }
      return found;
    });
  }

  async openWriter(namespace: string): Promise<StoreWriter> {
    assertNamespace(namespace);
    const epoch = await explainStorageErrors(undefined, () =>
      this.#database.transact(['epochs'], 'readwrite', async (transaction) => {
        const epochs = transaction.objectStore('epochs');
        const next = ((await epochs.get(namespace)) ?? 0) + 1;
        await epochs.put(next, namespace);
        return next;
      }),
    );
    return new IndexedDbWriter(namespace, epoch, this.#database, this.#blobs);
  }

  async sweep(): Promise<number> {
    return explainStorageErrors(undefined, () => this.#blobs.sweep());
  }

  async close(): Promise<void> {
    try {
      await this.#blobs.unpinAll();
    } catch {
      // Pins end with the session at the latest.
    }
    this.#session.end();
    this.#database.close();
  }

  #read<const Tables extends readonly ('records' | 'copies')[], T>(
    tables: Tables,
    work: (transaction: StoreTransaction<Tables, 'readonly'>) => Promise<T>,
  ): Promise<T> {
    return explainStorageErrors(undefined, () => this.#database.transact(tables, 'readonly', work));
  }
}

class IndexedDbWriter implements StoreWriter {
  readonly namespace: string;
  readonly epoch: number;
  readonly #database: StoreDatabase;
  readonly #blobs: BlobTable;
  #queue: Promise<unknown> = Promise.resolve();

  constructor(namespace: string, epoch: number, database: StoreDatabase, blobs: BlobTable) {
    this.namespace = namespace;
    this.epoch = epoch;
    this.#database = database;
    this.#blobs = blobs;
  }

  async commit(changes: StoreChanges): Promise<void> {
    const puts = Object.entries(changes.put ?? {}).map(([key, { value, blobs }]) => {
      assertKey(key);
      assertJson(value, `${this.namespace}/${key}`);
      for (const { sha256 } of blobs) assertHash(sha256);
      const references = blobs.map(({ sha256, bytes }) => ({ sha256, bytes }));
      return {
        key,
        references,
        json: JSON.stringify({ namespace: this.namespace, key, value, blobs: references }),
      };
    });
    const deletes = [...(changes.delete ?? [])];
    const references = puts.flatMap((put) => put.references);
    const bytes = puts.reduce((sum, { json }) => sum + json.length, 0);
    const turn = this.#queue.then(async () => {
      // Hashes first: a transaction would not wait for them.
      const records = await Promise.all(
        puts.map(async ({ key, json, references }) => {
          const blobs = [...new Set(references.map(({ sha256 }) => sha256))];
          return { key, record: { json, sha256: await sha256(json), blobs } };
        }),
      );
      await explainStorageErrors(bytes, () => this.#commit(records, deletes, references));
    });
    this.#queue = turn.catch(() => undefined);
    await turn;
  }

  async #commit(
    puts: readonly { readonly key: string; readonly record: StoredRecord }[],
    deletes: readonly string[],
    references: readonly BlobReference[],
  ): Promise<void> {
    const unpinning = this.#blobs.unpinning(references);
    await this.#database.transact(
      ['epochs', 'records', 'copies', 'blobs', 'pins'],
      'readwrite',
      async (transaction) => {
        const epoch = await transaction.objectStore('epochs').get(this.namespace);
        if (epoch !== this.epoch) {
          throw new StoreFencedError(
            `Another tab has taken over "${this.namespace}"; this one may not write to it`,
          );
        }
        const stored = await together(
          references.map(
            ({ sha256 }) =>
              () =>
                transaction.objectStore('blobs').get(sha256),
          ),
        );
        for (const [i, { sha256, bytes }] of references.entries()) {
          const blob = stored[i];
          if (!blob?.complete) throw new StoreCorruptionError(`blob ${sha256} is missing from the store`);
          if (blob.bytes !== bytes)
            throw new StoreCorruptionError(`blob ${sha256} does not have ${bytes} bytes`);
        }
        const tables = [transaction.objectStore('records'), transaction.objectStore('copies')] as const;
        const requests: (() => Promise<unknown>)[] = [];
        for (const table of tables) {
          for (const key of deletes) requests.push(() => table.delete([this.namespace, key]));
          for (const { key, record } of puts) requests.push(() => table.put(record, [this.namespace, key]));
        }
        for (const key of unpinning.keys) requests.push(() => transaction.objectStore('pins').delete(key));
        await together(requests);
      },
    );
    unpinning.done();
  }
}

/** Undefined unless it is what a commit made for this place. */
async function decodeRecord(
  namespace: string,
  key: string,
  stored: StoredRecord | undefined,
): Promise<StoreRecord | undefined> {
  if (!stored) return undefined;
  if ((await sha256(stored.json)) !== stored.sha256) return undefined;
  // The hash holds, so this is what we wrote, in full.
  const parsed = JSON.parse(stored.json) as StoreRecord & {
    readonly namespace: string;
    readonly key: string;
  };
  if (parsed.namespace !== namespace || parsed.key !== key) return undefined;
  return { value: parsed.value, blobs: parsed.blobs };
}
