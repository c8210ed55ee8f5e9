import { SingleBar } from 'cli-progress';
import { printableText } from '../core/other-text.ts';

export interface OutputStream extends NodeJS.WritableStream {
  readonly isTTY?: boolean;
  readonly columns?: number;
}

export interface Progress {
  /** `done` counts up to the total; `detail` is shown behind the numbers, e.g. `loss 0.31`. */
  update(done: number, detail?: string): void;
  /** Must be called also when the work fails. */
  stop(): void;
}

/** What a piece of work is called and counted in. */
export interface Work {
  readonly label: string;
  readonly unit: string;
}

/** Without a terminal a line is printed this often, not for every step. */
const plainIntervalMilliseconds = 15_000;

/** A line now and then, for logs. */
export class PlainProgress implements Progress {
  readonly #write: (line: string) => void;
  readonly #work: Work;
  readonly #rate = new Rate();
  readonly #total: number;
  #lastLineAt = performance.now();

  constructor(write: (line: string) => void, work: Work, total: number) {
    this.#write = write;
    this.#work = work;
    this.#total = total;
  }

  update(done: number, detail = ''): void {
    this.#rate.reach(done);
    const now = performance.now();
    if (now - this.#lastLineAt < plainIntervalMilliseconds) return;
    this.#lastLineAt = now;
    const parts = [`${this.#work.label}: ${done}/${this.#total} ${this.#work.unit}`];
    this.#write(withDetails(parts, this.#rate.describe(this.#total, this.#work.unit), detail));
  }

  stop(): void {
    // Every line was complete.
  }
}

const barWidth = 24;

/** A bar that stays on the last line of the terminal. */
export class BarProgress implements Progress {
  readonly #stream: OutputStream;
  readonly #bar: SingleBar;
  readonly #work: Work;
  readonly #rate = new Rate();
  #detail = '';

  constructor(stream: OutputStream, work: Work, total: number) {
    this.#stream = stream;
    this.#work = work;
    this.#bar = new SingleBar({
      stream,
      format: (_, { progress, value, total: wanted }) => this.#line(progress, value, wanted),
      // Lines are cut to the terminal's width instead: a killed process could not turn wrapping on again.
      linewrap: null,
      hideCursor: null,
      gracefulExit: false,
      emptyOnZero: true,
    });
    this.#bar.start(total, 0);
  }

  update(done: number, detail = ''): void {
    this.#rate.reach(done);
    this.#detail = detail;
    this.#bar.update(done);
  }

  stop(): void {
    this.#bar.stop();
  }

  /** Writes a line above the bar. */
  interrupt(line: string): void {
    // Over the bar, and then the place is saved anew to which the bar returns when it stops.
    this.#stream.write(`\r\x1b[K${line}\n\x1b7`);
  }

  #line(progress: number, value: number, total: number): string {
    const filled = Math.round(progress * barWidth);
    const bar = '█'.repeat(filled) + '░'.repeat(barWidth - filled);
    const { label, unit } = this.#work;
    const parts = [`${label} ${bar} ${Math.floor(progress * 100)}% ${value}/${total} ${unit}`];
    const line = printableText(withDetails(parts, this.#rate.describe(total, unit), this.#detail));
    return line.slice(0, Math.max(0, (this.#stream.columns ?? 80) - 1));
  }
}

function withDetails(parts: readonly string[], ...details: readonly string[]): string {
  return [...parts, ...details.filter((detail) => detail !== '')].join(', ');
}

interface Milestone {
  readonly done: number;
  /** Milliseconds. */
  readonly at: number;
}

/** The rate from the first report to the last: what a resumed piece of work had done before does not count. */
class Rate {
  #first: Milestone | undefined;
  #last: Milestone | undefined;

  reach(done: number): void {
    this.#last = { done, at: performance.now() };
    this.#first ??= this.#last;
  }

  describe(total: number, unit: string): string {
    if (this.#first === undefined || this.#last === undefined) return '';
    const done = this.#last.done - this.#first.done;
    const seconds = (this.#last.at - this.#first.at) / 1000;
    if (done <= 0 || seconds <= 0) return '';
    const left = (Math.max(0, total - this.#last.done) * seconds) / done;
    return `${formatRate(done / seconds)} ${unit}/s, ${formatDuration(left)} left`;
  }
}

function formatRate(rate: number): string {
  return rate >= 100 ? rate.toFixed(0) : rate.toPrecision(3);
}

/** `47 s`, `3 min 5 s`, `2 h 11 min`. */
export function formatDuration(seconds: number): string {
  const whole = Math.max(0, Math.round(seconds));
  if (whole < 60) return `${whole} s`;
  if (whole < 3600) return `${Math.floor(whole / 60)} min ${whole % 60} s`;
  return `${Math.floor(whole / 3600)} h ${Math.floor((whole % 3600) / 60)} min`;
}
