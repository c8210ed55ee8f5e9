/**
 * A store in a folder:
 *
 *     store.json            what this is, and the schema's version
 *     blobs/ab/abcd…        bytes under their SHA-256 (store-blobs.ts)
 *     records/NAMESPACE/…   records, one file per commit (store-namespace.ts)
 *     sessions/OWNER/…      what open stores are about to write or delete (store-session.ts)
 *
 * Several processes may use it at once. Each acknowledged commit survives a kill and a power failure at any moment;
 * what a killed process left is cleaned up when the store is next opened.
 */
import { join, resolve } from 'node:path';
import type { BlobReference, Store, StoreChanges, StoreRecord, StoreWriter } from '../contract.ts';
import { StoreCorruptionError } from '../contract.ts';
import { InputError, messageOf } from '../../core/errors.ts';
import { assertKey, assertNamespace } from '../store-names.ts';
import { assertJson } from '../store-values.ts';
import { writeFileAtomic } from './atomic-file.ts';
import { explainDiskErrors } from './disk-errors.ts';
import { nodeDisk, type Disk } from './disk.ts';
import { unlessCode } from './file-operations.ts';
import { BlobFolder } from './store-blobs.ts';
import { NamespaceFolder, STATES_KEPT, type NamespaceState } from './store-namespace.ts';
import { StoreSession } from './store-session.ts';

/** The newest layout that this version can read. It writes no other. */
const SCHEMA = 1;

export interface FolderStoreOptions {
  /** Told of damage that the store worked around, in one line. Default: a warning of the process. */
  readonly report?: (problem: string) => void;
  readonly disk?: Disk;
}

export class FolderStore implements Store {
  readonly folder: string;
  readonly #disk: Disk;
  readonly #report: (problem: string) => void;
  readonly #session: StoreSession;
  readonly #blobs: BlobFolder;
  readonly #namespaces = new Map<string, NamespaceFolder>();

