import { SingleBar } from 'cli-progress';
import type { Json } from '../host/contract.ts';

/** Where a command's words go. Results to standard output; everything else to standard error. */
export interface CliIo {
  /** Whether `--json` was given: then standard output carries one object and nothing else. */
  readonly json: boolean;
  /** A line of the human-readable result on standard output. Says nothing under `--json`. */
  print(line: string): void;
  /** The result as one JSON object. Says nothing without `--json`. At most once in a command. */
  printJson(value: Json): void;
  /** A line on standard error: what is going on. */
  note(line: string): void;
  /** A line on standard error, marked as a warning. */
  warn(line: string): void;
  /** Shows how far a long piece of work has come, on standard error. */
  progress(label: string, total: number, unit: string): Progress;
}

export interface Progress {
  /** `done` counts from 0 to the total; `detail` is shown behind the numbers, e.g. `loss 0.31`. */
  update(done: number, detail?: string): void;
  /** Changes the total where it turns out different from what was thought. */
  setTotal(total: number): void;
  /** Must be called also when the work fails. */
  stop(): void;
}

interface OutputStream extends NodeJS.WritableStream {
  readonly isTTY?: boolean;
}

/** Without a terminal a line is printed this often, not for every step. */
const plainIntervalMilliseconds = 15_000;

export class ProcessIo implements CliIo {
  json = false;
  readonly #stdout: OutputStream;
  readonly #stderr: OutputStream;
  #printedJson = false;
  #active: Progress | undefined;

  constructor(stdout: OutputStream = process.stdout, stderr: OutputStream = process.stderr) {
    this.#stdout = stdout;
    this.#stderr = stderr;
  }

  print(line: string): void {
    if (!this.json) this.#stdout.write(`${line}\n`);
  }

  printJson(value: Json): void {
    if (!this.json) return;
    if (this.#printedJson) throw new Error('printJson: a command prints one JSON object');
    this.#printedJson = true;
    this.#stdout.write(`${JSON.stringify(value)}\n`);
  }

  note(line: string): void {
    this.#stderr.write(`${line}\n`);
  }

  warn(line: string): void {
    this.note(`warning: ${line}`);
  }

  progress(label: string, total: number, unit: string): Progress {
    this.stopProgress();
    const progress =
      this.#stderr.isTTY === true
        ? new BarProgress(this.#stderr, label, total, unit)
        : new PlainProgress((line) => this.note(line), label, total, unit);
    this.#active = progress;
    return progress;
  }

  /** Leaves the terminal clean for an error message. */
  stopProgress(): void {
    this.#active?.stop();
    this.#active = undefined;
  }
}

class Rate {
  readonly #startedAt = performance.now();

  describe(done: number, total: number, unit: string): string {
    const seconds = (performance.now() - this.#startedAt) / 1000;
    if (done <= 0 || seconds <= 0) return '';
    const rate = done / seconds;
    return `${formatRate(rate)} ${unit}/s, ${formatDuration((total - done) / rate)} left`;
  }
}

function formatRate(rate: number): string {
  if (rate >= 100) return rate.toFixed(0);
  return rate.toPrecision(3);
}

/** `47 s`, `3 min 5 s`, `2 h 11 min`. */
export function formatDuration(seconds: number): string {
  const whole = Math.max(0, Math.round(seconds));
  if (whole < 60) return `${whole} s`;
  if (whole < 3600) return `${Math.floor(whole / 60)} min ${whole % 60} s`;
  return `${Math.floor(whole / 3600)} h ${Math.floor((whole % 3600) / 60)} min`;
}

class BarProgress implements Progress {
  readonly #bar: SingleBar;
  readonly #rate = new Rate();
  readonly #unit: string;
  #total: number;

  constructor(stream: OutputStream, label: string, total: number, unit: string) {
    this.#unit = unit;
    this.#total = total;
    this.#bar = new SingleBar({
      stream,
      format: `${label} {bar} {percentage}% {value}/{total} {rate} {detail}`,
      barsize: 24,
      barCompleteChar: '█',
      barIncompleteChar: '░',
      hideCursor: false,
      stopOnComplete: false,
    });
    this.#bar.start(total, 0, { rate: '', detail: '' });
  }

  update(done: number, detail = ''): void {
    this.#bar.update(done, { rate: this.#rate.describe(done, this.#total, this.#unit), detail });
  }

  setTotal(total: number): void {
    this.#total = total;
    this.#bar.setTotal(total);
  }

  stop(): void {
    this.#bar.stop();
  }
}

class PlainProgress implements Progress {
  readonly #write: (line: string) => void;
  readonly #label: string;
  readonly #unit: string;
  readonly #rate = new Rate();
  #total: number;
  #lastLineAt = performance.now();

  constructor(write: (line: string) => void, label: string, total: number, unit: string) {
    this.#write = write;
    this.#label = label;
    this.#total = total;
    this.#unit = unit;
  }

  update(done: number, detail = ''): void {
    const now = performance.now();
    if (now - this.#lastLineAt < plainIntervalMilliseconds) return;
    this.#lastLineAt = now;
    const rate = this.#rate.describe(done, this.#total, this.#unit);
    const parts = [`${this.#label}: ${done}/${this.#total}`, rate, detail].filter((part) => part !== '');
    this.#write(parts.join(', '));
  }

  setTotal(total: number): void {
    this.#total = total;
  }

  stop(): void {
    // Nothing stays open: every line was complete.
  }
}
