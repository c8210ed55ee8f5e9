import type * as Ort from 'onnxruntime-web/wasm';
import { InputError } from '../../core/errors.ts';
import { elementCount } from '../../core/tensor-size.ts';
import type { DataType } from '../../core/tensor-size.ts';
import { hasWasmSimd } from '../../core/wasm-simd.ts';
import type { DeviceTensor, Runtime, Session, SessionOptions, TensorData } from '../contract.ts';
import { HostTensor } from './host-tensor.ts';
import { refuseTooLarge, wasmBudgetBytes } from './memory.ts';
import { onnxFiles } from './onnx-files.ts';
import { RunQueue } from './run-queue.ts';
import { wasmThreads } from './threads.ts';

let loading: Promise<typeof Ort> | undefined;
let loadedThreads = 0;

/** How every session in WASM computes. */
export const wasmSessionOptions = {
  executionProviders: ['wasm'],
  graphOptimizationLevel: 'all',
  enableCpuMemArena: false,
  logSeverityLevel: 3,
  // Threads that still wait for work of the last session would keep the next one's from the cores.
  extra: { session: { use_deterministic_compute: '1', force_spinning_stop: '1' } },
} as const satisfies Ort.InferenceSession.SessionOptions;

/**
 * Loads ONNX Runtime once for this worker: its number of threads holds for as long as the worker lives.
 * @param threads by default those that it has already, or as many as suit the machine
 */
export async function loadWasmOrt(
  threads = loading === undefined
    ? wasmThreads(navigator.hardwareConcurrency, crossOriginIsolated)
    : loadedThreads,
): Promise<typeof Ort> {
  if (loading !== undefined && threads !== loadedThreads) {
    throw new Error(`this worker computes with ${loadedThreads} threads: open another for ${threads}`);
  }
  loadedThreads = threads;
  loading ??= import('onnxruntime-web/wasm').then((ort) => {
    ort.env.logLevel = 'error';
    ort.env.wasm.numThreads = threads;
    ort.env.wasm.wasmPaths = onnxFiles('wasm');
    return ort;
  });
  return loading;
}

/** Opens ONNX Runtime's WASM build. @param milliseconds that one call may take */
export async function openWasmRuntime(threads: number, milliseconds: number): Promise<WasmRuntime> {
  return new WasmRuntime(await loadWasmOrt(threads), threads, new RunQueue(milliseconds));
}

/** Computes in WASM. Tensors are JavaScript's; each run copies its inputs into the WASM heap and its outputs out. */
export class WasmRuntime implements Runtime {
  readonly device = 'wasm';
  readonly threads: number;
  readonly largestTensorBytes = 2 ** 32;
  readonly fingerprint: Readonly<Record<string, string>>;
  readonly queue: RunQueue;
  readonly #ort: typeof Ort;
  readonly #sessions = new Set<WasmSession>();

  constructor(ort: typeof Ort, threads: number, queue: RunQueue) {
    this.#ort = ort;
    this.threads = threads;
    this.queue = queue;
    this.fingerprint = {
      runtime: `onnxruntime-web ${ort.env.versions.web ?? ort.env.versions.common}`,
      device: 'wasm',
      threads: String(threads),
    };
  }

  tensor(dataType: DataType, dims: readonly number[], data?: TensorData): DeviceTensor {
    return new HostTensor(dataType, dims, data);
  }

  upload(tensor: DeviceTensor): Promise<DeviceTensor> {
    return Promise.resolve(tensor);
  }

  read(tensor: DeviceTensor): Promise<TensorData> {
    return Promise.resolve(hostTensor(tensor).data);
  }

  readAll(tensors: readonly DeviceTensor[]): Promise<TensorData[]> {
    return Promise.all(tensors.map((tensor) => this.read(tensor)));
  }

  hostMemory(tensor: DeviceTensor): TensorData | undefined {
    return hostTensor(tensor).data;
  }

  availableMemory(): number {
    return wasmBudgetBytes();
  }

  async createSession(model: Uint8Array, options: SessionOptions): Promise<Session> {
    // Not before the first graph: what is a table of vectors trains without any.
    if (!hasWasmSimd()) {
      throw new InputError('this browser has no WebAssembly with SIMD, which a transformer needs', {
        remedy: 'Use a current Chrome, Edge, Firefox or Safari, or choose a static encoder such as pico',
      });
    }
    refuseTooLarge(options.name, options.memoryBytes, this.availableMemory());
    const session = await this.queue.run(`opening ${options.name}`, () =>
      this.#ort.InferenceSession.create(model, wasmSessionOptions),
    );
    const wrapped = new WasmSession(this.#ort, this.queue, session, options.name, () =>
      this.#sessions.delete(wrapped),
    );
    this.#sessions.add(wrapped);
    return wrapped;
  }

  async close(): Promise<void> {
    await Promise.all([...this.#sessions].map((session) => session.release()));
  }
}

function hostTensor(tensor: DeviceTensor): HostTensor {
  if (tensor instanceof HostTensor) return tensor;
  throw new Error('the tensor belongs to another runtime');
}

class WasmSession implements Session {
  readonly inputNames: readonly string[];
  readonly outputNames: readonly string[];
  readonly #ort: typeof Ort;
  readonly #queue: RunQueue;
  readonly #session: Ort.InferenceSession;
  readonly #name: string;
  readonly #onRelease: () => void;
  #released = false;

  constructor(
    ort: typeof Ort,
    queue: RunQueue,
    session: Ort.InferenceSession,
    name: string,
    onRelease: () => void,
  ) {
    this.#ort = ort;
    this.#queue = queue;
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
      const { dataType, data, dims } = hostTensor(tensor);
      feeds[name] = new this.#ort.Tensor(dataType, data, dims);
    }
    const results = await this.#queue.run(this.#name, () => this.#session.run(feeds));
    const outputs: Record<string, DeviceTensor> = {};
    for (const name of this.outputNames) {
      const { type, dims, data } = results[name] as Ort.Tensor;
      const target = recycle[name];
      outputs[name] =
        target === undefined
          ? new HostTensor(type as DataType, dims, data as TensorData)
          : fill(hostTensor(target), data as TensorData);
    }
    return outputs;
  }

  async release(): Promise<void> {
    if (this.#released) return;
    this.#released = true;
    this.#onRelease();
    await this.#queue.run(`closing ${this.#name}`, () => this.#session.release());
  }
}

function fill(target: HostTensor, data: TensorData): HostTensor {
  if (data.length !== elementCount(target.dims)) throw new Error('a recycled tensor has another size');
  (target.data as Float32Array).set(data as Float32Array);
  return target;
}
