/** The database under the store: its schema, how it is opened among other tabs, and transactions that never hang. */
import { openDB, type DBSchema, type IDBPDatabase, type IDBPTransaction, type StoreNames } from 'idb';
import { InputError, messageOf } from '../../core/errors.ts';

/**
 * Schema 1. Keys of two parts are arrays, which IndexedDB orders part by part.
 *
 * | object store | key                | value                                                                       |
 * | ------------ | ------------------ | --------------------------------------------------------------------------- |
 * | `records`    | [namespace, key]   | the record as JSON with its hash; index `blobs` finds who names a blob      |
 * | `copies`     | [namespace, key]   | a second copy, in case the first is damaged                                 |
 * | `epochs`     | namespace          | the epoch of its newest writer                                              |
 * | `blobs`      | SHA-256            | length, and whether all shards are there                                    |
 * | `shards`     | [SHA-256, number]  | up to 8 MiB of a blob                                                       |
 * | `pins`       | [session, SHA-256] | a blob that an open store has written and not committed                     |
 */
export interface StoreSchema extends DBSchema {
  records: { key: [string, string]; value: StoredRecord; indexes: { blobs: string } };
  copies: { key: [string, string]; value: StoredRecord };
  epochs: { key: string; value: number };
  blobs: { key: string; value: StoredBlob };
  shards: { key: [string, number]; value: Uint8Array<ArrayBuffer> };
  pins: { key: [string, string]; value: { readonly sha256: string }; indexes: { sha256: string } };
}

export interface StoredRecord {
  /** `{"namespace", "key", "value", "blobs"}`: with its place, so that it cannot be taken for another's. */
  readonly json: string;
  /** Size of the JSON in UTF-8. */
  readonly sha256: string;
  /** The hashes of the blobs, for the index. */
  readonly blobs: readonly string[];
}

export interface StoredBlob {
  readonly bytes: number;
  readonly complete: boolean;
}

type Names = readonly StoreNames<StoreSchema>[];
export type StoreTransaction<Stores extends Names, Mode extends IDBTransactionMode> = IDBPTransaction<
  StoreSchema,
  Stores,
  Mode
>;

export const SCHEMA = 1;
/** After this long without an answer, the user learns that another tab is blocking. */
const PATIENCE_MS = 1500;

export interface DatabaseOptions {
  readonly name: string;
  /** Told in one line what the user should know while the database opens, or when it is taken away. */
  readonly report: (problem: string) => void;
  /** How long other tabs may hold up an upgrade. */
  readonly timeoutMs: number;
}

export class StoreDatabase {
  readonly #database: IDBPDatabase<StoreSchema>;
  /** Why it may be used no more. */
  #ended: InputError | undefined;

  private constructor(database: IDBPDatabase<StoreSchema>, report: (problem: string) => void) {
    this.#database = database;
    const end = (reason: InputError): void => {
      this.#end(reason);
      report(reason.message);
    };
    database.addEventListener('versionchange', ({ newVersion }) =>
      end(newVersion === null ? deleted() : superseded()),
    );
    database.addEventListener('close', () => end(terminated()));
  }

  /** @throws InputError if it is of a newer version, held by another tab, or cannot be read. */
  static async open({ name, report, timeoutMs }: DatabaseOptions): Promise<StoreDatabase> {
    const opening = openDB<StoreSchema>(name, SCHEMA, {
      upgrade: (database, from) => {
        if (from < 1) createSchema1(database);
      },
    });
    try {
      return new StoreDatabase(await inTime(opening, report, timeoutMs), report);
    } catch (error) {
      throw explainOpening(error);
    }
  }

