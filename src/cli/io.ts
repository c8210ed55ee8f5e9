import type { Jsonable } from '../core/json.ts';
import { setImmediate } from 'node:timers/promises';
import { messageOf, ResourceError } from '../core/errors.ts';
import { errorCode } from '../host/node/file-operations.ts';
import { printableJson, printableText } from '../core/other-text.ts';
import type { OutputStream, Progress } from './progress.ts';
import { BarProgress, PlainProgress } from './progress.ts';

export type { Progress } from './progress.ts';

/**
 * Where a command's words go. Results to standard output; everything else to standard error. Each text is one line, in
 * which characters that could do something to a terminal are written out.
 */
export interface CliIo {
  /** Whether `--json` was given: then standard output carries one object and nothing else. */
  readonly json: boolean;
  /** A line of the human-readable result on standard output. Says nothing under `--json`. */
  print(line: string): void;
  /** The result as one JSON object. Says nothing without `--json`. At most once in a command. */
  printJson<Value>(value: Value & Jsonable<Value>): void;
  /** A line on standard error: what is going on. */
  note(line: string): void;
  /** A line on standard error, marked as a warning. */
  warn(line: string): void;
  /** Shows how far a long piece of work has come, on standard error. One at a time. */
  progress(label: string, total: number, unit: string): Progress;
}

export class ProcessIo implements CliIo {
  json = false;
  readonly #stdout: OutputStream;
  readonly #stderr: OutputStream;
  /** Why standard output takes nothing any more. */
  #lostOutput: unknown;
  #printedJson = false;
  #bar: BarProgress | undefined;

  constructor(stdout: OutputStream = process.stdout, stderr: OutputStream = process.stderr) {
    this.#stdout = stdout;
    this.#stderr = stderr;
    stdout.on('error', (error: unknown) => {
      this.#lostOutput ??= error;
    });
    // What a command says on the way is not what it is for: where nobody can read it, the work goes on without it.
    stderr.on('error', () => undefined);
  }

  /** Text on standard output as it is. */
  writeOut(text: string): void {
    if (this.#lostOutput === undefined) this.#stdout.write(text);
  }

  /**
   * Resolves when the system has taken what was written.
   * @throws ResourceError if results are lost. A reader that has closed the pipe has seen enough: that is no error.
   */
  async flush(): Promise<void> {
    for (const stream of [this.#stdout, this.#stderr]) {
      await new Promise<void>((resolve) => void stream.write('', () => resolve()));
    }
    // A stream tells of its error after it has called back.
    await setImmediate();
    const error = this.#lostOutput;
    if (error === undefined || errorCode(error) === 'EPIPE') return;
    throw new ResourceError(`the results could not be written (${errorCode(error) ?? messageOf(error)})`, {
      file: 'standard output',
      remedy: 'Choose another place for the output, or free disk space',
      cause: error,
    });
  }

  print(line: string): void {
    // Tabs are between the columns of trec_eval's output.
    if (!this.json) this.writeOut(`${line.split('\t').map(printableText).join('\t')}\n`);
  }

  printJson<Value>(value: Value & Jsonable<Value>): void {
    if (!this.json) return;
    if (this.#printedJson) throw new Error('printJson: a command prints one JSON object');
    this.#printedJson = true;
    this.writeOut(`${printableJson(JSON.stringify(value))}\n`);
  }

  note(line: string): void {
    const text = printableText(line);
    if (this.#bar === undefined) this.#stderr.write(`${text}\n`);
    else this.#bar.interrupt(text);
  }

  warn(line: string): void {
    this.note(`warning: ${line}`);
  }

  progress(label: string, total: number, unit: string): Progress {
    this.stopProgress();
    if (this.#stderr.isTTY !== true)
      return new PlainProgress((line) => this.note(line), { label, unit }, total);
    const bar = new BarProgress(this.#stderr, { label, unit }, total);
    this.#bar = bar;
    return {
      update: (done, detail) => bar.update(done, detail),
      stop: () => {
        if (this.#bar === bar) this.stopProgress();
      },
    };
  }

  /** Leaves the terminal clean for what comes next. */
  stopProgress(): void {
    this.#bar?.stop();
    this.#bar = undefined;
  }
}
