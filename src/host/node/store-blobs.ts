import { createHash } from 'node:crypto';
import { dirname, join } from 'node:path';
import { StoreCorruptionError, type BlobReference } from '../contract.ts';
import { assertSha256 } from '../store-names.ts';
import type { Disk } from './disk.ts';
import { tryLink, unlessCode } from './file-operations.ts';
import { sessionBlobs, type StoreSession } from './store-session.ts';

/**
 * Immutable bytes under their SHA-256, `blobs/ab/abcd…`. A file there is always whole: it is flushed before it gets
 * its name.
 *
 * A blob is *pinned* by a second name in the session from before it is among the blobs until a commit names it.
 * A sweep gives each blob that seems unused a name in its own session, removes it from the blobs, checks pins and
 * records again, and restores any blob that is in use. So a blob that a writer pins or commits while
 * it is being swept is never lost, wherever either of the two is killed.
 */
export class BlobFolder {
  readonly #disk: Disk;
  readonly #root: string;
  readonly #session: StoreSession;
  /** Folders `blobs/ab` whose own name is durable. */
  readonly #prepared = new Set<string>();
  /** Blobs whose bytes this store has written or checked. */
  readonly #verified = new Set<string>();
  /** Pinned blobs, and by how many writes that no commit has named yet. */
  readonly #pins = new Map<string, number>();
  #queue: Promise<unknown> = Promise.resolve();

  constructor(disk: Disk, root: string, session: StoreSession) {
    this.#disk = disk;
    this.#root = join(root, 'blobs');
    this.#session = session;
  }

  async write(bytes: Uint8Array): Promise<BlobReference> {
    const sha256 = hash(bytes);
    await this.#inTurn(async () => {
      const known = this.#pins.get(sha256) ?? 0;
      if (known === 0 && !(await this.#pinPresent(sha256))) await this.#create(sha256, bytes);
      this.#pins.set(sha256, known + 1);
    });
    return { sha256, bytes: bytes.length };
  }

  async read(reference: BlobReference): Promise<Uint8Array<ArrayBuffer>> {
    const path = this.#path(reference.sha256);
    const bytes = await this.#readAnywhere(reference.sha256);
    if (!bytes) throw new StoreCorruptionError(`${path} is missing from the store`);
    if (bytes.length !== reference.bytes || hash(bytes) !== reference.sha256) {
      this.#verified.delete(reference.sha256);
      throw new StoreCorruptionError(`${path} is damaged: its bytes do not match its hash`);
    }
    return bytes;
  }

  /**
   * Pins blobs that are about to be committed and that this store has not pinned by writing them.
   * @throws StoreCorruptionError if one is missing.
   */
  async hold(references: Iterable<BlobReference>): Promise<void> {
    await this.#inTurn(async () => {
      for (const { sha256, bytes } of references) {
        const path = this.#path(sha256);
        if (!this.#pins.has(sha256)) {
          if (!(await this.#pinPresent(sha256)))
            throw new StoreCorruptionError(`${path} is missing from the store`);
          this.#pins.set(sha256, 1);
        }
        const held = await this.#disk.files.stat(await this.#session.pin(sha256));
        if (held?.bytes !== bytes) throw new StoreCorruptionError(`${path} does not have ${bytes} bytes`);
      }
    });
  }

