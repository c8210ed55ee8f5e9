import { StoreCorruptionError, type Store, type StoreRecord, type StoreWriter } from '../host/contract.ts';
import { InputError, messageOf } from '../core/errors.ts';
import { encodeShard, planShards, TensorAssembly, type ShardPlan } from './checkpoint-format.ts';
import { decodeForces, encodeForces } from './forces/record.ts';
import type { TrainingCheckpoint, TrainingState } from './checkpoint-state.ts';

export interface SaveOptions {
  /** Whether this is the best one so far; it is then kept until a better one comes. */
  readonly best?: boolean;
}

export interface LoadedCheckpoint {
  readonly checkpoint: TrainingCheckpoint;
  /** Newer checkpoints that could not be read, one line each; empty if all is well. */
  readonly problems: readonly string[];
}

export interface CheckpointSummary {
  readonly step: number;
  readonly epoch: number;
  /** Bytes of all its tensors; some may be shared with other checkpoints. */
  readonly bytes: number;
  readonly latest: boolean;
  readonly best: boolean;
}

/** Number of the newest checkpoints that are kept. */
const KEPT = 2;
/**
 * The maximum number of checkpoints with bytes in a store at one time: those of the last commit, the additional ones of
 * the commit before it, and the one that is being written.
 */
export const mostCheckpoints = KEPT + 1 + 2 + 1;
const FORMAT = 1;
const INDEX_KEY = 'checkpoints';

/** Which checkpoints there are. Numbers count savings; a step may be saved twice, after a resume. */
type Index = Readonly<{ latest: readonly number[]; best: number | null; next: number }>;

type Manifest = Readonly<{
  format: number;
  state: TrainingState;
  /** In the order of the record's blobs. */
  shards: readonly ShardPlan[];
  /** Whether one more blob holds push and pull. */
  hasForces?: boolean;
}>;

/**
 * The checkpoints of one training in a namespace of a store: the last two and the best.
 *
 * Saving writes shards, then one commit that adds the manifest, moves the pointers and drops what is no longer kept,
 * then sweeps. Killed anywhere before the commit, the checkpoints are those before; a shard that has not changed is
 * not written again. Reading checks every hash before a weight is used, and goes back to the checkpoint before if
 * one is damaged.
 */
export class CheckpointStore {
  readonly #writer: StoreWriter;
  readonly #store: Store;
  /** Found damaged; dropped by the next save. */
  readonly #damaged = new Set<number>();

  /** @param writer of a namespace with no other content, opened on `store` */
  constructor(writer: StoreWriter, store: Store) {
    this.#writer = writer;
    this.#store = store;
  }

  /**
   * Durable when it resolves.
   * @throws StoreFencedError if another process trains this by now. @throws ResourceError if the disk is full: the
   * checkpoints are those before.
   */
  async save(checkpoint: TrainingCheckpoint, options: SaveOptions = {}): Promise<void> {
    const index = await this.#index();
    const shards = planShards(checkpoint);
    const blobs = [];
    for (const plan of shards) blobs.push(await this.#store.writeBlob(encodeShard(plan, checkpoint)));

    const { state, forces } = checkpoint;
    if (forces !== undefined) blobs.push(await this.#store.writeBlob(encodeForces(forces)));

    const id = index.next;
    const hasForces = forces === undefined ? {} : { hasForces: true };
    const manifest: Manifest = { format: FORMAT, state, shards, ...hasForces };
    const usable = index.latest.filter((each) => !this.#damaged.has(each));
    const latest = [id, ...usable].slice(0, KEPT);
    const best = options.best ? id : index.best;
    const next: Index = { latest, best, next: id + 1 };
    const kept = new Set([...latest, best]);
    const dropped = [...index.latest, ...(index.best === null ? [] : [index.best])].filter(
      (each) => !kept.has(each),
    );
    await this.#writer.commit({
      put: { [INDEX_KEY]: { value: next, blobs: [] }, [keyOf(id)]: { value: manifest, blobs } },
      delete: dropped.map(keyOf),
    });
    await this.#sweep();
  }

  async #sweep(): Promise<void> {
    try {
      await this.#store.sweep();
    } catch {
      // The checkpoints are saved. The next sweep removes what could not be removed now.
    }
  }

