/**
 * What a host (Node, a browser worker) supplies to the rest of the studio. Everything outside host/browser and
 * host/node talks to the outside world through these interfaces only.
 */

import type { Json } from '../core/json.ts';
import type { DataType } from '../core/tensor-size.ts';

export type TensorData =
  Float32Array<ArrayBuffer> | Int32Array<ArrayBuffer> | BigInt64Array<ArrayBuffer> | Uint8Array<ArrayBuffer>;

/**
 * A tensor that lives where the runtime computes: in JavaScript memory on the CPU, in a GPU buffer elsewhere.
 * Its creator or receiver disposes of it.
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
   * Runs the graph and returns its outputs.
   * @param recycle tensors, by output name, whose memory the output may take over. The call consumes them: only
   * the returned tensor is valid afterwards. An input may be recycled for an output that is computed elementwise
   * from it, or that a matrix product adds to it: on the CPU it is then updated in place.
   */
  run(
    inputs: Readonly<Record<string, DeviceTensor>>,
    recycle?: Readonly<Record<string, DeviceTensor>>,
  ): Promise<Record<string, DeviceTensor>>;
  release(): Promise<void>;
}

/**
 * A small program over arrays on the device, which it updates in place. A graph cannot do that there, because its
 * inputs and outputs must be different buffers.
 */
export interface ElementwiseProgram {
  readonly name: string;
  /** float32 arrays of one length, in the program `<name>[i]`: read and written. */
  readonly arrays: readonly string[];
  /** float32 values, the same for every element, in the program `<name>`. */
  readonly scalars: readonly string[];
  /** WGSL statements, run once for each element `i`. */
  readonly body: string;
}

export interface ElementwiseArguments {
  /** Device tensors by the name of the array, each a buffer of its own. */
  readonly arrays: Readonly<Record<string, DeviceTensor>>;
  readonly scalars: Readonly<Record<string, number>>;
}

export interface ElementwiseKernel {
  /** Runs the program over each of the sets of arrays. */
  run(sets: readonly ElementwiseArguments[]): Promise<void>;
}

export type Device = 'cpu' | 'wasm' | 'webgpu' | 'cuda';

/** Whether it is a GPU, which needs large units of work and few synchronizations. */
export function isGpu(device: Device): boolean {
  return device === 'webgpu' || device === 'cuda';
}

/** Runs ONNX graphs, one at a time (two runs in flight break ONNX Runtime). */
export interface Runtime {
  readonly device: Device;
  readonly threads: number;
  /** Bytes of the largest tensor that the device takes. */
  readonly largestTensorBytes: number;
  /** Runtime version, device, threads, processor. Equal fingerprints guarantee equal bits. */
  readonly fingerprint: Readonly<Record<string, string>>;
  /** Wraps host data, zeros without data. The array itself is used, not a copy; it travels with each run. */
  tensor(dataType: DataType, dims: readonly number[], data?: TensorData): DeviceTensor;
  /**
   * Moves a host tensor to where the runtime computes, to stay there. Where the runtime takes its inputs from host
   * memory (CPU, WASM, CUDA) it is the same tensor, of the same array.
   */
  upload(tensor: DeviceTensor): Promise<DeviceTensor>;
  /** The tensor's values. On the CPU a view of its memory, valid until a run recycles it. */
  read(tensor: DeviceTensor): Promise<TensorData>;
  /** The values of several tensors, as `read` gives them; a GPU is waited for once and not for each. */
  readAll(tensors: readonly DeviceTensor[]): Promise<TensorData[]>;
  /**
   * The tensor's own memory where it is host memory that the runtime reads and writes directly (CPU, WASM
   * included), or undefined where it is not (GPU).
   */
  hostMemory(tensor: DeviceTensor): TensorData | undefined;
  /** @throws ResourceError if the machine has less memory than the session needs. */
  createSession(model: Uint8Array, options: SessionOptions): Promise<Session>;
  /** Only if the runtime can run custom programs besides graphs (WebGPU in a browser). */
  createKernel?(program: ElementwiseProgram): Promise<ElementwiseKernel>;
  /** Bytes that a new session may still take on this device. */
  availableMemory(): number;
  /** Awaited now and then by what computes without graphs: a host may hold it there, or let others have the thread. */
  turn?(): Promise<void>;
  close(): Promise<void>;
}

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
 * their hash, and live while a record names them. Names are checked by store-names.ts. What needs disk space
 * throws ResourceError where there is too little.
 */
export interface Store {
  /**
   * Makes bytes durable. They stay until a commit of this store names them or the store is closed (or its process
   * ends); what no record names then is swept.
   */
  writeBlob(bytes: Uint8Array): Promise<BlobReference>;
  /** @throws StoreCorruptionError if the bytes are missing or do not match their hash. */
  readBlob(reference: BlobReference): Promise<Uint8Array<ArrayBuffer>>;
  get(namespace: string, key: string): Promise<StoreRecord | undefined>;
  keys(namespace: string): Promise<readonly string[]>;
  namespaces(): Promise<readonly string[]>;
  /** Takes the namespace over: writers opened earlier are refused from then on. */
  openWriter(namespace: string): Promise<StoreWriter>;
  /**
   * Deletes blobs that no record names, but for those that an open store (of any process) has written and not yet
   * committed. Returns the bytes freed.
   */
  sweep(): Promise<number>;
  /** Gives up blobs written and not committed. Writers of this store must not be used afterwards. */
  close(): Promise<void>;
}

export interface StoreChanges {
  readonly put?: Readonly<Record<string, StoreRecord>>;
  readonly delete?: readonly string[];
  /**
   * That nobody needs to fall back on earlier commits of the namespace, should this one be damaged: what they alone name
   * may be swept. False by default.
   */
  readonly forgetEarlier?: boolean;
}

export interface StoreWriter {
  readonly namespace: string;
  /** Grows with every writer of the namespace; a commit with an old epoch is refused. */
  readonly epoch: number;
  /**
   * All changes or none, durable when it resolves. After any error but StoreFencedError the changes may have
   * happened, whole: commit the same again, or read.
   * @throws StoreFencedError if another writer took over: nothing has changed.
   * @throws StoreCorruptionError if a blob that the changes name is not in the store.
   * @throws TypeError if a value is not JSON (a number that is not finite, undefined …).
   */
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
  /** Where on this machine it was found, if it need not be downloaded. */
  readonly foundIn?: string | undefined;
  readonly receivedBytes: number;
  /** Undefined if the server does not state it. */
  readonly totalBytes: number | undefined;
}

/** One model's files, wherever they are. Paths use forward slashes and stay inside the folder. */
export interface ModelFolder {
  /** The user's name for it: a folder or ORG/NAME. */
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