  /** Lets go of pins that a commit has made needless. */
  async unpin(references: Iterable<BlobReference>): Promise<void> {
    await this.#inTurn(async () => {
      for (const { sha256 } of references) {
        const count = this.#pins.get(sha256);
        if (count === undefined) continue;
        if (count > 1) {
          this.#pins.set(sha256, count - 1);
        } else {
          // First forgotten, then removed: a second name that stays behind does no harm.
          this.#pins.delete(sha256);
          await this.#disk.files.remove(await this.#session.pin(sha256));
        }
      }
    });
  }

  /**
   * Deletes what is neither pinned nor live.
   * @param readLive The blobs that records name now.
   * @returns the bytes freed.
   */
  async sweep(readLive: () => Promise<ReadonlySet<string>>): Promise<number> {
    return this.#inTurn(async () => {
      const { files } = this.#disk;
      await this.#putBackOwn();
      // Pins before records: a commit unpins only after its record is written, so one of the two shows the blob.
      const pinned = await this.#session.allPins();
      const live = await readLive();
      const unneeded = (await this.#list()).filter((sha256) => !pinned.has(sha256) && !live.has(sha256));
      if (unneeded.length === 0) return 0;

      const held = await this.#withdraw(unneeded);
      const needed = new Set([...(await this.#otherPins()), ...(await readLive())]);
      const session = await this.#session.folder();
      const putBack = held.filter((sha256) => needed.has(sha256));
      await this.#putBack(session, putBack);
      let freed = 0;
      for (const sha256 of held) {
        const path = join(session, sha256);
        if (!needed.has(sha256)) freed += (await files.stat(path))?.bytes ?? 0;
        await files.remove(path);
      }
      return freed;
    });
  }

  /** Takes blobs from among the others into this session. @returns those that were still there. */
  async #withdraw(blobs: readonly string[]): Promise<string[]> {
    const { files } = this.#disk;
    const session = await this.#session.folder();
    const held: string[] = [];
    for (const sha256 of blobs) {
      const linked = await tryLink(files, this.#path(sha256), join(session, sha256));
      if (linked === 'linked') held.push(sha256);
    }
    // Before the first name goes: a power failure must not take both.
    await files.syncFolder(session);
    for (const sha256 of held) {
      await files.remove(this.#path(sha256));
      this.#verified.delete(sha256);
    }
    return held;
  }

  /** A blob's bytes, also while a sweep holds it: it always has a name, but may move between two looks. */
  async #readAnywhere(sha256: string): Promise<Uint8Array<ArrayBuffer> | undefined> {
    const { files } = this.#disk;
    for (let look = 0; look < 10; look++) {
      const bytes = await unlessCode('ENOENT', files.read(this.#path(sha256)));
      if (bytes) return bytes;
      const held = await this.#session.find(sha256);
      const heldBytes = held === undefined ? undefined : await unlessCode('ENOENT', files.read(held));
      if (heldBytes) return heldBytes;
    }
    return undefined;
  }

  /** Puts what a dead session held back among the blobs (for the next sweep to judge) and removes the session. */
  async recover(sessionFolder: string): Promise<void> {
    await this.#inTurn(async () => {
      await this.#putBack(sessionFolder, await sessionBlobs(this.#disk, sessionFolder));
      await this.#session.remove(sessionFolder);
    });
  }

  /** Blobs that a sweep of this store held when it failed. */
  async #putBackOwn(): Promise<void> {
    const session = await this.#session.existing();
    if (session === undefined) return;
    const held = (await sessionBlobs(this.#disk, session)).filter((sha256) => !this.#pins.has(sha256));
    await this.#putBack(session, held);
    for (const sha256 of held) await this.#disk.files.remove(join(session, sha256));
  }

  async #putBack(session: string, blobs: readonly string[]): Promise<void> {
    const { files } = this.#disk;
    for (const sha256 of blobs) {
      await this.#prepare(sha256);
      // 'missing': another process recovers the same session.
      await tryLink(files, join(session, sha256), this.#path(sha256));
    }
    for (const folder of new Set(blobs.map((sha256) => dirname(this.#path(sha256))))) {
      await files.syncFolder(folder);
    }
  }

  /** Pins a blob that is there, durable and whole. @returns whether it is. */
  async #pinPresent(sha256: string): Promise<boolean> {
    const { files } = this.#disk;
    const path = this.#path(sha256);
    const pin = await this.#session.pin(sha256);
    let linked = await tryLink(files, path, pin);
    if (linked === 'taken') {
      // Left by an attempt that failed; it need not be the file that is among the blobs.
      await files.remove(pin);
      linked = await tryLink(files, path, pin);
    }
    if (linked !== 'linked') return false;
    if (!this.#verified.has(sha256)) {
      if (hash(await files.read(pin)) !== sha256) return false;
      this.#verified.add(sha256);
    }
    // Its writer may not have made its name durable yet.
    await this.#prepare(sha256);
    await files.syncFolder(dirname(path));
    return true;
  }

  /** Writes a blob that is missing, or damaged and to be replaced. */
  async #create(sha256: string, bytes: Uint8Array): Promise<void> {
    const { files } = this.#disk;
    const path = this.#path(sha256);
    await this.#prepare(sha256);
    const pin = await this.#session.pin(sha256);
    const part = await this.#session.writePart(bytes);
    await files.rename(part, pin);
    try {
      if ((await tryLink(files, pin, path)) === 'taken') {
        const replacement = await this.#session.partName();
        await files.link(pin, replacement);
        await files.rename(replacement, path);
        // Renaming one of two names of the same file onto the other leaves both (rename(2)).
        await files.remove(replacement);
      }
      await files.syncFolder(dirname(path));
    } catch (error) {
      await files.remove(pin).catch(() => undefined);
      throw error;
    }
    this.#verified.add(sha256);
  }

  async #prepare(sha256: string): Promise<void> {
    const folder = dirname(this.#path(sha256));
    if (this.#prepared.has(folder)) return;
    await this.#disk.files.makeFolder(folder);
    await this.#disk.files.syncFolder(this.#root);
    this.#prepared.add(folder);
  }

  /** Pins of other sessions and of this store's own writes, without what this store's sweep holds. */
  async #otherPins(): Promise<Set<string>> {
    const pins = await this.#session.allPins(await this.#session.existing());
    for (const sha256 of this.#pins.keys()) pins.add(sha256);
    return pins;
  }

  async #list(): Promise<string[]> {
    const { files } = this.#disk;
    const found: string[] = [];
    for (const prefix of await files.list(this.#root)) {
      for (const name of await files.list(join(this.#root, prefix))) {
        if (name.startsWith(prefix) && /^[0-9a-f]{64}$/.test(name)) found.push(name);
      }
    }
    return found;
  }

  #path(sha256: string): string {
    // References come from records, which may be damaged or from elsewhere.
    assertSha256(sha256);
    return join(this.#root, sha256.slice(0, 2), sha256);
  }

  /** One change of the blobs at a time in this process; pins keep other processes away. */
  #inTurn<T>(task: () => Promise<T>): Promise<T> {
    const turn = this.#queue.then(task, task);
    this.#queue = turn.catch(() => undefined);
    return turn;
  }
}

function hash(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}
