import { constants } from 'node:os';
import type { CliIo } from './io.ts';

/** Ends work when the user asks for it, after the step that it is at, and the process when asked once more. */
export class Interruption {
  readonly #ending = new AbortController();
  /** As shells count: 128 and the signal's number. */
  exitCode = 0;
  readonly #io: CliIo;
  readonly #promise: string;
  readonly #listeners: readonly (readonly ['SIGINT' | 'SIGTERM', () => void])[];

  /** @param promise what is said to have become of the work */
  constructor(io: CliIo, promise = 'saving a checkpoint and stopping after this step') {
    this.#io = io;
    this.#promise = promise;
    this.#listeners = [
      ['SIGINT', () => this.#interrupt(128 + constants.signals.SIGINT)],
      ['SIGTERM', () => this.#interrupt(128 + constants.signals.SIGTERM)],
    ];
    for (const [signal, listener] of this.#listeners) process.on(signal, listener);
  }

  get signal(): AbortSignal {
    return this.#ending.signal;
  }

  stopListening(): void {
    for (const [signal, listener] of this.#listeners) process.off(signal, listener);
  }

  #interrupt(exitCode: number): void {
    if (this.signal.aborted) process.exit(exitCode);
    this.exitCode = exitCode;
    this.#io.note(`${this.#promise}; press Ctrl+C again to quit now`);
    this.#ending.abort();
  }
}
