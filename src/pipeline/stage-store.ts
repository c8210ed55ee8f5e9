import { type Json } from '../core/json.ts';
import { StoreFencedError, type BlobReference, type Store, type StoreWriter } from '../host/contract.ts';
import type { ListRecord } from '../corpus/types.ts';
import { canonicalJson } from '../core/canonical-json.ts';
import { sha256 } from '../core/sha256.ts';

/** The namespace that holds the results of all stages of all recipes. */
const NAMESPACE = 'stages';

/** What a stage left. */
export interface StageResult<Value = unknown> {
  readonly key: string;
  readonly value: Value;
  readonly blobs: readonly BlobReference[];
  /** That its computation took, whoever did it. */
  readonly seconds: number;
  /** What computed it (Runtime.fingerprint). */
  readonly fingerprint: Readonly<Record<string, string>>;
}

export interface StageOutput<Value = unknown> {
  /** Something that JSON holds. */
  readonly value: Value;
  readonly blobs?: readonly (Uint8Array | ListsBlob)[];
}

/** Lists that are made bytes of where they are stored. */
export interface ListsBlob {
  readonly lists: readonly ListRecord[];
  bytes(): Uint8Array;
}

type StageRecord = Readonly<{
  kind: string;
  /** What the key was made of, for people. */
  inputs: Json;
  value: Json;
  /** Whether the value is the first blob, as JSON: a long one would be written anew with each commit. */
  valueIsBlob: boolean;
  seconds: number;
  fingerprint: Readonly<Record<string, string>>;
}>;

/** Characters of a value that stays in its record. */
const longestValue = 2000;

/** A kind of computation, and the version of its code. */
export interface StageKind {
  readonly kind: string;
  /**
   * Raised when the code computes something else from the same inputs, so that what an older program stored is not
   * taken for it.
   */
  readonly version: number;
}

/** Names a stage's result by all that it depends on: its code's version and its inputs. */
export async function stageKey({ kind, version }: StageKind, inputs: Json): Promise<string> {
  return `${kind}/${await sha256(canonicalJson({ kind, version, inputs }))}`;
}

/**
 * The results of stages, in a store that several recipes and processes share. A result is a function of its key, so
 * it does not matter who wrote it.
 */
export class StageStore {
  readonly #store: Store;
  #writer: StoreWriter | undefined;

  constructor(store: Store) {
    this.#store = store;
  }

  /** The result under a key of {@link stageKey}, which only the code of that kind and version has written. */
  async find<Value>(key: string): Promise<StageResult<Value> | undefined> {
    const record = await this.#store.get(NAMESPACE, key);
    if (record === undefined) return undefined;
    const { value, valueIsBlob, seconds, fingerprint } = record.value as StageRecord;
    const [first, ...blobs] = record.blobs;
    if (!valueIsBlob || first === undefined) {
      return { key, value: value as Value, blobs: record.blobs, seconds, fingerprint };
    }
    const text = new TextDecoder().decode(await this.#store.readBlob(first));
    return { key, value: JSON.parse(text) as Value, blobs, seconds, fingerprint };
  }

  /** Durable when it resolves. */
  async save<Value>(
    { key, kind, inputs }: { readonly key: string; readonly kind: string; readonly inputs: Json },
    output: StageOutput<Value>,
    seconds: number,
    fingerprint: Readonly<Record<string, string>>,
  ): Promise<StageResult<Value>> {
    const blobs: BlobReference[] = [];
    for (const blob of output.blobs ?? []) {
      blobs.push(await this.#store.writeBlob('lists' in blob ? blob.bytes() : blob));
    }
    const text = JSON.stringify(output.value);
    const isLong = text.length > longestValue;
    const value: StageRecord = {
      kind,
      inputs,
      value: isLong ? null : (JSON.parse(text) as Json),
      valueIsBlob: isLong,
      seconds,
      fingerprint,
    };
    const named = isLong ? [await this.#store.writeBlob(new TextEncoder().encode(text)), ...blobs] : blobs;
    for (;;) {
      this.#writer ??= await this.#store.openWriter(NAMESPACE);
      try {
        await this.#writer.commit({ put: { [key]: { value, blobs: named } } });
        return { key, value: output.value, blobs, seconds, fingerprint };
      } catch (error) {
        // Another process that runs a recipe has written in between: what it wrote stands, and so will this.
        if (!(error instanceof StoreFencedError)) throw error;
        this.#writer = undefined;
      }
    }
  }

  readBlob(reference: BlobReference): Promise<Uint8Array<ArrayBuffer>> {
    return this.#store.readBlob(reference);
  }

  get store(): Store {
    return this.#store;
  }
}