  private constructor(folder: string, disk: Disk, report: (problem: string) => void) {
    this.folder = folder;
    this.#disk = disk;
    const reported = new Set<string>();
    this.#report = (problem) => {
      if (reported.has(problem)) return;
      reported.add(problem);
      report(problem);
    };
    this.#session = new StoreSession(disk, folder);
    this.#blobs = new BlobFolder(disk, folder, this.#session);
  }

  /**
   * Opens the store in a folder, or makes one where nothing is, and sweeps what killed processes left.
   * @throws InputError if the folder is something else, or of a newer version. @throws ResourceError
   */
  static async open(folder: string, options: FolderStoreOptions = {}): Promise<FolderStore> {
    const { disk = nodeDisk, report = (problem: string) => process.emitWarning(problem, 'StoreWarning') } =
      options;
    const root = resolve(folder);
    await explainDiskErrors(disk.files, { path: folder, bytes: undefined }, async () => {
      if (!(await hasStore(disk, root))) await createStore(disk, root);
    });
    const store = new FolderStore(root, disk, report);
    try {
      await store.#recoverDeadSessions();
    } catch (error) {
      // A store that cannot be tidied (read-only, a full disk) can still be read.
      store.#report(`${root}: leftovers of a killed process could not be cleaned up: ${messageOf(error)}`);
    }
    return store;
  }

  async writeBlob(bytes: Uint8Array): Promise<BlobReference> {
    return this.#explained(bytes.length, () => this.#blobs.write(bytes));
  }

  async readBlob(reference: BlobReference): Promise<Uint8Array<ArrayBuffer>> {
    return this.#blobs.read(reference);
  }

  async get(namespace: string, key: string): Promise<StoreRecord | undefined> {
    return (await this.#namespace(namespace).read()).records.get(key);
  }

  async keys(namespace: string): Promise<readonly string[]> {
    return [...(await this.#namespace(namespace).read()).records.keys()].sort();
  }

  async namespaces(): Promise<readonly string[]> {
    const found: string[] = [];
    for (const name of await this.#namespaceFolders()) {
      if ((await this.#namespace(name).read()).records.size > 0) found.push(name);
    }
    return found;
  }

  async openWriter(namespace: string): Promise<StoreWriter> {
    const folder = this.#namespace(namespace);
    const { epoch, state, states, hasCopy } = await this.#explained(undefined, () => folder.takeOver());
    return new FolderWriter(
      namespace,
      epoch,
      { state, states, hasCopy },
      folder,
      this.#blobs,
      (bytes, task) => this.#explained(bytes, task),
    );
  }

  async sweep(): Promise<number> {
    try {
      return await this.#explained(undefined, () => this.#blobs.sweep(() => this.#liveBlobs()));
    } catch (error) {
      if (!(error instanceof StoreCorruptionError)) throw error;
      this.#report(`${error.message}; unused blobs are kept because it may refer to some of them`);
      return 0;
    }
  }

  async close(): Promise<void> {
    const session = await this.#session.existing();
    if (session !== undefined) await this.#blobs.recover(session);
  }

  async #recoverDeadSessions(): Promise<void> {
    const dead = await this.#session.deadSessions();
    for (const session of dead) await this.#blobs.recover(session);
    if (dead.length > 0) await this.sweep();
  }

  async #liveBlobs(): Promise<Set<string>> {
    const live = new Set<string>();
    for (const name of await this.#namespaceFolders()) {
      for (const sha256 of await this.#namespace(name).blobsOfAllStates()) live.add(sha256);
    }
    return live;
  }

  async #namespaceFolders(): Promise<string[]> {
    return (await this.#disk.files.list(join(this.folder, 'records'))).sort();
  }

  #namespace(name: string): NamespaceFolder {
    assertNamespace(name);
    let folder = this.#namespaces.get(name);
    if (!folder) {
      folder = new NamespaceFolder(this.#disk, this.folder, this.#session, name, this.#report);
      this.#namespaces.set(name, folder);
    }
    return folder;
  }

  #explained<T>(bytes: number | undefined, task: () => Promise<T>): Promise<T> {
    return explainDiskErrors(this.#disk.files, { path: this.folder, bytes }, task);
  }
}

class FolderWriter implements StoreWriter {
  readonly namespace: string;
  readonly epoch: number;
  readonly #folder: NamespaceFolder;
  readonly #blobs: BlobFolder;
  readonly #explained: <T>(bytes: number | undefined, task: () => Promise<T>) => Promise<T>;
  #state: NamespaceState;
  /** The last file that this writer knows to be there: its fence or its last commit. */
  #newest: number;
  /** The states on the disk, oldest first. */
  readonly #states: number[];
  /** Whether there are two whole states on the disk that may both be needed. */
  #hasCopy: boolean;
  #queue: Promise<unknown> = Promise.resolve();

  constructor(
    namespace: string,
    epoch: number,
    taken: {
      readonly state: NamespaceState;
      readonly states: readonly number[];
      readonly hasCopy: boolean;
    },
    folder: NamespaceFolder,
    blobs: BlobFolder,
    explained: <T>(bytes: number | undefined, task: () => Promise<T>) => Promise<T>,
  ) {
    this.namespace = namespace;
    this.epoch = epoch;
    this.#state = taken.state;
    this.#newest = epoch;
    this.#states = [...taken.states];
    this.#hasCopy = taken.hasCopy;
    this.#folder = folder;
    this.#blobs = blobs;
    this.#explained = explained;
  }

  async commit(changes: StoreChanges): Promise<void> {
    const puts = Object.entries(changes.put ?? {});
    for (const [key, { value }] of puts) {
      assertKey(key);
      assertJson(value, `${this.namespace}/${key}`);
    }
    const turn = this.#queue.then(() => this.#explained(undefined, () => this.#commit(changes, puts)));
    this.#queue = turn.catch(() => undefined);
    await turn;
  }

  async #commit(changes: StoreChanges, puts: readonly (readonly [string, StoreRecord])[]): Promise<void> {
    const named = puts.flatMap(([, { blobs }]) => blobs);
    const kept = new Set(
      [...this.#state.records.values()].flatMap((record) => record.blobs.map((b) => b.sha256)),
    );
    await this.#blobs.hold(named.filter(({ sha256 }) => !kept.has(sha256)));

    for (;;) {
      const records = new Map(this.#state.records);
      for (const key of changes.delete ?? []) records.delete(key);
      for (const [key, { value, blobs }] of puts) {
        // Copies, so that later changes by the caller are not part of the commit.
        records.set(key, {
          value: structuredClone(value),
          blobs: blobs.map(({ sha256, bytes }) => ({ sha256, bytes })),
        });
      }
      const next = { generation: this.#newest + 1, epoch: this.epoch, records };
      const standing = await this.#folder.publish(next);
      this.#state = standing;
      this.#newest = standing.generation;
      this.#states.push(standing.generation);
      if (standing === next) break;
      // An earlier commit that failed after its file was in place: it counts, and this one comes after it.
    }
    if (changes.forgetEarlier === true) this.#hasCopy = false;
    await this.#tidy(named);
  }

  /** Publishes the current state again, so that damaged earlier ones are no longer needed. */
  async #copy(): Promise<void> {
    this.#state = await this.#folder.publish({ ...this.#state, generation: this.#newest + 1 });
    this.#newest = this.#state.generation;
    this.#states.push(this.#newest);
    this.#hasCopy = true;
  }

  /** The commit is complete; a failure here only leaves cleanup for later. */
  async #tidy(named: readonly BlobReference[]): Promise<void> {
    try {
      await this.#blobs.unpin(named);
      if (!this.#hasCopy) await this.#copy();
      for (
        let oldest = this.#states[0];
        oldest !== undefined && this.#states.length > STATES_KEPT;
        oldest = this.#states[0]
      ) {
        await this.#folder.removeState(oldest);
        this.#states.shift();
      }
    } catch {
      // Pins end with the session; states are removed by the next commit.
    }
  }
}

/** @throws InputError if the folder is not a store. */
async function hasStore(disk: Disk, root: string): Promise<boolean> {
  const file = join(root, 'store.json');
  const bytes = await unlessCode('ENOENT', disk.files.read(file));
  if (!bytes) return false;
  let schema: unknown;
  try {
    const parsed: unknown = JSON.parse(new TextDecoder().decode(bytes));
    schema = typeof parsed === 'object' && parsed !== null && 'schema' in parsed ? parsed.schema : undefined;
  } catch {
    schema = undefined;
  }
  if (schema === SCHEMA) return true;
  if (typeof schema === 'number' && schema > SCHEMA) {
    throw new InputError(
      `the store was written by a newer version (schema ${schema}; this version supports ${SCHEMA})`,
      {
        remedy: 'Update Retriever Studio, or choose another folder',
        file,
      },
    );
  }
  throw new InputError('the file is damaged: it has no schema version', {
    remedy: `Choose another folder; or, if this folder is a store, replace the content of this file with ${STORE_FILE.trim()}`,
    file,
  });
}

const STORE_FILE = `${JSON.stringify({ madeBy: 'retriever-studio', schema: SCHEMA })}\n`;

async function createStore(disk: Disk, root: string): Promise<void> {
  const foreign = (await disk.files.list(root)).find((name) => !name.startsWith('.store.json.'));
  // Another process may have made the store since we looked for it.
  if (foreign !== undefined && !(await hasStore(disk, root))) {
    throw new InputError(`the folder is not a store and is not empty (${foreign})`, {
      remedy: 'Choose an empty or new folder for the store',
      file: root,
    });
  }
  await writeFileAtomic(join(root, 'store.json'), STORE_FILE, disk);
}
