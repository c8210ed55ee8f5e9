/** More than this many threads wait for each other longer than they compute, on matrices of our sizes. */
const most = 8;

/** Cores for trainings: of two logical processors, one. @param logicalProcessors navigator.hardwareConcurrency */
export function trainingCores(logicalProcessors: number): number {
  return Math.max(Math.min(2, logicalProcessors), Math.floor(logicalProcessors / 2));
}

/**
 * Threads for WASM: one for each core, of which two logical processors are mostly one. Two where there are but two or
 * three processors: a training step is a third faster then, even if they are of one core.
 * @param logicalProcessors navigator.hardwareConcurrency
 * @param isolated crossOriginIsolated: without it a browser shares no memory between threads
 */
export function wasmThreads(logicalProcessors: number, isolated: boolean): number {
  return isolated ? Math.min(most, trainingCores(logicalProcessors)) : 1;
}
