/** More than this many threads wait for each other longer than they compute, on matrices of our sizes. */
const most = 8;

/**
 * Threads for WASM: one for each core, of which two logical processors are mostly one, and the page has to draw too.
 * @param logicalProcessors navigator.hardwareConcurrency
 * @param isolated crossOriginIsolated: without it a browser shares no memory between threads
 */
export function wasmThreads(logicalProcessors: number, isolated: boolean): number {
  return isolated ? Math.min(most, Math.max(1, Math.floor(logicalProcessors / 2))) : 1;
}
