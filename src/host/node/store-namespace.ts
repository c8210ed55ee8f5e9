import { createHash } from 'node:crypto';
import { join } from 'node:path';
import { StoreCorruptionError, StoreFencedError, type StoreRecord } from '../contract.ts';
import type { Disk } from './disk.ts';
import { linkIfFree, unlessCode } from './file-operations.ts';
import type { StoreSession } from './store-session.ts';

/** All records of a namespace as one commit left them. */
export interface NamespaceState {
  /** The commit's number; 0 before the first. */
  readonly generation: number;
  /** The epoch of the writer that made it. */
  readonly epoch: number;
  readonly records: ReadonlyMap<string, StoreRecord>;
}

/**
 * The records of one namespace: a row of numbered files `records/NAMESPACE/000000000012.json`, each the whole state
 * after one commit, the highest number being the present. Files are flushed under another name and then linked to
 * the next free number, which of several processes exactly one can do: no lock, so none to be left behind.
 *
 * A new writer takes the next number for a *fence*, a file without records, whose number is the writer's epoch. The
 * writer before it, whose next number is thereby taken, can no longer commit. Of the states the last two are kept, so
 * that a damaged one costs one commit; older ones are removed, oldest first. A commit without a whole state before it
 * is made twice, so that there always are two.
 *
 * A number must not be used twice, however long a process sleeps between looking and linking. So fences stay
 * forever, and the first state after a fence leaves a *tombstone* when it is removed (60 bytes each). A writer's own
 * next number is then free, a fence or a tombstone. One that takes over, having seen M as the newest, links M + 1 and
 * then finds M as it was; were M + 1 a number whose state is gone, M would be gone before it or be a tombstone.
 */
export class NamespaceFolder {
  readonly #disk: Disk;
  readonly #session: StoreSession;
  readonly #name: string;
  readonly #folder: string;
  readonly #report: (problem: string) => void;
  /** The newest state, valid while the newest file has this number. */
  #cache: { readonly newestFile: number; readonly state: NamespaceState } | undefined;

  /**
   * @param root The store's folder.
   * @param report Told when a damaged file makes the state an older one.
   */
  constructor(
    disk: Disk,
    root: string,
    session: StoreSession,
    name: string,
    report: (problem: string) => void,
  ) {
    this.#disk = disk;
    this.#session = session;
    this.#name = name;
    this.#folder = join(root, 'records', name);
    this.#report = report;
  }

