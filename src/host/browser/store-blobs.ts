import { StoreCorruptionError, type BlobReference } from '../contract.ts';
import { sha256 as sha256Of } from '../../core/sha256.ts';
import { assertSha256 } from '../store-names.ts';
import { together, type StoreDatabase } from './store-database.ts';
import type { StoreSession } from './store-session.ts';

/** One value of the database. A larger blob is written piece by piece, so that no transaction holds it whole. */
const SHARD_BYTES = 8 * 1024 * 1024;

/**
 * Immutable bytes under their SHA-256.
 *
 * A blob is *pinned* by a row that names it and the session, written with its first bytes and deleted by the commit
 * that names it. What neither a record nor the pin of a living session names may be swept. The database runs
 * transactions over the same rows one after the other, in the order in which they were made, so that a sweep never
 * sees half of a change.
 */
export class BlobTable {
  readonly #database: StoreDatabase;
  readonly #session: StoreSession;
  /** Blobs whose bytes this store has written or checked. */
  readonly #verified = new Set<string>();
  /** Blobs that this store has pinned, and by how many writes that no commit has named yet. */
  readonly #pins = new Map<string, number>();

  constructor(database: StoreDatabase, session: StoreSession) {
    this.#database = database;
    this.#session = session;
  }

  /** The bytes must not change before the promise resolves. */
  async write(bytes: Uint8Array): Promise<BlobReference> {
    // Browsers neither hash nor store memory that threads share.
    const content = isUnshared(bytes) ? bytes : new Uint8Array(bytes);
    const reference = { sha256: await sha256Of(content), bytes: content.length };
    const { sha256 } = reference;
    await this.#session.hold();
    // Counted in the turn in which the transaction that pins is made: see `unpinning`.
    this.#pins.set(sha256, (this.#pins.get(sha256) ?? 0) + 1);
    try {
      const present = await this.#pin(sha256, content);
      if (!present) await this.#writeShards(sha256, content, 1);
      else if (!this.#verified.has(sha256) && !(await this.#isWhole(reference))) {
        await this.#writeShards(sha256, content, 0);
      }
    } catch (error) {
      // A partly written blob would get in the way of the next attempt.
      await this.#giveUp(sha256).catch(() => undefined);
      throw error;
    }
    this.#verified.add(sha256);
    return reference;
  }

