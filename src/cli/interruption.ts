import { constants } from 'node:os';
import type { CliIo } from './io.ts';

/** Ends a training after its step when the user asks for it, and the process when asked once more. */
export class Interruption {
  aborted = false;
  /** As shells count: 128 and the signal's number. */
  exitCode = 0;
  readonly #io: CliIo;
  readonly #listeners: readonly (readonly ['SIGINT' | 'SIGTERM', () => void])[];

  constructor(io: CliIo) {
    this.#io = io;
    this.#listeners = [
      ['SIGINT', () => this.#interrupt(128 + constants.signals.SIGINT)],
      ['SIGTERM', () => this.#interrupt(128 + constants.signals.SIGTERM)],
    ];
    for (const [signal, listener] of this.#listeners) process.on(signal, listener);
  }

  stopListening(): void {
    for (const [signal, listener] of this.#listeners) process.off(signal, listener);
  }

  #interrupt(exitCode: number): void {
    if (this.aborted) process.exit(exitCode);
    this.aborted = true;
    this.exitCode = exitCode;
    this.#io.note('ending after this step, with a checkpoint; once more to end at once');
  }
}
