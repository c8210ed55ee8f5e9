import type { GeneratorLoadProgress } from '../../generator.ts';

type Phase = GeneratorLoadProgress['phase'];

export interface PhaseState {
  readonly share?: number | undefined;
  readonly receivedBytes?: number | undefined;
  readonly totalBytes?: number | undefined;
}

/** Below this share of a phase, its duration cannot be estimated. */
const leastShare = 0.01;

/** Adds to the progress of a load how long its phase will still take, by a clock of our own. */
export class PhaseClock {
  readonly #now: () => number;
  #phase: Phase | undefined;
  #begun = 0;
  /** Progress of the phase at its first report: a resumed download does not begin at 0. */
  #firstShare = 0;

  /** @param now milliseconds that only grow */
  constructor(now: () => number) {
    this.#now = now;
  }

  report(phase: Phase, { share, receivedBytes, totalBytes }: PhaseState = {}): GeneratorLoadProgress {
    if (phase !== this.#phase) {
      this.#phase = phase;
      this.#begun = this.#now();
      this.#firstShare = share ?? 0;
    }
    const done = share === undefined ? 0 : share - this.#firstShare;
    const seconds = (this.#now() - this.#begun) / 1000;
    return {
      phase,
      ...(share === undefined ? {} : { share }),
      ...(receivedBytes === undefined ? {} : { receivedBytes }),
      ...(totalBytes === undefined ? {} : { totalBytes }),
      ...(share === undefined || done < leastShare || seconds === 0
        ? {}
        : { secondsLeft: (seconds * (1 - share)) / done }),
    };
  }
}