  /**
   * The present state: of the newest file that is whole.
   * @throws StoreCorruptionError if there are files and none is whole.
   */
  async read(): Promise<NamespaceState> {
    return this.#untilStill(async (generations) => {
      const newestFile = generations.at(-1) ?? 0;
      if (this.#cache?.newestFile === newestFile) return this.#cache.state;
      const damaged: string[] = [];
      for (const generation of generations.toReversed()) {
        const content = await this.#load(generation);
        if (content === 'missing') return 'moved';
        if (content === 'tombstone' && damaged.length < STATES_KEPT) return 'moved';
        if (content === 'fence' || content === 'tombstone') continue;
        if (content === 'damaged') {
          damaged.push(this.#path(generation));
          continue;
        }
        if (damaged.length > 0) {
          this.#report(
            `${damaged.join(' and ')} damaged; continuing from the previous commit (number ${generation} of ${this.#name})`,
          );
        }
        this.#cache = { newestFile, state: content };
        return content;
      }
      if (damaged.length > 0) {
        throw new StoreCorruptionError(
          `${damaged.join(' and ')} damaged, and no earlier commit is left. Remove ${this.#folder}: these records are lost, but everything else in the store is kept`,
        );
      }
      return { generation: 0, epoch: 0, records: new Map() };
    });
  }

  /**
   * The blobs that any kept state names; none where the newest has no records.
   * @throws StoreCorruptionError if a state is damaged, since it may name blobs too.
   */
  async blobsOfAllStates(): Promise<ReadonlySet<string>> {
    return this.#untilStill(async (generations) => {
      const blobs = new Set<string>();
      let states = 0;
      for (const generation of generations.toReversed()) {
        const content = await this.#load(generation);
        if (content === 'missing') return 'moved';
        if (content === 'tombstone' && states < STATES_KEPT) return 'moved';
        if (content === 'fence' || content === 'tombstone') continue;
        if (content === 'damaged') throw new StoreCorruptionError(`${this.#path(generation)} is damaged`);
        // An emptied file is no longer needed, regardless of the state before it.
        if (states === 0 && content.records.size === 0) return blobs;
        states++;
        for (const record of content.records.values()) {
          for (const { sha256 } of record.blobs) blobs.add(sha256);
        }
      }
      return blobs;
    });
  }

  /**
   * Fences all earlier writers off.
   * @returns the new writer's epoch, the present state, the states' numbers, and whether there are two whole ones.
   */
  async takeOver(): Promise<{ epoch: number; state: NamespaceState; states: number[]; hasCopy: boolean }> {
    const { files } = this.#disk;
    await files.makeFolder(this.#folder);
    await files.syncFolder(join(this.#folder, '..'));
    const epoch = await this.#linkFence();
    await files.syncFolder(this.#folder);
    const state = await this.read();
    const states: number[] = [];
    let whole = 0;
    for (const generation of await this.#generations()) {
      if (generation >= epoch) break;
      const bytes = (await files.stat(this.#path(generation)))?.bytes;
      if (bytes === FENCE.length || bytes === TOMBSTONE.length) continue;
      states.push(generation);
      if (typeof (await this.#load(generation)) === 'object') whole++;
    }
    return { epoch, state, states, hasCopy: whole >= STATES_KEPT };
  }

  /**
   * Writes a state under the number of its generation.
   * @returns the state now there: the given one, or an earlier one of the same writer whose outcome was unknown.
   * @throws StoreFencedError if another writer's fence is there.
   */
  async publish(state: NamespaceState): Promise<NamespaceState> {
    const { files } = this.#disk;
    const path = this.#path(state.generation);
    const part = await this.#session.writePart(encodeState(this.#name, state));
    let linked: boolean;
    try {
      linked = await linkIfFree(files, part, path);
    } finally {
      await files.remove(part).catch(() => undefined);
    }
    let standing: NamespaceState | undefined = state;
    if (!linked) {
      const content = await this.#load(state.generation);
      standing = typeof content === 'object' && content.epoch === state.epoch ? content : undefined;
    }
    if (!standing) {
      throw new StoreFencedError(
        `another process has taken over "${this.#name}"; this one may not write to it`,
      );
    }
    await files.syncFolder(this.#folder);
    return standing;
  }

  /** Removes a state that {@link STATES_KEPT} newer ones have replaced. Call it for the oldest first. */
  async removeState(generation: number): Promise<void> {
    const { files } = this.#disk;
    const followsFence = (await files.stat(this.#path(generation - 1)))?.bytes === FENCE.length;
    if (followsFence) await this.#bury(generation);
    else await files.remove(this.#path(generation));
  }

  async #bury(generation: number): Promise<void> {
    await this.#disk.files.rename(await this.#session.writePart([TOMBSTONE]), this.#path(generation));
  }

  /** @returns the number that the fence took. */
  async #linkFence(): Promise<number> {
    const { files } = this.#disk;
    const fence = await this.#session.writePart([FENCE]);
    try {
      for (;;) {
        const newest = (await this.#generations()).at(-1) ?? 0;
        if (!(await linkIfFree(files, fence, this.#path(newest + 1)))) continue;
        if (newest === 0) return 1;
        const status = await files.stat(this.#path(newest));
        if (status && status.bytes !== TOMBSTONE.length) return newest + 1;
        // Newer states exist. The number may have been used before, or our fence may be what keeps a sleeping
        // writer out, so the number stays taken and the next is tried.
        await this.#bury(newest + 1);
      }
    } finally {
      await files.remove(fence).catch(() => undefined);
    }
  }

  async #load(generation: number): Promise<NamespaceState | FileKind> {
    const bytes = await unlessCode('ENOENT', this.#disk.files.read(this.#path(generation)));
    if (!bytes) return 'missing';
    if (equalBytes(bytes, FENCE)) return 'fence';
    if (equalBytes(bytes, TOMBSTONE)) return 'tombstone';
    return decodeState(this.#name, generation, bytes) ?? 'damaged';
  }

  /** Looks again while files are removed (as newer ones replace them) under our eyes. */
  async #untilStill<T extends object>(look: (generations: number[]) => Promise<T | 'moved'>): Promise<T> {
    for (let attempt = 0; attempt < 1000; attempt++) {
      const found = await look(await this.#generations());
      if (found !== 'moved') return found;
    }
    throw new StoreCorruptionError(`${this.#folder} lists files that cannot be opened`);
  }

  /** The numbers taken, ascending. */
  async #generations(): Promise<number[]> {
    return (await this.#disk.files.list(this.#folder))
      .filter((name) => /^\d{12}\.json$/.test(name))
      .map((name) => Number.parseInt(name, 10))
      .sort((a, b) => a - b);
  }

  #path(generation: number): string {
    return join(this.#folder, `${String(generation).padStart(12, '0')}.json`);
  }
}

/** A file without a usable state. */
type FileKind = 'fence' | 'tombstone' | 'damaged' | 'missing';

/** Number of states kept on the disk, including damaged ones. */
export const STATES_KEPT = 2;

// Told apart by their lengths too: a state is longer than either.
const FENCE = new TextEncoder().encode('{"fence":"A writer started here; its epoch is this number."}\n');
const TOMBSTONE = new TextEncoder().encode('{"superseded":"A state that newer ones have replaced."}\n');

function equalBytes(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && a.every((byte, i) => byte === b[i]);
}

const SCHEMA = 1;
const PREFIX = '{"sha256":"';
const MIDDLE = '","content":';
const SUFFIX = '}\n';

/** `{"sha256":"<of content's bytes>","content":{…}}`: JSON for readers, checkable to the byte for us. */
function encodeState(namespace: string, { generation, epoch, records }: NamespaceState): Uint8Array[] {
  const content = new TextEncoder().encode(
    JSON.stringify({ schema: SCHEMA, namespace, generation, epoch, records: [...records] }),
  );
  const head = new TextEncoder().encode(PREFIX + sha256Of(content) + MIDDLE);
  return [head, content, new TextEncoder().encode(SUFFIX)];
}

/** Undefined unless the bytes are exactly what {@link encodeState} made for this place. */
function decodeState(namespace: string, generation: number, bytes: Uint8Array): NamespaceState | undefined {
  const start = PREFIX.length + 64 + MIDDLE.length;
  const content = bytes.subarray(start, Math.max(start, bytes.length - SUFFIX.length));
  const decoder = new TextDecoder();
  const frame =
    decoder.decode(bytes.subarray(0, start)) + decoder.decode(bytes.subarray(start + content.length));
  if (frame !== PREFIX + sha256Of(content) + MIDDLE + SUFFIX) return undefined;
  // The hash holds, so this is what we wrote, in full.
  const parsed = JSON.parse(decoder.decode(content)) as EncodedState;
  if (parsed.namespace !== namespace || parsed.generation !== generation) return undefined;
  return { generation, epoch: parsed.epoch, records: new Map(parsed.records) };
}

interface EncodedState {
  readonly namespace: string;
  readonly generation: number;
  readonly epoch: number;
  readonly records: readonly (readonly [string, StoreRecord])[];
}

function sha256Of(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}