  /**
   * Keeps the newest checkpoint and the best alone: to be called when no more will come.
   * @throws StoreFencedError if another process trains this by now.
   */
  async finish(): Promise<void> {
    const index = await this.#index();
    const [newest] = index.latest.filter((each) => !this.#damaged.has(each));
    if (newest === undefined) return;
    const kept = new Set([newest, index.best]);
    await this.#writer.commit({
      put: { [INDEX_KEY]: { value: { ...index, latest: [newest] }, blobs: [] } },
      delete: index.latest.filter((each) => !kept.has(each)).map(keyOf),
      forgetEarlier: true,
    });
    await this.#sweep();
  }

  /**
   * The newest checkpoint that can be read whole; undefined if none was ever saved.
   * @throws StoreCorruptionError if there are some and none can be read.
   */
  async loadLatest(): Promise<LoadedCheckpoint | undefined> {
    const { latest, best } = await this.#index();
    return this.#loadFirst(best === null || latest.includes(best) ? latest : [...latest, best]);
  }

  /** The best checkpoint; undefined if none was saved as such. @throws StoreCorruptionError if it is damaged. */
  async loadBest(): Promise<LoadedCheckpoint | undefined> {
    const { best } = await this.#index();
    return this.#loadFirst(best === null ? [] : [best]);
  }

  /** The newest first. Reads no tensors. */
  async list(): Promise<CheckpointSummary[]> {
    const { latest, best } = await this.#index();
    const ids = new Set([...latest, ...(best === null ? [] : [best])]);
    const summaries: CheckpointSummary[] = [];
    for (const id of [...ids].sort((a, b) => b - a)) {
      const { manifest, record } = await this.#manifest(id);
      const { step, epoch } = manifest.state;
      const bytes = record.blobs.reduce((sum, blob) => sum + blob.bytes, 0);
      summaries.push({ step, epoch, bytes, latest: latest.includes(id), best: id === best });
    }
    return summaries;
  }

  async #loadFirst(ids: readonly number[]): Promise<LoadedCheckpoint | undefined> {
    const problems: string[] = [];
    for (const id of ids) {
      try {
        return { checkpoint: await this.#load(id), problems };
      } catch (error) {
        if (error instanceof InputError) throw error;
        // Whatever is wrong with it, an older one that can be read is worth more than none.
        this.#damaged.add(id);
        problems.push(`checkpoint ${id} cannot be read: ${messageOf(error)}`);
      }
    }
    if (problems.length === 0) return undefined;
    throw new StoreCorruptionError(
      `No checkpoint of "${this.#writer.namespace}" can be read: ${problems.join('; ')}`,
    );
  }

  async #load(id: number): Promise<TrainingCheckpoint> {
    const { manifest, record } = await this.#manifest(id);
    const assembly = new TensorAssembly();
    for (const [i, plan] of manifest.shards.entries()) {
      const blob = record.blobs[i];
      if (!blob) throw new StoreCorruptionError(`${keyOf(id)} names no shard ${i}`);
      assembly.add(plan, await this.#store.readBlob(blob), `shard ${blob.sha256}`);
    }
    return { state: manifest.state, ...assembly.finish(), ...(await this.#forcesOf(id, manifest, record)) };
  }

  async #forcesOf(
    id: number,
    { hasForces, shards }: Manifest,
    { blobs }: StoreRecord,
  ): Promise<Pick<TrainingCheckpoint, 'forces'>> {
    if (hasForces !== true) return {};
    const blob = blobs[shards.length];
    if (!blob) throw new StoreCorruptionError(`${keyOf(id)} names no record of push and pull`);
    return { forces: decodeForces(await this.#store.readBlob(blob)) };
  }

  async #manifest(id: number): Promise<{ manifest: Manifest; record: StoreRecord }> {
    const record = await this.#store.get(this.#writer.namespace, keyOf(id));
    if (!record) throw new StoreCorruptionError(`${keyOf(id)} is missing from the store`);
    // The store has verified that a version of the studio wrote these bytes; which one remains to be checked.
    const manifest = record.value as Manifest;
    if (manifest.format !== FORMAT) {
      throw new InputError(`the checkpoint was written by a newer version (format ${manifest.format})`, {
        remedy: 'Update Retriever Studio',
      });
    }
    return { manifest, record };
  }

  async #index(): Promise<Index> {
    const record = await this.#store.get(this.#writer.namespace, INDEX_KEY);
    return (record?.value as Index | undefined) ?? { latest: [], best: null, next: 1 };
  }
}

function keyOf(id: number): string {
  return `checkpoint/${String(id).padStart(6, '0')}`;
}
