/** A store that lasts as long as the process: for work that leaves nothing but its output. */
import {
  StoreCorruptionError,
  StoreFencedError,
  type BlobReference,
  type Store,
  type StoreChanges,
  type StoreRecord,
  type StoreWriter,
} from './contract.ts';
import { sha256 } from '../core/sha256.ts';
import { assertKey, assertNamespace, assertSha256 } from './store-names.ts';
import { assertJson } from './store-values.ts';

interface Namespace {
  epoch: number;
  readonly records: Map<string, StoreRecord>;
}

export class MemoryStore implements Store {
  readonly #blobs = new Map<string, Uint8Array<ArrayBuffer>>();
  /** How often each was written that is not committed yet. */
  readonly #loose = new Map<string, number>();
  readonly #namespaces = new Map<string, Namespace>();

  async writeBlob(bytes: Uint8Array): Promise<BlobReference> {
    const copy = new Uint8Array(bytes);
    const name = await sha256(copy);
    if (!this.#blobs.has(name)) this.#blobs.set(name, copy);
    this.#loose.set(name, (this.#loose.get(name) ?? 0) + 1);
    return { sha256: name, bytes: bytes.length };
  }

  readBlob(reference: BlobReference): Promise<Uint8Array<ArrayBuffer>> {
    const bytes = this.#blobs.get(reference.sha256);
    if (bytes !== undefined) return Promise.resolve(bytes.slice());
    return Promise.reject(new StoreCorruptionError(`the blob ${reference.sha256} is missing`));
  }

  get(namespace: string, key: string): Promise<StoreRecord | undefined> {
    return this.#records(namespace).then((records) => records?.get(key));
  }

  keys(namespace: string): Promise<readonly string[]> {
    return this.#records(namespace).then((records) => [...(records?.keys() ?? [])].sort());
  }

  #records(namespace: string): Promise<ReadonlyMap<string, StoreRecord> | undefined> {
    return Promise.resolve().then(() => {
      assertNamespace(namespace);
      return this.#namespaces.get(namespace)?.records;
    });
  }

  namespaces(): Promise<readonly string[]> {
    const filled = [...this.#namespaces].filter(([, { records }]) => records.size > 0);
    return Promise.resolve(filled.map(([name]) => name).sort());
  }

  openWriter(namespace: string): Promise<StoreWriter> {
    return Promise.resolve().then(() => this.#openWriter(namespace));
  }

  #openWriter(namespace: string): StoreWriter {
    assertNamespace(namespace);
    const state = this.#namespaces.get(namespace) ?? { epoch: 0, records: new Map() };
    this.#namespaces.set(namespace, state);
    const epoch = ++state.epoch;
    return {
      namespace,
      epoch,
      commit: (changes) =>
        Promise.resolve().then(() => {
          if (state.epoch !== epoch) throw new StoreFencedError(`another writer has taken over ${namespace}`);
          this.#commit(namespace, state, changes);
        }),
    };
  }

  #commit(namespace: string, { records }: Namespace, { put = {}, delete: deleted = [] }: StoreChanges): void {
    const entries = Object.entries(put);
    for (const [key, { value, blobs }] of entries) {
      assertKey(key);
      assertJson(value, `${namespace}/${key}`);
      for (const { sha256: name, bytes } of blobs) {
        assertSha256(name);
        const blob = this.#blobs.get(name);
        if (blob === undefined) throw new StoreCorruptionError(`the blob ${name} is missing`);
        if (blob.length !== bytes)
          throw new StoreCorruptionError(`the blob ${name} does not have ${bytes} bytes`);
      }
    }
    for (const key of deleted) records.delete(key);
    for (const [key, record] of entries) {
      records.set(key, { value: structuredClone(record.value), blobs: [...record.blobs] });
      for (const { sha256: name } of record.blobs) {
        const left = (this.#loose.get(name) ?? 1) - 1;
        if (left > 0) this.#loose.set(name, left);
        else this.#loose.delete(name);
      }
    }
  }

  async sweep(): Promise<number> {
    // What sweeps again and again must let others work.
    await new Promise((resolve) => setTimeout(resolve));
    const named = new Set(this.#loose.keys());
    for (const { records } of this.#namespaces.values()) {
      for (const { blobs } of records.values()) for (const { sha256: name } of blobs) named.add(name);
    }
    let freed = 0;
    for (const [name, { length }] of this.#blobs) {
      if (named.has(name)) continue;
      this.#blobs.delete(name);
      freed += length;
    }
    return freed;
  }

  close(): Promise<void> {
    this.#loose.clear();
    return Promise.resolve();
  }
}
