import type { Plan } from './plan.ts';
import type { StageEvent } from './workshop.ts';

/** How long the rest of a job takes: the plan's estimates, corrected by how long finished stages really took. */
export class TimeLeft {
  readonly #expected = new Map<string, number>();
  #left = 0;
  #finishedExpected = 0;
  #finishedTook = 0;

  expect({ stages }: Plan): void {
    this.#expected.clear();
    for (const { key, seconds } of stages) this.#expected.set(key, seconds);
    this.#left = [...this.#expected.values()].reduce((sum, seconds) => sum + seconds, 0);
  }

  /** @returns seconds */
  after(event: StageEvent): number {
    const expected = this.#expected.get(event.stage.key) ?? 0;
    switch (event.kind) {
      case 'stage':
        if (event.state === 'started') break;
        this.#expected.delete(event.stage.key);
        this.#left -= expected;
        if (event.state === 'finished') {
          this.#finishedExpected += expected;
          this.#finishedTook += event.seconds;
        }
        break;
      case 'progress':
        if (event.stageSecondsLeft !== undefined)
          return this.#corrected(this.#left - expected) + event.stageSecondsLeft;
        return this.#corrected(this.#left - expected * (event.done / Math.max(1, event.total)));
      case 'training':
        if (event.event.kind === 'step')
          return this.#corrected(this.#left - expected) + event.event.secondsLeft;
        break;
      case 'generation':
        // Each is followed by a progress event, which knows.
        break;
    }
    return this.#corrected(this.#left);
  }

  #corrected(seconds: number): number {
    // A second of finished work, at least, before it is believed.
    const factor = this.#finishedExpected > 1 ? this.#finishedTook / this.#finishedExpected : 1;
    return Math.max(0, seconds * factor);
  }
}
