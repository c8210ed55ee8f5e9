/** Counts what this thread of a browser has asked of a GPU, as proof that a test has used it. */
let dispatches = 0;

if (typeof GPUComputePassEncoder !== 'undefined') {
  const original = Object.getOwnPropertyDescriptor(GPUComputePassEncoder.prototype, 'dispatchWorkgroups')
    ?.value as GPUComputePassEncoder['dispatchWorkgroups'];
  GPUComputePassEncoder.prototype.dispatchWorkgroups = function (...counts) {
    dispatches++;
    original.apply(this, counts);
  };
}

export function gpuDispatches(): number {
  return dispatches;
}

/** Adds what a worker of the test has counted. */
export function addDispatches(ofWorker: number): void {
  dispatches += ofWorker;
}
