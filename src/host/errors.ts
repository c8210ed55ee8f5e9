import { withoutControls } from './printable.ts';

/** Characters of a problem, a remedy or a name: what quotes a whole value of a file is cut. */
const MAX_CHARACTERS = 1500;

/**
 * What is wrong with something the user gave us, in one line that names the file, the line and the remedy.
 * The command line prints the message alone and exits with code 2. Whatever a message quotes, it is one line of
 * printable characters.
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
      options.file === undefined ? '' : `${oneLine(options.file)}${options.line ? `:${options.line}` : ''}: `;
    const [what, remedy] = [oneLine(problem), oneLine(options.remedy)];
    super(`${place}${what}. ${remedy}.`, { cause: options.cause });
    this.problem = what;
    this.remedy = remedy;
    this.file = options.file;
    this.line = options.line;
  }
}

function oneLine(text: string): string {
  const line = withoutControls(text.slice(0, MAX_CHARACTERS + 1));
  if (line.length <= MAX_CHARACTERS) return line;
  // Not in the middle of a character of two units.
  return `${line.slice(0, MAX_CHARACTERS - 1).replace(/[\ud800-\udbff]$/, '')}…`;
}

/** The machine has too little of something: memory, disk, a device. Nothing the user had is lost. */
export class ResourceError extends InputError {
  override readonly name = 'ResourceError';
}

/** The message of anything thrown. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