  async read({ sha256, bytes }: BlobReference): Promise<Uint8Array<ArrayBuffer>> {
    assertHash(sha256);
    try {
      const content = await this.#database.transact(['blobs', 'shards'], 'readonly', async (transaction) => {
        const blob = await transaction.objectStore('blobs').get(sha256);
        if (!blob?.complete) throw missing(sha256);
        if (blob.bytes !== bytes) throw damaged(sha256);
        const content = new Uint8Array(bytes);
        const shards = transaction.objectStore('shards');
        for (let shard = 0, length = 0; length < bytes; shard++) {
          const part = await shards.get([sha256, shard]);
          if (!part) throw missing(sha256);
          if (part.length === 0 || length + part.length > bytes) throw damaged(sha256);
          content.set(part, length);
          length += part.length;
        }
        return content;
      });
      if ((await sha256Of(content)) !== sha256) throw damaged(sha256);
      return content;
    } catch (error) {
      this.#verified.delete(sha256);
      // Browsers keep large values in files of their own, which may be lost.
      throw error instanceof DOMException ? damaged(sha256, error) : error;
    }
  }

  /**
   * Which pins end with a commit that names these blobs. To be asked in the turn in which the commit's transaction is
   * made: a write that begins later also pins later.
   * @returns the pins' keys, and what to call when the commit is complete.
   */
  unpinning(references: readonly BlobReference[]): { keys: readonly [string, string][]; done: () => void } {
    const writes = new Map<string, number>();
    for (const { sha256 } of references) writes.set(sha256, (writes.get(sha256) ?? 0) + 1);
    const ending = [...writes].filter(([sha256, count]) => (this.#pins.get(sha256) ?? 0) <= count);
    return {
      keys: ending.map(([sha256]) => [this.#session.id, sha256]),
      done: () => {
        for (const { sha256 } of references) this.#forgetWrite(sha256);
      },
    };
  }

  /** Deletes what neither a record nor a living session names. @returns the bytes freed. */
  async sweep(): Promise<number> {
    const dead = await this.#deadSessions();
    return this.#database.transact(
      ['records', 'blobs', 'shards', 'pins'],
      'readwrite',
      async (transaction) => {
        const pins = transaction.objectStore('pins');
        const blobs = transaction.objectStore('blobs');
        const shards = transaction.objectStore('shards');
        const naming = transaction.objectStore('records').index('blobs');
        for (const session of dead) await pins.delete(ofFirst(session));
        const pinned = new Set((await pins.getAllKeys()).map(([, sha256]) => sha256));
        const candidates = (await blobs.getAllKeys()).filter((sha256) => !pinned.has(sha256));
        const named = await together(candidates.map((sha256) => () => naming.count(sha256)));
        let freed = 0;
        for (const [i, sha256] of candidates.entries()) {
          if (named[i] !== 0) continue;
          const bytes = (await blobs.get(sha256))?.bytes ?? 0;
          freed += Math.min(bytes, (await shards.count(ofFirst(sha256))) * SHARD_BYTES);
          await together([() => blobs.delete(sha256), () => shards.delete(ofFirst(sha256))]);
          this.#verified.delete(sha256);
        }
        return freed;
      },
    );
  }

  /** Sweeps if a session ended without closing. */
  async recover(): Promise<void> {
    if ((await this.#deadSessions()).size > 0) await this.sweep();
  }

  /** Gives up what was written and not committed; it is left to the next sweep. */
  async unpinAll(): Promise<void> {
    await this.#database.transact(['pins'], 'readwrite', (transaction) =>
      transaction.objectStore('pins').delete(ofFirst(this.#session.id)),
    );
    this.#pins.clear();
  }

  /** Pins a blob and, where it is not there, writes its first shard. @returns whether it is there. */
  #pin(sha256: string, content: Uint8Array<ArrayBuffer>): Promise<boolean> {
    return this.#database.transact(['pins', 'blobs', 'shards'], 'readwrite', async (transaction) => {
      const blobs = transaction.objectStore('blobs');
      await transaction.objectStore('pins').put({ sha256 }, [this.#session.id, sha256]);
      if ((await blobs.get(sha256))?.complete) return true;
      await transaction.objectStore('shards').put(shardOf(content, 0), [sha256, 0]);
      await blobs.put({ bytes: content.length, complete: content.length <= SHARD_BYTES }, sha256);
      return false;
    });
  }

  /** Writes the shards from one on, the last together with the note that all are there. */
  async #writeShards(sha256: string, content: Uint8Array<ArrayBuffer>, first: number): Promise<void> {
    const shardCount = Math.max(1, Math.ceil(content.length / SHARD_BYTES));
    for (let shard = first; shard < shardCount; shard++) {
      await this.#database.transact(['blobs', 'shards'], 'readwrite', async (transaction) => {
        await transaction.objectStore('shards').put(shardOf(content, shard), [sha256, shard]);
        if (shard < shardCount - 1) return;
        await transaction.objectStore('blobs').put({ bytes: content.length, complete: true }, sha256);
      });
    }
  }

  async #isWhole(reference: BlobReference): Promise<boolean> {
    try {
      await this.read(reference);
      return true;
    } catch (error) {
      if (error instanceof StoreCorruptionError) return false;
      throw error;
    }
  }

  /** After a failed write: forgets it, and deletes what is there of the blob unless somebody else is writing it. */
  async #giveUp(sha256: string): Promise<void> {
    this.#forgetWrite(sha256);
    if (this.#pins.has(sha256)) return;
    await this.#database.transact(['pins', 'blobs', 'shards'], 'readwrite', async (transaction) => {
      const pins = transaction.objectStore('pins');
      await pins.delete([this.#session.id, sha256]);
      const blob = await transaction.objectStore('blobs').get(sha256);
      if (blob?.complete !== false || (await pins.index('sha256').count(sha256)) > 0) return;
      await transaction.objectStore('blobs').delete(sha256);
      await transaction.objectStore('shards').delete(ofFirst(sha256));
    });
  }

  /** Sessions that have pins and whose tab or worker is gone. */
  async #deadSessions(): Promise<Set<string>> {
    const keys = await this.#database.transact(['pins'], 'readonly', (transaction) =>
      transaction.objectStore('pins').getAllKeys(),
    );
    const sessions = new Set(keys.map(([session]) => session));
    return sessions.size === 0 ? sessions : this.#session.dead(sessions);
  }

  #forgetWrite(sha256: string): void {
    const left = (this.#pins.get(sha256) ?? 0) - 1;
    if (left > 0) this.#pins.set(sha256, left);
    else this.#pins.delete(sha256);
  }
}

/** References come from records, which may be from elsewhere. */
export function assertHash(sha256: string): void {
  assertSha256(sha256);
}

/** A copy of one shard: a view would be stored with all the memory that it is a view of. */
function shardOf(content: Uint8Array<ArrayBuffer>, shard: number): Uint8Array<ArrayBuffer> {
  return content.slice(shard * SHARD_BYTES, (shard + 1) * SHARD_BYTES);
}

/** All keys of two parts with this first part: an array is greater than any text or number. */
function ofFirst(part: string): IDBKeyRange {
  return IDBKeyRange.bound([part], [part, []]);
}

function isUnshared(bytes: Uint8Array): bytes is Uint8Array<ArrayBuffer> {
  return bytes.buffer instanceof ArrayBuffer;
}

function missing(sha256: string): StoreCorruptionError {
  return new StoreCorruptionError(`blob ${sha256} is missing from the store`);
}

function damaged(sha256: string, cause?: unknown): StoreCorruptionError {
  return new StoreCorruptionError(`blob ${sha256} is damaged: its bytes do not match its hash`, { cause });
}
