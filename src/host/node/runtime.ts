import { createRequire } from 'node:module';
import { availableParallelism, cpus } from 'node:os';
import { setImmediate as nextTurn } from 'node:timers/promises';
import type ort from 'onnxruntime-node';
import { elementCount } from '../../core/tensor-size.ts';
import type { DataType } from '../../core/tensor-size.ts';
import type { Device, DeviceTensor, Runtime, Session, SessionOptions, TensorData } from '../contract.ts';
import { InputError, messageOf, OutOfMemoryError } from '../../core/errors.ts';
import { copyModel, joinModel } from './copy-model.ts';
import { isMarkerRefusal, markerName, withMarker } from './marked-model.ts';

export interface NodeRuntimeOptions {
  readonly device: 'auto' | 'cpu' | 'webgpu' | 'cuda';
  /** Threads of one operation; all cores by default. */
  readonly threads?: number;
  /** For tests that read the log: 0 is verbose. */
  readonly logSeverity?: 0 | 1 | 2 | 3 | 4;
}

let library: typeof ort | undefined;

/** ONNX Runtime, loaded for the first session: what computes without graphs never waits for it. */
async function loadLibrary(logSeverity: number): Promise<typeof ort> {
  if (library === undefined) {
    library = (await import('onnxruntime-node')).default;
    // What goes wrong is thrown; ONNX Runtime would print it too, before a session's own level holds.
    if (logSeverity === quiet) library.env.logLevel = 'fatal';
  }
  return library;
}

function libraryVersion(): string {
  return (createRequire(import.meta.url)('onnxruntime-node/package.json') as { version: string }).version;
}

function loadedLibrary(): typeof ort {
  if (library === undefined) throw new Error('a tensor was asked for before any session was made');
  return library;
}

/** The log level of who asks for none. */
const quiet = 3;

/**
 * Opens ONNX Runtime on a device. `auto` is the CPU: it is there on every machine and repeats to the bit; the
 * others are taken when asked for.
 * @throws InputError naming the remedy if the device is not there
 */
export async function openRuntime(options: NodeRuntimeOptions): Promise<Runtime> {
  const device = options.device === 'auto' ? 'cpu' : options.device;
  const runtime = new NodeRuntime(
    device,
    options.threads ?? availableParallelism(),
    options.logSeverity ?? quiet,
  );
  if (device !== 'cpu') await probe(runtime, device);
  return runtime;
}

const remedies = {
  webgpu:
    'Install a Vulkan driver for your GPU (on Linux libvulkan1 and the vendor driver; `retriever-studio doctor` reports what was found), or use --device cpu',
  cuda: 'Install CUDA 12, cuDNN 9 and the provider (ONNXRUNTIME_NODE_INSTALL=cuda12 npm rebuild onnxruntime-node --ignore-scripts=false), or use --device cpu',
};

/** The reason that ONNX Runtime gives, without the location in its sources. */
function reasonOf(error: unknown): string {
  const message = messageOf(error);
  return (/ was false\. ([\s\S]+)$/.exec(message)?.[1] ?? message).trim();
}

/** One copy on the device: a provider that cannot start fails here, not in the middle of a training. */
async function probe(runtime: NodeRuntime, device: 'webgpu' | 'cuda'): Promise<void> {
  try {
    const session = await runtime.createSession(copyModel('float32', [4]), { name: 'probe' });
    const { y } = await session.run({ x: runtime.tensor('float32', [4], Float32Array.of(1, 2, 3, 4)) });
    if (y === undefined) throw new Error('it returned nothing');
    await runtime.read(y);
    y.dispose();
    await session.release();
  } catch (error) {
    throw new InputError(`the device ${device} is not available (${reasonOf(error)})`, {
      remedy: remedies[device],
      cause: error,
    });
  }
}

const emptyData: Readonly<Record<DataType, (size: number) => TensorData>> = {
  float32: (size) => new Float32Array(size),
  int32: (size) => new Int32Array(size),
  int64: (size) => new BigInt64Array(size),
  bool: (size) => new Uint8Array(size),
};

type OutputLocation = 'cpu' | 'gpu-buffer';

