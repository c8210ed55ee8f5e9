/**
 * The GPU device is gone: its driver crashed or was reset, or the browser took it away. Nothing stored has changed.
 * What lived on the device is lost; open a runtime in a new worker and go on from the last checkpoint. The old
 * runtime must not be used again: ONNX Runtime would block its thread for ever.
 */
export class DeviceLostError extends Error {
  override readonly name = 'DeviceLostError';
  /** As WebGPU names it: `destroyed` by us, or `unknown`. */
  readonly reason: string;

  constructor(reason: string, message: string) {
    super(`the GPU device was lost (${reason}): ${message}`);
    this.reason = reason;
  }
}

/** A call did not answer in its time. The runtime takes no more calls: end its worker and open another. */
export class DeadlineError extends Error {
  override readonly name = 'DeadlineError';
  /** What was asked. */
  readonly call: string;
  readonly milliseconds: number;

  constructor(call: string, milliseconds: number) {
    super(`${call} gave no answer in ${milliseconds / 1000} s`);
    this.call = call;
    this.milliseconds = milliseconds;
  }
}
