import type * as Ort from 'onnxruntime-web/webgpu';
import { tensorBytes } from '../../core/tensor-size.ts';
import { elementCount } from '../../core/tensor-size.ts';
import type { DataType } from '../../core/tensor-size.ts';
import type {
  DeviceTensor,
  ElementwiseKernel,
  ElementwiseProgram,
  Runtime,
  Session,
  SessionOptions,
  TensorData,
} from '../contract.ts';
import { BufferPool } from './buffer-pool.ts';
import { BufferCensus } from './buffer-census.ts';
import { DeviceLostError, OutOfMemoryError } from '../../core/errors.ts';
import { requestDevice, type OwnedDevice } from './gpu-device.ts';
import { HostTensor } from './host-tensor.ts';
import { gpuBudgetBytes, refuseTooLarge } from './memory.ts';
import { onnxFiles } from './onnx-files.ts';
import { RunQueue } from './run-queue.ts';
import { WebGpuKernel } from './webgpu-kernel.ts';

/** How ONNX Runtime's WASM waits for the GPU: by code that unwinds its stack, or by the browser's own means. */
export type Waiting = 'asyncify' | 'jspi';

const loading = new Map<Waiting, Promise<typeof Ort>>();

/** Loads ONNX Runtime once for this worker. */
function loadOrt(waiting: Waiting): Promise<typeof Ort> {
  const known = loading.get(waiting);
  if (known !== undefined) return known;
  const entry: Promise<typeof Ort> =
    waiting === 'jspi' ? import('onnxruntime-web/jspi') : import('onnxruntime-web/webgpu');
  const loaded = entry.then((ort) => {
    ort.env.logLevel = 'error';
    ort.env.wasm.numThreads = 1;
    ort.env.wasm.wasmPaths = onnxFiles(waiting === 'jspi' ? 'jspi' : 'webgpu');
    return ort;
  });
  loading.set(waiting, loaded);
  return loaded;
}

/** JSPI where the browser has it: its WASM is 10 MB smaller. */
export function bestWaiting(): Waiting {
  return 'Suspending' in WebAssembly ? 'jspi' : 'asyncify';
}

/**
 * Opens ONNX Runtime on a device of our own.
 * @param milliseconds that one call may take
 * @throws InputError if there is no device
 */
export async function openWebGpuRuntime(
  adapter: GPUAdapter,
  waiting: Waiting,
  milliseconds: number,
): Promise<WebGpuRuntime> {
  const ort = await loadOrt(waiting);
  return new WebGpuRuntime(ort, waiting, await requestDevice(adapter), new RunQueue(milliseconds));
}

/** A tensor in one of our GPU buffers. */
class GpuTensor implements DeviceTensor {
  readonly dataType: DataType;
  readonly dims: readonly number[];
  #value: Ort.Tensor | undefined;
  readonly #doAway: (buffer: GPUBuffer) => void;

  /** @param doAway takes the buffer when nothing uses it any more; one function for all, which holds on to nothing */
  constructor(value: Ort.Tensor, doAway: (buffer: GPUBuffer) => void) {
    this.#value = value;
    this.#doAway = doAway;
    this.dataType = value.type as DataType;
    this.dims = value.dims;
  }

