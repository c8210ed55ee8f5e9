import { printableText, shortMessage } from './other-text.ts';

/**
 * A problem with the user's input, in one line that names the file, the line and the remedy.
 * The command line prints the message alone and exits with code 2. Whatever a message quotes, it is one line of
 * printable characters.
 */
export class InputError extends Error {
  override readonly name: string = 'InputError';
  /** The problem, without place and remedy. */
  readonly problem: string;
  /** How the user can fix it. */
  readonly remedy: string;
  readonly file: string | undefined;
  /** 1-based. */
  readonly line: number | undefined;

  constructor(
    problem: string,
    options: { remedy: string; file?: string | undefined; line?: number | undefined; cause?: unknown },
  ) {
    const place =
      options.file === undefined
        ? ''
        : `${printableText(options.file.slice(0, longestPath))}${options.line ? `:${options.line}` : ''}: `;
    const [said, remedy] = [oneLine(problem), oneLine(options.remedy)];
    super(`${place}${said}. ${remedy}.`, { cause: options.cause });
    this.problem = said;
    this.remedy = remedy;
    this.file = options.file;
    this.line = options.line;
  }
}

/** A path is named whole, to be found; what is longer than any path is not one. */
const longestPath = 1000;

/** Whatever it quotes of a file, a message is one line that can be shown anywhere. */
function oneLine(text: string): string {
  return printableText(shortMessage(text));
}

/** The machine has too little of something: memory, disk, a device. Nothing the user had is lost. */
export class ResourceError extends InputError {
  override readonly name = 'ResourceError';
}

/** A computation needs more memory than the device or the host has. A smaller part at a time may fit. */
export class OutOfMemoryError extends ResourceError {}

/** The message of anything thrown. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

/**
 * The GPU device is gone: its driver crashed or was reset, or the browser took it away. Nothing stored has changed.
 * The contents of the device are lost; open a runtime in a new worker and resume from the last checkpoint. The old
 * runtime must not be used again: ONNX Runtime would block its thread forever.
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
    super(`${call} did not respond within ${milliseconds / 1000} s`);
    this.call = call;
    this.milliseconds = milliseconds;
  }
}

/** A worker has ended, failed or been ended with what was asked of it. Nothing stored has changed. */
export class WorkerLostError extends Error {
  override readonly name = 'WorkerLostError';
}
