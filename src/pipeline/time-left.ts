import type { Plan, PlannedStage } from './plan.ts';
import { secondsOfAll } from './under-way.ts';
import type { StageEvent } from './workshop.ts';

/** How long something may take, in seconds. A type alias, so that it is assignable to Json. */
export type TimeRange = Readonly<{ expected: number; least: number; most: number }>;

/** The least and the most that measured work corrects an estimate by: beyond, what was measured was an exception. */
const factors = { least: 0.5, most: 3 } as const;
/** How far an estimate that nothing confirms may be off, each way. */
const doubt = 1.5;
/** Seconds of expected work that have to be measured before it corrects anything. */
const leastEvidence = 1;

/** A stage at work. */
interface Running {
  /** Of its work, done. */
  readonly share: number;
  /** Of the stage, as it measures it itself. */
  readonly secondsLeft: number | undefined;
  /** What the share that is done took. */
  readonly took: number | undefined;
}

/**
 * How long the rest of a job takes: the plan's estimates, each corrected by how long work of its own kind really took.
 * A slow search says nothing of how fast trainings are.
 */
export class TimeLeft {
  readonly #pending = new Map<string, PlannedStage>();
  readonly #finished = new Map<PlannedStage['cost'], { expected: number; took: number }>();
  /** By their keys. */
  readonly #running = new Map<string, Running>();
  #trainingsAtOnce = 1;

  expect({ stages, trainingsAtOnce }: Pick<Plan, 'stages' | 'trainingsAtOnce'>): void {
    this.#trainingsAtOnce = trainingsAtOnce;
    this.#pending.clear();
    for (const stage of stages) if (!stage.stored) this.#pending.set(stage.key, stage);
  }

  after(event: StageEvent): TimeRange {
    const { key } = event.stage;
    switch (event.kind) {
      case 'stage':
        if (event.state === 'started') break;
        if (event.state === 'finished') this.#measure(key, event.seconds);
        this.#pending.delete(key);
        this.#running.delete(key);
        break;
      case 'progress':
        this.#reach(key, event.done / Math.max(1, event.total), event.stageSecondsLeft);
        break;
      case 'training':
        if (event.event.kind === 'step')
          this.#reach(key, event.event.step / event.event.totalSteps, event.event.secondsLeft);
        break;
      case 'found':
      case 'warning':
      case 'generation':
      case 'view':
        // Each is followed by a progress event, which knows.
        break;
    }
    return this.#range();
  }

  #measure(key: string, took: number): void {
    const stage = this.#pending.get(key);
    if (stage === undefined) return;
    const before = this.#finished.get(stage.cost) ?? { expected: 0, took: 0 };
    this.#finished.set(stage.cost, { expected: before.expected + stage.seconds, took: before.took + took });
  }

  #reach(key: string, share: number, secondsLeft: number | undefined): void {
    const earlier = this.#running.get(key)?.took;
    const took = secondsLeft === undefined || share >= 1 ? earlier : (secondsLeft * share) / (1 - share);
    this.#running.set(key, { share: Math.min(1, share), secondsLeft, took });
  }

  #range(): TimeRange {
    const left = new Map<PlannedStage['cost'], Pick<PlannedStage, 'steps' | 'seconds'>[]>();
    for (const { key, cost, seconds, steps } of this.#pending.values()) {
      const running = this.#running.get(key);
      const rest =
        running?.secondsLeft ?? seconds * (1 - (running?.share ?? 0)) * factorOf(this.#evidence(cost));
      left.set(cost, [...(left.get(cost) ?? []), { ...(steps !== undefined && { steps }), seconds: rest }]);
    }
    let [expected, least, most] = [0, 0, 0];
    for (const [cost, stages] of left) {
      const seconds = secondsOfAll(stages, this.#trainingsAtOnce);
      // The more of a kind is measured, beside what is left of it, the surer it is.
      const off = 1 + ((doubt - 1) * seconds) / Math.max(seconds + this.#evidence(cost).took, 1e-9);
      expected += seconds;
      least += seconds / off;
      most += seconds * off;
    }
    return { expected, least, most };
  }

  /** What is known of a kind of work: what finished, and the part of what is at work that is done. */
  #evidence(cost: PlannedStage['cost']): { readonly expected: number; readonly took: number } {
    const { expected, took } = this.#finished.get(cost) ?? { expected: 0, took: 0 };
    const evidence = { expected, took };
    for (const [key, running] of this.#running) {
      const stage = this.#pending.get(key);
      if (stage?.cost !== cost || running.took === undefined) continue;
      evidence.expected += stage.seconds * running.share;
      evidence.took += running.took;
    }
    return evidence;
  }
}

function factorOf({ expected, took }: { readonly expected: number; readonly took: number }): number {
  if (expected < leastEvidence) return 1;
  return Math.min(factors.most, Math.max(factors.least, took / expected));
}

/** Seconds of a unit, the longest time that is told in it, and what it is rounded to, finer for short times. */
const units = [
  { name: 's', seconds: 1, most: 90, step: (time: number) => (time < 20 ? 1 : 5) },
  { name: 'min', seconds: 60, most: 90, step: () => 1 },
  { name: 'h', seconds: 3600, most: Infinity, step: (time: number) => (time < 10 ? 0.5 : 1) },
] as const;

/** `40 to 90 s`, `6 to 12 min`, `1.5 to 3 h`. */
export function timeRangeText({ least, most }: Pick<TimeRange, 'least' | 'most'>): string {
  if (most < 1) return 'less than 1 s';
  const unit = units.find(({ seconds, most: longest }) => most <= longest * seconds) ?? units[2];
  const rounded = (seconds: number, round: (value: number) => number): number => {
    const time = seconds / unit.seconds;
    return round(time / unit.step(time)) * unit.step(time);
  };
  const [from, to] = [rounded(least, Math.floor), rounded(most, Math.ceil)];
  if (from === to) return `about ${to} ${unit.name}`;
  return from === 0 ? `up to ${to} ${unit.name}` : `${from} to ${to} ${unit.name}`;
}
