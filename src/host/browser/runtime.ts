import type { Runtime } from '../contract.ts';
import { openWasmRuntime } from './runtime-wasm.ts';

export interface BrowserRuntimeOptions {
  readonly device: 'wasm';
  /** Threads of one operation on WASM; as many as the machine has cores by default, one where none can be had. */
  readonly threads?: number;
  /** What one call may take before the runtime is given up; two minutes by default. */
  readonly deadlineMilliseconds?: number;
}

/** Without the isolation headers a browser shares no memory between threads. */
function defaultThreads(): number {
  return crossOriginIsolated ? navigator.hardwareConcurrency : 1;
}

export async function openRuntime(options: BrowserRuntimeOptions): Promise<Runtime> {
  return openWasmRuntime(options.threads ?? defaultThreads(), options.deadlineMilliseconds ?? 120_000);
}