class HostTensor implements DeviceTensor {
  readonly dataType: DataType;
  readonly dims: readonly number[];
  readonly data: TensorData;
  #value: ort.Tensor | undefined;

  constructor(dataType: DataType, dims: readonly number[], data: TensorData) {
    this.dataType = dataType;
    this.dims = dims;
    this.data = data;
  }

  get value(): ort.Tensor {
    this.#value ??= new (loadedLibrary().Tensor)(this.dataType, this.data, this.dims);
    return this.#value;
  }

  dispose(): void {
    // Host memory is the garbage collector's.
  }
}

class GpuTensor implements DeviceTensor {
  readonly dataType: DataType;
  readonly dims: readonly number[];
  #value: ort.Tensor | undefined;

  constructor(value: ort.Tensor) {
    this.#value = value;
    this.dataType = value.type as DataType;
    this.dims = value.dims;
  }

  get value(): ort.Tensor {
    if (this.#value === undefined) throw new Error('the tensor was disposed of, or recycled by a run');
    return this.#value;
  }

  dispose(): void {
    this.#value?.dispose();
    this.#value = undefined;
  }
}

function valueOf(tensor: DeviceTensor): ort.Tensor {
  if (tensor instanceof HostTensor || tensor instanceof GpuTensor) return tensor.value;
  throw new Error('the tensor belongs to another runtime');
}

function hostTensor(tensor: DeviceTensor | undefined): HostTensor | undefined {
  if (tensor === undefined || tensor instanceof HostTensor) return tensor;
  throw new Error('only host memory can be recycled on the CPU');
}

/** Memory for an output. Our graphs have static shapes. */
function emptyTensor(
  session: string,
  output: string,
  dataType: DataType,
  shape: readonly (number | string)[],
): HostTensor {
  const dims = shape.map((size) => {
    if (typeof size === 'number') return size;
    throw new Error(`${session}: the size ${size} of output ${output} is open`);
  });
  return new HostTensor(dataType, dims, emptyData[dataType](elementCount(dims)));
}

/** ONNX Runtime tells nothing of the adapter: what the weakest that it opens here is known to take. */
const largestGpuTensor = 2 ** 30;

/** Messages of ONNX Runtime and its providers when memory runs out. */
const outOfMemory = /out of (device )?memory|failed to allocate|bad_alloc|allocation failed/i;

/** Tells a device that ran out of memory from other failures. */
async function tellingOutOfMemory<T>(device: Device, name: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (!outOfMemory.test(messageOf(error))) throw error;
    throw new OutOfMemoryError(`${name}: the device ${device} is out of memory`, {
      remedy: 'Use a smaller micro-batch, shorter texts or a smaller encoder',
      cause: error,
    });
  }
}

/** Joining sessions that are kept: what is read together has the same shapes at most steps. */
const mostJoins = 8;

class NodeRuntime implements Runtime {
  readonly device: Device;
  readonly threads: number;
  readonly largestTensorBytes: number;
  readonly fingerprint: Readonly<Record<string, string>>;
  readonly #logSeverity: 0 | 1 | 2 | 3 | 4;
  readonly #sessions = new Set<NodeSession>();
  readonly #copies = new Map<string, Promise<Session>>();
  /** In the order of their last use. */
  readonly #joins = new Map<string, Promise<Session>>();
  #lastRun: Promise<unknown> = Promise.resolve();

  constructor(device: Device, threads: number, logSeverity: 0 | 1 | 2 | 3 | 4) {
    this.device = device;
    this.threads = threads;
    this.largestTensorBytes = device === 'webgpu' ? largestGpuTensor : Number.MAX_SAFE_INTEGER;
    this.#logSeverity = logSeverity;
    this.fingerprint = {
      runtime: `onnxruntime-node ${libraryVersion()}`,
      device,
      threads: String(threads),
      processor: cpus()[0]?.model ?? 'unknown',
      platform: `${process.platform} ${process.arch}`,
    };
  }

  tensor(dataType: DataType, dims: readonly number[], data?: TensorData): DeviceTensor {
    const size = elementCount(dims);
    return new HostTensor(dataType, dims, data ?? emptyData[dataType](size));
  }

