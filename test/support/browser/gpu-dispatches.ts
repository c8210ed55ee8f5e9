/** The proof that a test has used a GPU: what this thread and its workers have dispatched. */
import { gpuCalls } from './gpu-calls.ts';

let ofWorkers = 0;

export function gpuDispatches(): number {
  return gpuCalls().dispatches + ofWorkers;
}

/** Adds what a worker of the test has counted. */
export function addDispatches(ofWorker: number): void {
  ofWorkers += ofWorker;
}
