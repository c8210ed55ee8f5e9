/**
 * What a host (Node, a browser worker) supplies to the rest of the studio. Everything outside host/browser and
 * host/node talks to the outside world through these interfaces only.
 */

export type DataType = 'float32' | 'int32' | 'int64' | 'bool';
export type TensorData =
  Float32Array<ArrayBuffer> | Int32Array<ArrayBuffer> | BigInt64Array<ArrayBuffer> | Uint8Array<ArrayBuffer>;

/**
 * A tensor that lives where the runtime computes: in JavaScript memory on the CPU, in a GPU buffer elsewhere.
 * Whoever made or received it disposes of it.
 */
export interface DeviceTensor {
  readonly dataType: DataType;
  readonly dims: readonly number[];
  dispose(): void;
}

export interface SessionOptions {
  /** Names the graph in errors and logs. */
  readonly name: string;
  /** Bytes the session will need beyond its inputs; refused with a remedy where the machine has less. */
  readonly memoryBytes?: number;
}

export interface Session {
  readonly inputNames: readonly string[];
  readonly outputNames: readonly string[];
  /**
   * Runs the graph. `into` names tensors that receive outputs in place; the other outputs come back as new
   * tensors. On the CPU an output may be written into the very tensor that an input was read from, where the
   * graph reads each of its elements before it writes it (see {@link Runtime.updatesInPlace}).
   */
  run(
    inputs: Readonly<Record<string, DeviceTensor>>,
    into?: Readonly<Record<string, DeviceTensor>>,
  ): Promise<Record<string, DeviceTensor>>;
  release(): Promise<void>;
}

/** Runs ONNX graphs, one at a time (two runs in flight break ONNX Runtime). */
export interface Runtime {
  readonly device: 'cpu' | 'wasm' | 'webgpu' | 'cuda';
  readonly threads: number;
  /** Whether an output may overwrite an input's tensor (CPU only). */
  readonly updatesInPlace: boolean;
  /** What computed: runtime version, device, threads, processor. Equal fingerprints promise equal bits. */
  readonly fingerprint: Readonly<Record<string, string>>;
  /** Uploads data; zeros without data. On the CPU the array itself is used, not a copy. */
  tensor(dataType: DataType, dims: readonly number[], data?: TensorData): DeviceTensor;
  /** The tensor's values. On the CPU a view of its memory, valid until the next run that writes into it. */
  read(tensor: DeviceTensor): Promise<TensorData>;
  createSession(model: Uint8Array, options: SessionOptions): Promise<Session>;
  /** Bytes that a new session may still take on this device. */
  availableMemory(): number;
  close(): Promise<void>;
}

export type Json = null | boolean | number | string | readonly Json[] | { readonly [key: string]: Json };

/** Names immutable bytes by their content. */
export interface BlobReference {
  readonly sha256: string;
  readonly bytes: number;
}

export interface StoreRecord {
  readonly value: Json;
  /** The blobs that the record keeps alive. */
  readonly blobs: readonly BlobReference[];
}

/**
 * Keeps bytes and JSON. Records of one namespace change together or not at all; blobs are immutable, named by
 * their hash, and live while a record names them.
 */
export interface Store {
  /** Makes bytes durable. They are swept unless a later commit names them. */
  writeBlob(bytes: Uint8Array): Promise<BlobReference>;
  /** @throws StoreCorruptionError if the bytes are missing or do not match their hash. */
  readBlob(reference: BlobReference): Promise<Uint8Array<ArrayBuffer>>;
  get(namespace: string, key: string): Promise<StoreRecord | undefined>;
  keys(namespace: string): Promise<readonly string[]>;
  namespaces(): Promise<readonly string[]>;
  /** Takes the namespace over: writers opened earlier are refused from then on. */
  openWriter(namespace: string): Promise<StoreWriter>;
  /** Deletes blobs that no record names and no open writer has just written. Returns the bytes freed. */
  sweep(): Promise<number>;
}

export interface StoreChanges {
  readonly put?: Readonly<Record<string, StoreRecord>>;
  readonly delete?: readonly string[];
}

export interface StoreWriter {
  readonly namespace: string;
  /** Grows with every writer of the namespace; a commit with an old epoch is refused. */
  readonly epoch: number;
  /** All changes or none, durable when it resolves. @throws StoreFencedError if another writer took over. */
  commit(changes: StoreChanges): Promise<void>;
}

/** A stored object is missing or is not what was written. */
export class StoreCorruptionError extends Error {
  override readonly name = 'StoreCorruptionError';
}

/** Another writer has taken the namespace over. */
export class StoreFencedError extends Error {
  override readonly name = 'StoreFencedError';
}

export interface FetchProgress {
  readonly file: string;
  readonly receivedBytes: number;
  /** Undefined when the server does not say. */
  readonly totalBytes: number | undefined;
}

/** One model's files, wherever they are. Paths use forward slashes and stay inside the folder. */
export interface ModelFolder {
  /** What the user called it: a folder or ORG/NAME. */
  readonly name: string;
  has(path: string): Promise<boolean>;
  /** @throws InputError naming the file and the remedy if it is missing. */
  read(path: string): Promise<Uint8Array<ArrayBuffer>>;
}

export interface ModelFiles {
  /** Opens `nano`, a folder, or a hub id `ORG/NAME[@revision]`. */
  open(model: string, onProgress?: (progress: FetchProgress) => void): Promise<ModelFolder>;
}

/** Runs pure tasks off the main thread. */
export interface WorkerPool {
  readonly size: number;
  /** Runs one request on a free worker; `transfer` moves buffers instead of copying them. */
  run(request: unknown, transfer?: readonly ArrayBuffer[]): Promise<unknown>;
  close(): Promise<void>;
}

export interface Clock {
  /** Milliseconds that only grow. */
  now(): number;
}
