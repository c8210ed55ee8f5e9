import { startTimer } from '../core/waiting.ts';
import type { Stage } from './stage.ts';
import { StepGate, type View, type Watched } from './step-gate.ts';
import type { Clock } from '../host/contract.ts';
import type { StageEvent } from './workshop.ts';

/** How fast trainings go that are watched: as fast as they can, so many steps a second, or each step on request. */
export type Pace = 'full' | 'single' | number;

/** Steps that one training may be ahead of another: so many, that neither waits for a message. */
const lead = 3;

/** A training's gate, in whichever worker that trains. */
export type Gate = Pick<StepGate, 'allow' | 'watch'>;

interface Member {
  readonly gate: Gate;
  step: number;
  /** What it was allowed last. */
  allowed: number;
}

/**
 * Keeps trainings beside each other at the same step, at the pace that somebody chose. The numbers of a training do not
 * depend on it.
 */
export class LockStep {
  readonly #clock: Clock;
  readonly #members = new Map<string, Member>();
  /** Those that will be there in a moment. */
  #expected = new Set<string>();
  #pace: Pace = 'full';
  /** Until somebody watches, every training goes as fast as it can. */
  #isOn = false;
  /** At a pace below the full one, steps that have been granted. */
  #granted = 0;
  #watched: Watched | undefined;
  #stopTimer = (): void => undefined;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** From now on somebody watches. */
  begin(): void {
    this.#isOn = true;
    this.#grant();
  }

  /** These train at the same time: none goes ahead before the others are there. */
  expect(keys: readonly string[]): void {
    this.#expected = new Set(keys);
    this.#grant();
  }

  /** A training of another worker takes part. */
  join(key: string, gate: Gate): void {
    this.#expected.delete(key);
    const member = { gate, step: 0, allowed: Number.NaN };
    this.#members.set(key, member);
    if (this.#watched !== undefined) gate.watch(this.#watched);
    this.#grant();
  }

  /** A training of this worker takes part. @param show takes its views */
  gateOf({ key }: Stage, show: (view: View) => void): StepGate {
    const gate = new StepGate(this.#clock, show);
    this.join(key, gate);
    return gate;
  }

  /** A training has ended, in whatever way. */
  leave(key: string): void {
    this.#expected.delete(key);
    this.#members.delete(key);
    this.#grant();
  }

  /** What happened to a stage. */
  hear(told: StageEvent): void {
    const { key } = told.stage;
    const member = this.#members.get(key);
    if (member === undefined) return;
    if (told.kind === 'stage' && told.state === 'finished') this.leave(key);
    if (told.kind !== 'training') return;
    const { event } = told;
    if (event.kind !== 'step' && event.kind !== 'resumed') return;
    member.step = event.step;
    this.#grant();
  }

  watch(watched: Watched | undefined): void {
    this.#watched = watched;
    for (const { gate } of this.#members.values()) gate.watch(watched);
  }

  /** From now on they go at this pace. */
  go(pace: Pace): void {
    this.#pace = pace;
    this.#stopTimer();
    this.#granted = this.#furthest();
    if (typeof pace === 'number') this.#tick(1000 / pace);
    this.#grant();
  }

  /** Each training does one more step, where each is done on request. */
  takeStep(): void {
    if (this.#pace !== 'single') return;
    this.#granted = Math.max(this.#granted, this.#slowest()) + 1;
    this.#grant();
  }

  /** Nothing holds a training any more. */
  end(): void {
    this.#stopTimer();
    this.#isOn = false;
    this.#pace = 'full';
    this.watch(undefined);
    this.#grant();
    this.#members.clear();
  }

  #tick(milliseconds: number): void {
    this.#stopTimer = startTimer(() => {
      // A step that takes longer than that is waited for.
      this.#granted = Math.min(this.#granted, this.#slowest()) + 1;
      this.#grant();
      this.#tick(milliseconds);
    }, milliseconds);
  }

  #slowest(): number {
    if (this.#members.size === 0) return 0;
    return Math.min(...[...this.#members.values()].map(({ step }) => step));
  }

  #furthest(): number {
    return Math.max(0, ...[...this.#members.values()].map(({ step }) => step));
  }

  #grant(): void {
    const allowed = this.#isOn ? this.#allowed() : Number.POSITIVE_INFINITY;
    for (const member of this.#members.values()) {
      if (member.allowed === allowed) continue;
      member.allowed = allowed;
      member.gate.allow(allowed);
    }
  }

  /** Steps that every training may do now. */
  #allowed(): number {
    const slowest = this.#expected.size > 0 ? 0 : this.#slowest();
    const together = this.#members.size + this.#expected.size > 1 ? slowest + lead : Number.POSITIVE_INFINITY;
    return this.#pace === 'full' ? together : Math.min(together, this.#granted);
  }
}