  get value(): Ort.Tensor {
    if (this.#value === undefined) throw new Error('the tensor was disposed of, or recycled by a run');
    return this.#value;
  }

  get buffer(): GPUBuffer {
    return this.value.gpuBuffer;
  }

  dispose(): void {
    if (this.#value !== undefined) this.#doAway(this.#value.gpuBuffer);
    this.#value = undefined;
  }
}

function destroy(buffer: GPUBuffer): void {
  buffer.destroy();
}

/** The size of a buffer for this many bytes: ONNX Runtime's kernels bind at least four floats. */
function bufferSize(bytes: number): number {
  return Math.max(16, Math.ceil(bytes / 16) * 16);
}

const views: Readonly<Record<DataType, (buffer: ArrayBuffer, start: number, bytes: number) => TensorData>> = {
  float32: (buffer, start, bytes) => new Float32Array(buffer, start, bytes / 4),
  int32: (buffer, start, bytes) => new Int32Array(buffer, start, bytes / 4),
  int64: (buffer, start, bytes) => new BigInt64Array(buffer, start, bytes / 8),
  bool: (buffer, start, bytes) => new Uint8Array(buffer, start, bytes),
};

/** How long after an error the browser may take to report a lost device. */
const lossNoticeMilliseconds = 100;

/** The buffer through which results come back is kept up to this size; larger ones are made for one reading. */
const keptStaging = 2 ** 24;
/** Each tensor is at a multiple of this offset in it, which is one for elements of all types. */
const stagingAlignment = 16;

/** Computes on a GPU. Outputs stay there until they are read. */
export class WebGpuRuntime implements Runtime {
  readonly device = 'webgpu';
  readonly threads = 1;
  readonly largestTensorBytes: number;
  readonly fingerprint: Readonly<Record<string, string>>;
  readonly queue: RunQueue;
  readonly #ort: typeof Ort;
  readonly #gpu: GPUDevice;
  readonly #census: BufferCensus;
  readonly #sessions = new Set<WebGpuSession>();
  readonly #kernels: WebGpuKernel[] = [];
  readonly #pool: BufferPool;
  readonly #giveBack = (buffer: GPUBuffer): void => this.#pool.giveBack(buffer);
  #staging: GPUBuffer;
  /** Memory error of the GPU since the last call ended. */
  #outOfMemory: string | undefined;
  #closed = false;

  constructor(ort: typeof Ort, waiting: Waiting, { device, info }: OwnedDevice, queue: RunQueue) {
    this.#ort = ort;
    this.#gpu = device;
    this.#census = new BufferCensus(device);
    this.#pool = new BufferPool(device, gpuBudgetBytes() / 2);
    this.#staging = this.#createStaging(2 ** 16);
    this.largestTensorBytes = Math.min(
      device.limits.maxBufferSize,
      device.limits.maxStorageBufferBindingSize,
    );
    this.queue = queue;
    this.fingerprint = {
      runtime: `onnxruntime-web ${ort.env.versions.web ?? ort.env.versions.common} ${waiting}`,
      device: 'webgpu',
      adapter: [info.vendor, info.architecture, info.device, info.description].filter(Boolean).join(' '),
      features: [...device.features].sort().join(' '),
      // It compiles the shaders.
      browser: navigator.userAgent,
    };
    device.addEventListener('uncapturederror', ({ error }) => {
      if (error instanceof GPUOutOfMemoryError) this.#outOfMemory ??= error.message;
    });
    void device.lost.then(({ reason, message }) => {
      if (!this.#closed) queue.fail(new DeviceLostError(reason, message));
    });
  }

  tensor(dataType: DataType, dims: readonly number[], data?: TensorData): DeviceTensor {
    return new HostTensor(dataType, dims, data);
  }

  async upload(tensor: DeviceTensor): Promise<DeviceTensor> {
    if (tensor instanceof GpuTensor) return tensor;
    if (!(tensor instanceof HostTensor)) throw new Error('the tensor belongs to another runtime');
    const { dataType, dims, data } = tensor;
    return this.call('upload', () => {
      const buffer = this.#gpu.createBuffer({
        size: bufferSize(data.byteLength),
        usage: GPUBufferUsage.STORAGE | GPUBufferUsage.COPY_SRC | GPUBufferUsage.COPY_DST,
        mappedAtCreation: true,
      });
      const bytes = new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
      new Uint8Array(buffer.getMappedRange()).set(bytes);
      buffer.unmap();
      const value = this.#ort.Tensor.fromGpuBuffer(buffer, { dataType, dims });
      return Promise.resolve(new GpuTensor(value, destroy));
    });
  }

  async read(tensor: DeviceTensor): Promise<TensorData> {
    if (tensor instanceof HostTensor) return tensor.data;
    const [values] = await this.readAll([tensor]);
    if (values === undefined) throw new Error('nothing was read');
    return values;
  }

  async readAll(tensors: readonly DeviceTensor[]): Promise<TensorData[]> {
    let total = 0;
    const places = new Map<DeviceTensor, { buffer: GPUBuffer; start: number; bytes: number }>();
    for (const tensor of tensors) {
      if (tensor instanceof HostTensor || places.has(tensor)) continue;
      const bytes = tensorBytes({ dataType: tensor.dataType, shape: tensor.dims });
      places.set(tensor, { buffer: gpuTensor(tensor).buffer, start: total, bytes });
      total += Math.ceil(bytes / stagingAlignment) * stagingAlignment;
    }
    const copied = total === 0 ? new ArrayBuffer(0) : await this.#copyBack([...places.values()], total);
    return tensors.map((tensor) => {
      if (tensor instanceof HostTensor) return tensor.data;
      const { start = 0, bytes = 0 } = places.get(tensor) ?? {};
      return views[tensor.dataType](copied, start, bytes);
    });
  }

  /** One wait for all. */
  #copyBack(
    places: readonly { buffer: GPUBuffer; start: number; bytes: number }[],
    total: number,
  ): Promise<ArrayBuffer> {
    return this.call('read', async () => {
      const isKept = total <= keptStaging;
      if (isKept && this.#staging.size < total) {
        let size = this.#staging.size;
        while (size < total) size *= 2;
        this.#staging.destroy();
        this.#staging = this.#createStaging(size);
      }
      const staging = isKept ? this.#staging : this.#createStaging(total);
      try {
        const encoder = this.#gpu.createCommandEncoder();
        for (const { buffer, start, bytes } of places) {
          encoder.copyBufferToBuffer(buffer, 0, staging, start, Math.ceil(bytes / 4) * 4);
        }
        this.#gpu.queue.submit([encoder.finish()]);
        await staging.mapAsync(GPUMapMode.READ, 0, total);
        return staging.getMappedRange(0, total).slice(0);
      } finally {
        if (isKept) staging.unmap();
        else staging.destroy();
      }
    });
  }

