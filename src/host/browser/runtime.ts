import type { Runtime } from '../contract.ts';
import { InputError, messageOf } from '../../core/errors.ts';
import { requestAdapter } from './gpu-device.ts';
import { openWasmRuntime } from './runtime-wasm.ts';
import { bestWaiting, openWebGpuRuntime, type Waiting } from './runtime-webgpu.ts';
import { wasmThreads } from './threads.ts';

export interface BrowserRuntimeOptions {
  /** `auto` takes a GPU where WebGPU offers one, and WASM elsewhere, also where software would play the GPU. */
  readonly device: 'auto' | 'wasm' | 'webgpu';
  /** Threads of one operation on WASM; see threads.ts for how many by default. */
  readonly threads?: number;
  /** Deadline of one call, after which the runtime is abandoned; two minutes by default. */
  readonly deadlineMilliseconds?: number;
  /** For tests; the better of those that the browser has by default. */
  readonly waiting?: Waiting;
}

export interface OpenedRuntime {
  readonly runtime: Runtime;
  /** Why `auto` did not take WebGPU. */
  readonly withoutGpu: string | undefined;
  /** Rejects when the runtime has ended before it was closed: DeviceLostError, DeadlineError. */
  readonly failed: Promise<never>;
}

/**
 * Opens ONNX Runtime in this worker, of which it takes possession: a worker has one runtime, and ends with it.
 * @throws InputError if WebGPU is asked for and not there
 */
export async function openRuntime(options: BrowserRuntimeOptions): Promise<OpenedRuntime> {
  const milliseconds = options.deadlineMilliseconds ?? 120_000;
  let withoutGpu: string | undefined;
  if (options.device !== 'wasm') {
    const adapter = options.device === 'webgpu' ? await requestAdapter() : await hardwareAdapter();
    if (typeof adapter !== 'string') {
      const runtime = await openWebGpuRuntime(adapter, options.waiting ?? bestWaiting(), milliseconds);
      const { failed } = runtime.queue;
      return { runtime, withoutGpu, failed };
    }
    withoutGpu = adapter;
  }
  const runtime = await openWasmRuntime(
    options.threads ?? wasmThreads(navigator.hardwareConcurrency, crossOriginIsolated),
    milliseconds,
  );
  return { runtime, withoutGpu, failed: runtime.queue.failed };
}

/** A GPU that is faster than WASM, or why there is none. */
async function hardwareAdapter(): Promise<GPUAdapter | string> {
  try {
    const adapter = await requestAdapter();
    return adapter.info.isFallbackAdapter ? 'the browser plays the GPU in software' : adapter;
  } catch (error) {
    // Without the remedy: it trains all the same.
    return error instanceof InputError ? error.problem : messageOf(error);
  }
}
