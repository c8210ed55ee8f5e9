import type { DataType } from '../../core/tensor-size.ts';
import type {
  Device,
  DeviceTensor,
  ElementwiseKernel,
  ElementwiseProgram,
  Runtime,
  Session,
  SessionOptions,
  TensorData,
} from '../../host/contract.ts';

/** A worker that computes for so long without a break hears nothing of what the page asks meanwhile. */
const longestDeafness = 20;

/**
 * A runtime that can be held between two runs of graphs. What computes with it notices nothing but the time, so a
 * paused training goes on with the bits that it would have had. Between runs it also lets the worker's messages in:
 * ONNX Runtime on WASM answers without ever giving the thread back.
 */
export class PausableRuntime implements Runtime {
  readonly device: Device;
  readonly threads: number;
  readonly largestTensorBytes: number;
  readonly fingerprint: Readonly<Record<string, string>>;
  /** Only where the inner runtime has it. */
  readonly createKernel?: (program: ElementwiseProgram) => Promise<ElementwiseKernel>;
  readonly #inner: Runtime;
  readonly #breath = new MessageChannel();
  #lastBreath = 0;
  #gate: Promise<void> | undefined;
  #pausedAt = 0;
  /** Of pauses that have ended. */
  #paused = 0;
  #open: (() => void) | undefined;

  constructor(inner: Runtime) {
    this.#inner = inner;
    this.device = inner.device;
    this.threads = inner.threads;
    this.largestTensorBytes = inner.largestTensorBytes;
    this.fingerprint = inner.fingerprint;
    if (inner.createKernel !== undefined) {
      this.createKernel = async (program) => {
        const kernel = await inner.createKernel?.(program);
        if (kernel === undefined) throw new Error(`there is no kernel for ${program.name}`);
        return {
          run: async (sets) => {
            await this.turn();
            await kernel.run(sets);
          },
        };
      };
    }
  }

  get isPaused(): boolean {
    return this.#gate !== undefined;
  }

  pause(): void {
    if (this.isPaused) return;
    this.#gate = new Promise((resolve) => (this.#open = resolve));
    this.#pausedAt = performance.now();
  }

  resume(): void {
    if (this.isPaused) this.#paused += performance.now() - this.#pausedAt;
    this.#open?.();
    this.#gate = undefined;
    this.#open = undefined;
  }

  /** Milliseconds of all pauses so far: what computes takes no longer for them. */
  get pausedMilliseconds(): number {
    return this.#paused + (this.isPaused ? performance.now() - this.#pausedAt : 0);
  }

  tensor(dataType: DataType, dims: readonly number[], data?: TensorData): DeviceTensor {
    return this.#inner.tensor(dataType, dims, data);
  }

  upload(tensor: DeviceTensor): Promise<DeviceTensor> {
    return this.#inner.upload(tensor);
  }

  read(tensor: DeviceTensor): Promise<TensorData> {
    return this.#inner.read(tensor);
  }

  readAll(tensors: readonly DeviceTensor[]): Promise<TensorData[]> {
    return this.#inner.readAll(tensors);
  }

  hostMemory(tensor: DeviceTensor): TensorData | undefined {
    return this.#inner.hostMemory(tensor);
  }

  async createSession(model: Uint8Array, options: SessionOptions): Promise<Session> {
    const session = await this.#inner.createSession(model, options);
    return {
      inputNames: session.inputNames,
      outputNames: session.outputNames,
      run: async (inputs, recycle) => {
        await this.turn();
        return session.run(inputs, recycle);
      },
      release: () => session.release(),
    };
  }

  availableMemory(): number {
    return this.#inner.availableMemory();
  }

  close(): Promise<void> {
    return this.#inner.close();
  }

  /** Awaited before each run of a graph, and by what computes without this runtime. */
  async turn(): Promise<void> {
    if (performance.now() - this.#lastBreath > longestDeafness) {
      // A message to ourselves comes back behind those that wait; a timer would cost 4 ms.
      await new Promise((resolve) => {
        this.#breath.port1.onmessage = resolve;
        this.#breath.port2.postMessage(null);
      });
      this.#lastBreath = performance.now();
    }
    while (this.#gate !== undefined) await this.#gate;
  }
}