  #createStaging(size: number): GPUBuffer {
    return this.#gpu.createBuffer({ size, usage: GPUBufferUsage.MAP_READ | GPUBufferUsage.COPY_DST });
  }

  hostMemory(tensor: DeviceTensor): TensorData | undefined {
    return tensor instanceof HostTensor ? tensor.data : undefined;
  }

  availableMemory(): number {
    return Math.max(0, gpuBudgetBytes() - this.#census.bytes + this.#pool.idleBytes);
  }

  async createKernel(program: ElementwiseProgram): Promise<ElementwiseKernel> {
    const kernel = await this.call(`compiling ${program.name}`, () =>
      WebGpuKernel.create(this.#gpu, program),
    );
    this.#kernels.push(kernel);
    return {
      run: (sets) => {
        const bound = sets.map(({ arrays, scalars }) => {
          const tensors = program.arrays.map((name) => gpuTensor(arrays[name]));
          const sizes = new Set(tensors.map(({ dims }) => elementCount(dims)));
          const [elements] = sizes;
          if (elements === undefined || sizes.size > 1) throw new Error('the arrays differ in length');
          return { buffers: tensors.map(({ buffer }) => buffer), elements, scalars };
        });
        return this.call(program.name, () => {
          kernel.dispatch(bound);
          return Promise.resolve();
        });
      },
    };
  }

  async createSession(model: Uint8Array, options: SessionOptions): Promise<Session> {
    const { name, memoryBytes = 0 } = options;
    refuseTooLarge(name, memoryBytes, this.availableMemory());
    this.#pool.trim(Math.max(0, this.availableMemory() - memoryBytes));
    const session = await this.call(`opening ${options.name}`, () =>
      this.#ort.InferenceSession.create(model, {
        executionProviders: [{ name: 'webgpu', device: this.#gpu }],
        preferredOutputLocation: 'gpu-buffer',
        graphOptimizationLevel: 'all',
        logSeverityLevel: 3,
        // A node on the CPU would be a round trip from the GPU and back in every step: rather no session at all.
        extra: { session: { use_deterministic_compute: '1', disable_cpu_ep_fallback: '1' } },
      }),
    );
    const wrapped = new WebGpuSession(this, session, options.name, () => this.#sessions.delete(wrapped));
    this.#sessions.add(wrapped);
    return wrapped;
  }

  /**
   * One call at a time, with a deadline; an error caused by a lost device is reported as such. After the GPU has run
   * out of memory its results are worthless, whatever ONNX Runtime returns.
   */
  call<T>(name: string, task: () => Promise<T>): Promise<T> {
    return this.queue.run(name, async () => {
      try {
        const result = await task();
        if (this.#outOfMemory === undefined) return result;
        throw new Error(this.#outOfMemory);
      } catch (error) {
        await new Promise((resolve) => setTimeout(resolve, lossNoticeMilliseconds));
        const message = this.#outOfMemory;
        this.#outOfMemory = undefined;
        this.#pool.trim(0);
        if (this.queue.error !== undefined) throw this.queue.error;
        if (message === undefined) throw error;
        throw new OutOfMemoryError(`${name}: the GPU is out of memory (${message})`, {
          remedy: 'Use a smaller micro-batch, shorter texts or a smaller encoder',
          cause: error,
        });
      }
    });
  }

  /**
   * Runs a graph with tensors of the GPU and of the host, and returns its outputs. What comes from the host, and the
   * outputs, are put into buffers of ours, which wait for the next run, where ONNX Runtime would make new ones.
   */
  run(
    session: Ort.InferenceSession,
    name: string,
    inputs: Readonly<Record<string, DeviceTensor>>,
  ): Promise<Record<string, DeviceTensor>> {
    return this.call(name, async () => {
      const lent: GPUBuffer[] = [];
      const feeds: Record<string, Ort.Tensor> = {};
      for (const [input, tensor] of Object.entries(inputs)) {
        if (tensor instanceof HostTensor) {
          const { dataType, dims, data } = tensor;
          const buffer = this.#pool.takeWith(data, bufferSize(data.byteLength));
          lent.push(buffer);
          feeds[input] = this.#ort.Tensor.fromGpuBuffer(buffer, { dataType, dims });
        } else feeds[input] = gpuTensor(tensor).value;
      }
      const outputs: Record<string, GpuTensor> = {};
      const fetches: Record<string, Ort.Tensor> = {};
      for (const metadata of session.outputMetadata) {
        const { dataType, dims } = staticType(name, metadata);
        const buffer = this.#pool.take(bufferSize(tensorBytes({ dataType, shape: dims })));
        const value = this.#ort.Tensor.fromGpuBuffer(buffer, { dataType, dims });
        fetches[metadata.name] = value;
        outputs[metadata.name] = new GpuTensor(value, this.#giveBack);
      }
      try {
        await session.run(feeds, fetches);
        return outputs;
      } catch (error) {
        for (const output of Object.values(outputs)) output.dispose();
        throw error;
      } finally {
        for (const buffer of lent) this.#pool.giveBack(buffer);
      }
    });
  }

  /** Releases every session, then the device. */
  async close(): Promise<void> {
    if (this.queue.error === undefined) {
      await Promise.all([...this.#sessions].map((session) => session.release()));
    }
    this.#closed = true;
    for (const kernel of this.#kernels) kernel.destroy();
    this.#gpu.destroy();
  }
}

function gpuTensor(tensor: DeviceTensor | undefined): GpuTensor {
  if (tensor instanceof GpuTensor) return tensor;
  throw new Error('the tensor is not on the GPU, or belongs to another runtime');
}

interface TensorType {
  readonly dataType: DataType;
  readonly dims: readonly number[];
}

/** The type of an output. Our graphs have static shapes. */
function staticType(session: string, metadata: Ort.InferenceSession.ValueMetadata): TensorType {
  if (!metadata.isTensor) throw new Error(`${session}: output ${metadata.name} is not a tensor`);
  const dims = metadata.shape.map((size) => {
    if (typeof size === 'number') return size;
    throw new Error(`${session}: the size ${size} of output ${metadata.name} is open`);
  });
  return { dataType: metadata.type as DataType, dims };
}

class WebGpuSession implements Session {
  readonly inputNames: readonly string[];
  readonly outputNames: readonly string[];
  readonly #runtime: WebGpuRuntime;
  readonly #session: Ort.InferenceSession;
  readonly #name: string;
  readonly #onRelease: () => void;
  #released = false;

  constructor(runtime: WebGpuRuntime, session: Ort.InferenceSession, name: string, onRelease: () => void) {
    this.#runtime = runtime;
    this.#session = session;
    this.#name = name;
    this.#onRelease = onRelease;
    this.inputNames = session.inputNames;
    this.outputNames = session.outputNames;
  }

  async run(
    inputs: Readonly<Record<string, DeviceTensor>>,
    recycle: Readonly<Record<string, DeviceTensor>> = {},
  ): Promise<Record<string, DeviceTensor>> {
    if (this.#released) throw new Error(`${this.#name}: run after release`);
    const taken: Record<string, DeviceTensor> = {};
    for (const name of this.inputNames) {
      const tensor = inputs[name];
      if (tensor === undefined) throw new Error(`${this.#name}: no value for input ${name}`);
      taken[name] = tensor;
    }
    const outputs = await this.#runtime.run(this.#session, this.#name, taken);
    for (const name of this.outputNames) recycle[name]?.dispose();
    return outputs;
  }

  async release(): Promise<void> {
    if (this.#released) return;
    this.#released = true;
    this.#onRelease();
    await this.#runtime.call(`closing ${this.#name}`, () => this.#session.release());
  }
}
