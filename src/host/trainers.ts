import type { StartWorker } from './channel.ts';

/** What a host trains in, beside the worker that runs the recipe (pipeline/trainers.ts). */
export interface Trainers {
  /** That trainings may use, all together. */
  readonly cores: number;
  /** Starts a worker whose module calls `serveTrainings`. */
  readonly start: StartWorker;
  /** What each of them opens, as its module understands it. */
  readonly place: unknown;
}
