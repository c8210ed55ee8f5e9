/**
 * What is wrong with something the user gave us, in one line that names the file, the line and the remedy.
 * The command line prints the message alone and exits with code 2.
 */
export class InputError extends Error {
  override readonly name: string = 'InputError';
  /** What was wrong, without place and remedy. */
  readonly problem: string;
  /** What the user can do about it. */
  readonly remedy: string;
  readonly file: string | undefined;
  /** 1-based. */
  readonly line: number | undefined;

  constructor(
    problem: string,
    options: { remedy: string; file?: string | undefined; line?: number | undefined; cause?: unknown },
  ) {
    const place =
      options.file === undefined ? '' : `${options.file}${options.line ? `:${options.line}` : ''}: `;
    super(`${place}${problem}. ${options.remedy}.`, { cause: options.cause });
    this.problem = problem;
    this.remedy = options.remedy;
    this.file = options.file;
    this.line = options.line;
  }
}

/** The machine has too little of something: memory, disk, a device. Nothing the user had is lost. */
export class ResourceError extends InputError {
  override readonly name = 'ResourceError';
}

/** Work needs more memory than there is, on the device or beside it. Less of it at a time may fit. */
export class OutOfMemoryError extends ResourceError {}

/** The message of anything thrown. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
