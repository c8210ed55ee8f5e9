import type * as Ort from 'onnxruntime-web/webgpu';
import type {
  DataType,
  DeviceTensor,
  ElementwiseKernel,
  ElementwiseProgram,
  Runtime,
  Session,
  SessionOptions,
  TensorData,
} from '../contract.ts';
import { BufferCensus } from './buffer-census.ts';
import { DeviceLostError } from './errors.ts';
import { requestDevice, type OwnedDevice } from './gpu-device.ts';
import { elementCount, HostTensor } from './host-tensor.ts';
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

/** A tensor in a GPU buffer: one of ours, or one that ONNX Runtime lends until it is disposed of. */
class GpuTensor implements DeviceTensor {
  readonly dataType: DataType;
  readonly dims: readonly number[];
  #value: Ort.Tensor | undefined;
  readonly #onDispose: (() => void) | undefined;

  /** @param onDispose destroys a buffer that is ours */
  constructor(value: Ort.Tensor, onDispose?: () => void) {
    this.#value = value;
    this.#onDispose = onDispose;
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
    this.#value?.dispose();
    if (this.#value !== undefined) this.#onDispose?.();
    this.#value = undefined;
  }
}

function byteLength(dataType: DataType, dims: readonly number[]): number {
  return elementCount(dims) * { float32: 4, int32: 4, int64: 8, bool: 1 }[dataType];
}

/** The size of a buffer for so many bytes: ONNX Runtime's kernels bind at least four floats. */
function bufferSize(bytes: number): number {
  return Math.max(16, Math.ceil(bytes / 16) * 16);
}

const views: Readonly<Record<DataType, (bytes: ArrayBuffer) => TensorData>> = {
  float32: (bytes) => new Float32Array(bytes),
  int32: (bytes) => new Int32Array(bytes),
  int64: (bytes) => new BigInt64Array(bytes),
  bool: (bytes) => new Uint8Array(bytes),
};

/** How long after an error the browser may take to say that the device was lost. */
const lossNoticeMilliseconds = 100;

/** Computes on a GPU. Outputs stay there; what is read comes back through a buffer of its own. */
export class WebGpuRuntime implements Runtime {
  readonly device = 'webgpu';
  readonly threads = 1;
  readonly fingerprint: Readonly<Record<string, string>>;
  readonly queue: RunQueue;
  readonly #ort: typeof Ort;
  readonly #gpu: GPUDevice;
  readonly #census: BufferCensus;
  readonly #sessions = new Set<WebGpuSession>();
  readonly #kernels: WebGpuKernel[] = [];
  #closed = false;

  constructor(ort: typeof Ort, waiting: Waiting, { device, info }: OwnedDevice, queue: RunQueue) {
    this.#ort = ort;
    this.#gpu = device;
    this.#census = new BufferCensus(device);
    this.queue = queue;
    this.fingerprint = {
      runtime: `onnxruntime-web ${ort.env.versions.web ?? ort.env.versions.common} ${waiting}`,
      device: 'webgpu',
      adapter: [info.vendor, info.architecture, info.device, info.description].filter(Boolean).join(' '),
      features: [...device.features].sort().join(' '),
      // It compiles the shaders.
      browser: navigator.userAgent,
    };
    void device.lost.then(({ reason, message }) => {
      if (!this.#closed) queue.fail(new DeviceLostError(reason, message));
    });
  }

  /** GPU buffers alive on the device, ours and ONNX Runtime's. */
  get liveBuffers(): number {
    return this.#census.count;
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
      return Promise.resolve(new GpuTensor(value, () => buffer.destroy()));
    });
  }

  async read(tensor: DeviceTensor): Promise<TensorData> {
    if (tensor instanceof HostTensor) return tensor.data;
    const { buffer } = gpuTensor(tensor);
    const bytes = byteLength(tensor.dataType, tensor.dims);
    return this.call('read', async () => {
      const staging = this.#gpu.createBuffer({
        size: bufferSize(bytes),
        usage: GPUBufferUsage.MAP_READ | GPUBufferUsage.COPY_DST,
      });
      try {
        const encoder = this.#gpu.createCommandEncoder();
        encoder.copyBufferToBuffer(buffer, 0, staging, 0, Math.ceil(bytes / 4) * 4);
        this.#gpu.queue.submit([encoder.finish()]);
        await staging.mapAsync(GPUMapMode.READ);
        return views[tensor.dataType](staging.getMappedRange().slice(0, bytes));
      } finally {
        staging.destroy();
      }
    });
  }

  hostMemory(tensor: DeviceTensor): TensorData | undefined {
    return tensor instanceof HostTensor ? tensor.data : undefined;
  }

  availableMemory(): number {
    return Math.max(0, gpuBudgetBytes() - this.#census.bytes);
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
    refuseTooLarge(options.name, options.memoryBytes, this.availableMemory());
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

  /** One call at a time, with a deadline; an error that came of a lost device is told as that. */
  call<T>(name: string, task: () => Promise<T>): Promise<T> {
    return this.queue.run(name, async () => {
      try {
        return await task();
      } catch (error) {
        await new Promise((resolve) => setTimeout(resolve, lossNoticeMilliseconds));
        throw this.queue.error ?? error;
      }
    });
  }

  value(tensor: DeviceTensor): Ort.Tensor {
    if (tensor instanceof GpuTensor) return tensor.value;
    if (tensor instanceof HostTensor) return new this.#ort.Tensor(tensor.dataType, tensor.data, tensor.dims);
    throw new Error('the tensor belongs to another runtime');
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
    const feeds: Record<string, Ort.Tensor> = {};
    for (const name of this.inputNames) {
      const tensor = inputs[name];
      if (tensor === undefined) throw new Error(`${this.#name}: no value for input ${name}`);
      feeds[name] = this.#runtime.value(tensor);
    }
    const results = await this.#runtime.call(this.#name, () => this.#session.run(feeds));
    const outputs: Record<string, DeviceTensor> = {};
    for (const name of this.outputNames) {
      outputs[name] = new GpuTensor(results[name] as Ort.Tensor);
      recycle[name]?.dispose();
    }
    return outputs;
  }

  async release(): Promise<void> {
    if (this.#released) return;
    this.#released = true;
    this.#onRelease();
    await this.#runtime.call(`closing ${this.#name}`, () => this.#session.release());
  }
}