  /**
   * Runs a transaction: all of it or nothing, flushed to the disk when the promise resolves.
   * @param work May await nothing but requests of the transaction, which else commits itself half way. What it throws
   * undoes everything.
   * @throws the transaction's own error (a quota shows nowhere else), or what the work threw.
   */
  async transact<const Stores extends Names, Mode extends 'readonly' | 'readwrite', T>(
    stores: Stores,
    mode: Mode,
    work: (transaction: StoreTransaction<Stores, Mode>) => Promise<T>,
  ): Promise<T> {
    this.#assertOpen();
    const transaction = this.#database.transaction(stores, mode, { durability: 'strict' });
    // Watched here rather than through idb's `done`, which gives up the transaction's error for that of a request.
    transaction.done.catch(() => undefined);
    const ended = new Promise<void>((resolve, reject) => {
      transaction.addEventListener('complete', () => resolve());
      transaction.addEventListener('abort', () => reject(transaction.error ?? new Aborted()));
    });
    const working = (async () => work(transaction))();
    try {
      // An abort may leave a request without any answer.
      const result = await Promise.race([working, ended.then(() => working)]);
      await ended;
      return result;
    } catch (error) {
      try {
        transaction.abort();
      } catch {
        // It has ended by itself.
      }
      const reason: unknown = await ended.then(
        () => error,
        (reason: unknown) => reason,
      );
      working.catch(() => undefined);
      this.#assertOpen();
      throw reason instanceof Aborted ? error : reason;
    }
  }

  close(): void {
    this.#end(new InputError('the store is closed', { remedy: 'Open it again' }));
  }

  #assertOpen(): void {
    if (this.#ended) throw this.#ended;
  }

  #end(reason: InputError): void {
    this.#ended ??= reason;
    // Transactions under way still finish.
    this.#database.close();
  }
}

/**
 * Makes requests side by side and waits for all. One that cannot even be made fails like any other, so that no other
 * one's failure goes unheard.
 */
export function together<T>(requests: readonly (() => Promise<T>)[]): Promise<T[]> {
  return Promise.all(requests.map(async (request) => request()));
}

/** The transaction was undone by us: why, is known elsewhere. */
class Aborted extends Error {}

function createSchema1(database: IDBPDatabase<StoreSchema>): void {
  database.createObjectStore('records').createIndex('blobs', 'blobs', { multiEntry: true });
  database.createObjectStore('copies');
  database.createObjectStore('epochs');
  database.createObjectStore('blobs');
  database.createObjectStore('shards');
  database.createObjectStore('pins').createIndex('sha256', 'sha256');
}

/** A tab that waits behind another waiting tab gets no event at all, so this uses the clock. */
async function inTime(
  opening: Promise<IDBPDatabase<StoreSchema>>,
  report: (problem: string) => void,
  timeoutMs: number,
): Promise<IDBPDatabase<StoreSchema>> {
  const held = new InputError('another tab of this page is using the stored data', {
    remedy: 'Close the other tabs of this page, then reload this one',
  });
  const patience = setTimeout(() => report(held.message), Math.min(PATIENCE_MS, timeoutMs));
  let timer: ReturnType<typeof setTimeout> | undefined;
  try {
    return await Promise.race([
      opening,
      new Promise<never>((_, reject) => {
        timer = setTimeout(() => reject(held), timeoutMs);
      }),
    ]);
  } catch (error) {
    // If it opens after all, it must not hold up the tabs behind it.
    opening.then((database) => database.close()).catch(() => undefined);
    throw error;
  } finally {
    clearTimeout(patience);
    clearTimeout(timer);
  }
}

function explainOpening(error: unknown): unknown {
  if (!(error instanceof DOMException)) return error;
  if (error.name === 'VersionError') {
    return new InputError(
      `the stored data was written by a newer version of this page (this version supports schema ${SCHEMA})`,
      {
        remedy: 'Reload the page; if that does not help, open the newer version',
        cause: error,
      },
    );
  }
  if (error.name === 'QuotaExceededError') return error;
  return new InputError(`the browser cannot open its database (${error.name}: ${messageOf(error)})`, {
    remedy:
      'Free disk space, allow the browser to store data of this page (some private windows do not), and restart the browser; as a last resort, remove the data of this page in its settings',
    cause: error,
  });
}

function superseded(): InputError {
  return new InputError(
    'a newer version of this page was opened in another tab and has taken over the stored data',
    {
      remedy: 'Reload this tab',
    },
  );
}

function deleted(): InputError {
  return new InputError('the stored data is being deleted in another tab', { remedy: 'Reload this tab' });
}

function terminated(): InputError {
  return new InputError('the browser has closed the database: its data was deleted, or the disk failed', {
    remedy: 'Reload this tab',
  });
}