  async upload(tensor: DeviceTensor): Promise<DeviceTensor> {
    if (this.device !== 'webgpu' || tensor instanceof GpuTensor) return tensor;
    return this.#copy(tensor, 'gpu-buffer');
  }

  async read(tensor: DeviceTensor): Promise<TensorData> {
    const onHost = tensor instanceof HostTensor ? tensor : await this.#copy(tensor, 'cpu');
    if (!(onHost instanceof HostTensor)) throw new Error('the copy did not arrive in host memory');
    return onHost.data;
  }

  async readAll(tensors: readonly DeviceTensor[]): Promise<TensorData[]> {
    const [first, ...others] = tensors;
    const together =
      first !== undefined &&
      others.length > 0 &&
      tensors.every((tensor) => tensor instanceof GpuTensor && tensor.dataType === first.dataType);
    if (!together) {
      const values: TensorData[] = [];
      for (const tensor of tensors) values.push(await this.read(tensor));
      return values;
    }
    const joined = (await this.read(await this.#join(tensors, first.dataType))) as Float32Array<ArrayBuffer>;
    let start = 0;
    return tensors.map(({ dims }) => {
      const end = start + elementCount(dims);
      return joined.subarray(start, (start = end));
    });
  }

  hostMemory(tensor: DeviceTensor): TensorData | undefined {
    return tensor instanceof HostTensor ? tensor.data : undefined;
  }

  availableMemory(): number {
    return process.availableMemory();
  }

  /** Signals are heard between two turns of the event loop alone. */
  async turn(): Promise<void> {
    await nextTurn();
  }

  async createSession(model: Uint8Array, options: SessionOptions): Promise<Session> {
    const available = this.availableMemory();
    if (options.memoryBytes !== undefined && options.memoryBytes > available) {
      const needed = Math.ceil(options.memoryBytes / 2 ** 20);
      throw new OutOfMemoryError(
        `${options.name} needs about ${needed} MiB of memory, but only ${Math.floor(available / 2 ** 20)} MiB are available`,
        { remedy: 'Use a smaller micro-batch, shorter texts or a smaller encoder' },
      );
    }
    return this.#open(model, options.name, this.device === 'webgpu' ? 'gpu-buffer' : 'cpu');
  }

  async #open(model: Uint8Array, name: string, outputs: OutputLocation): Promise<Session> {
    const { InferenceSession } = await loadLibrary(this.#logSeverity);
    const create = (): Promise<ort.InferenceSession> =>
      InferenceSession.create(this.device === 'cpu' ? withMarker(model) : model, {
        executionProviders: [this.device === 'webgpu' ? { name: 'webgpu' } : this.device],
        intraOpNumThreads: this.threads,
        graphOptimizationLevel: 'all',
        // A memory arena per session would keep half as much memory again for each shape, and saves little time.
        enableCpuMemArena: false,
        logSeverityLevel: this.#logSeverity,
        // Sessions run one after the other: threads that still wait for work of the last one would keep the next
        // one's from the cores.
        extra: { session: { use_deterministic_compute: '1', force_spinning_stop: '1' } },
        ...(this.device === 'webgpu' ? { preferredOutputLocation: outputs } : {}),
      });
    const session = await this.exclusively(() => tellingOutOfMemory(this.device, name, create));
    const wrapped = new NodeSession(this, session, name, outputs);
    this.#sessions.add(wrapped);
    return wrapped;
  }

  /** Concurrent calls break ONNX Runtime, so each waits for the previous one. */
  exclusively<T>(task: () => Promise<T>): Promise<T> {
    const result = this.#lastRun.then(task, task);
    this.#lastRun = result;
    return result;
  }

  forget(session: NodeSession): void {
    this.#sessions.delete(session);
  }

  async close(): Promise<void> {
    await Promise.all([...this.#sessions].map((session) => session.release()));
  }

  /**
   * Copies between host and GPU by running y = x: onnxruntime-node can neither place a buffer on the GPU nor
   * read one from there otherwise (its download ends the process).
   */
  async #copy(tensor: DeviceTensor, to: OutputLocation): Promise<DeviceTensor> {
    const key = `${to}|${tensor.dataType}|${tensor.dims.join(',')}`;
    let session = this.#copies.get(key);
    if (session === undefined) {
      session = this.#open(copyModel(tensor.dataType, tensor.dims), `copy of ${key}`, to);
      this.#copies.set(key, session);
    }
    const { y } = await (await session).run({ x: tensor });
    if (y === undefined) throw new Error('the copy returned nothing');
    return y;
  }

  /** Several tensors of the GPU as one vector in host memory: each copy back is a wait of its own. */
  async #join(tensors: readonly DeviceTensor[], dataType: DataType): Promise<DeviceTensor> {
    const shapes = tensors.map(({ dims }) => dims);
    const key = `${dataType}|${shapes.map((dims) => dims.join(',')).join('|')}`;
    const session = this.#joins.get(key) ?? this.#open(joinModel(dataType, shapes), 'join', 'cpu');
    this.#joins.delete(key);
    this.#joins.set(key, session);
    const [oldest] = this.#joins;
    if (oldest !== undefined && this.#joins.size > mostJoins) {
      this.#joins.delete(oldest[0]);
      await (await oldest[1]).release();
    }
    const { y } = await (await session).run(Object.fromEntries(tensors.map((x, i) => [`x${i}`, x])));
    if (y === undefined) throw new Error('the join returned nothing');
    return y;
  }
}

class NodeSession implements Session {
  readonly inputNames: readonly string[];
  readonly outputNames: readonly string[];
  readonly #runtime: NodeRuntime;
  readonly #session: ort.InferenceSession;
  readonly #name: string;
  readonly #outputs: OutputLocation;
  #released = false;

  constructor(runtime: NodeRuntime, session: ort.InferenceSession, name: string, outputs: OutputLocation) {
    this.#runtime = runtime;
    this.#session = session;
    this.#name = name;
    this.#outputs = outputs;
    this.inputNames = session.inputNames;
    this.outputNames = session.outputNames.filter((output) => output !== markerName);
  }

  async run(
    inputs: Readonly<Record<string, DeviceTensor>>,
    recycle: Readonly<Record<string, DeviceTensor>> = {},
  ): Promise<Record<string, DeviceTensor>> {
    if (this.#released) throw new Error(`${this.#name}: run after release`);
    const feeds: Record<string, ort.Tensor> = {};
    for (const name of this.inputNames) {
      const tensor = inputs[name];
      if (tensor === undefined) throw new Error(`${this.#name}: no value for input ${name}`);
      feeds[name] = valueOf(tensor);
    }
    return this.#runtime.exclusively(() =>
      tellingOutOfMemory(this.#runtime.device, this.#name, () =>
        this.#outputs === 'gpu-buffer' ? this.#runOnGpu(feeds, recycle) : this.#runOnHost(feeds, recycle),
      ),
    );
  }

  async #runOnHost(
    feeds: Record<string, ort.Tensor>,
    recycle: Readonly<Record<string, DeviceTensor>>,
  ): Promise<Record<string, DeviceTensor>> {
    const outputs: Record<string, HostTensor> = {};
    for (const metadata of this.#session.outputMetadata) {
      if (!metadata.isTensor) continue;
      const { name, type, shape } = metadata;
      outputs[name] = hostTensor(recycle[name]) ?? emptyTensor(this.#name, name, type as DataType, shape);
    }
    const fetches: Record<string, ort.Tensor | null> = {};
    for (const name of this.#session.outputNames) fetches[name] = outputs[name]?.value ?? null;
    try {
      await this.#session.run(feeds, fetches);
    } catch (error) {
      if (!isMarkerRefusal(error)) throw error;
    }
    return outputs;
  }

  async #runOnGpu(
    feeds: Record<string, ort.Tensor>,
    recycle: Readonly<Record<string, DeviceTensor>>,
  ): Promise<Record<string, DeviceTensor>> {
    const results = await this.#session.run(feeds);
    const outputs: Record<string, DeviceTensor> = {};
    for (const name of this.outputNames) {
      outputs[name] = new GpuTensor(results[name] as ort.Tensor);
      recycle[name]?.dispose();
    }
    return outputs;
  }

  async release(): Promise<void> {
    if (this.#released) return;
    this.#released = true;
    this.#runtime.forget(this);
    await this.#runtime.exclusively(() => this.#session.release());
  }
}
