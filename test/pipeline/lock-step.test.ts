import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { Embedder } from '../../src/encoders/embedder.ts';
import { LockStep } from '../../src/pipeline/lock-step.ts';
import { mapPoint, planeOf, StepGate, type View, type Watched } from '../../src/pipeline/step-gate.ts';
import type { StageEvent } from '../../src/pipeline/workshop.ts';

beforeEach(() => vi.useFakeTimers());
afterEach(() => vi.useRealTimers());

const clock = { now: () => Date.now() };

/** A training that takes every step that it may, at once. */
class EagerTraining {
  step = 0;
  allowed = Number.NaN;
  readonly watched: (Watched | undefined)[] = [];
  readonly #lockStep: LockStep;
  readonly #key: string;

  constructor(lockStep: LockStep, key: string) {
    this.#lockStep = lockStep;
    this.#key = key;
    lockStep.join(key, {
      allow: (step) => (this.allowed = step),
      watch: (watched) => this.watched.push(watched),
    });
  }

  /** Does its next step, if it may. */
  go(): boolean {
    if (this.step >= this.allowed) return false;
    this.step++;
    const event = { kind: 'step', step: this.step };
    this.#lockStep.hear({ kind: 'training', stage: { key: this.#key }, event } as unknown as StageEvent);
    return true;
  }

  goOn(): void {
    while (this.go());
  }
}

describe('trainings in lock step', () => {
  it('go as fast as they can until somebody watches', () => {
    const lockStep = new LockStep(clock);
    const a = new EagerTraining(lockStep, 'a');
    new EagerTraining(lockStep, 'b');
    for (let i = 0; i < 100; i++) expect(a.go()).toBe(true);
  });

  it('wait for each other, however much faster one is', () => {
    const lockStep = new LockStep(clock);
    lockStep.begin();
    const [a, b] = [new EagerTraining(lockStep, 'a'), new EagerTraining(lockStep, 'b')];
    for (let i = 0; i < 20; i++) {
      a.goOn();
      expect(a.step - b.step).toBeLessThanOrEqual(3);
      expect(b.go()).toBe(true);
    }
    lockStep.leave('b');
    a.go();
    expect(a.allowed).toBe(Number.POSITIVE_INFINITY);
  });

  it('wait for one that is not there yet, and for one that has to catch up', () => {
    const lockStep = new LockStep(clock);
    lockStep.begin();
    lockStep.expect(['a', 'b']);
    const a = new EagerTraining(lockStep, 'a');
    a.goOn();
    expect(a.step).toBe(3);
    const b = new EagerTraining(lockStep, 'b');
    lockStep.hear({
      kind: 'training',
      stage: { key: 'a' },
      event: { kind: 'resumed', step: 50 },
    } as StageEvent);
    a.step = 50;
    expect(a.go()).toBe(false);
    b.goOn();
    expect(b.step).toBe(53);
  });

  it('do one step each on request, at the pace of single steps', () => {
    const lockStep = new LockStep(clock);
    lockStep.begin();
    const [a, b] = [new EagerTraining(lockStep, 'a'), new EagerTraining(lockStep, 'b')];
    lockStep.go('single');
    for (let i = 1; i <= 3; i++) {
      a.goOn();
      b.goOn();
      expect([a.step, b.step]).toEqual([i - 1, i - 1]);
      lockStep.takeStep();
    }
    lockStep.go('full');
    expect(a.go()).toBe(true);
  });

  it('do so many steps a second, and no burst after a slow one', () => {
    const lockStep = new LockStep(clock);
    lockStep.begin();
    const [a, b] = [new EagerTraining(lockStep, 'a'), new EagerTraining(lockStep, 'b')];
    lockStep.go(5);
    for (let i = 0; i < 10; i++) {
      vi.advanceTimersByTime(200);
      a.goOn();
      b.goOn();
    }
    expect([a.step, b.step]).toEqual([10, 10]);
    vi.advanceTimersByTime(5000);
    a.goOn();
    b.goOn();
    expect([a.step, b.step]).toEqual([11, 11]);
  });

  it.each([
    ['so many steps a second', 5 as const],
    ['single steps', 'single' as const],
  ])('make no burst at their start where %s were chosen long before', (_, pace) => {
    const lockStep = new LockStep(clock);
    lockStep.begin();
    lockStep.go(pace);
    vi.advanceTimersByTime(10_000);
    lockStep.takeStep();
    const a = new EagerTraining(lockStep, 'a');
    a.goOn();
    expect(a.step).toBe(1);
  });

  it('wait for none that belongs to a run before', () => {
    const lockStep = new LockStep(clock);
    lockStep.begin();
    // One that failed, and was never told to have finished.
    new EagerTraining(lockStep, 'failed');
    lockStep.end();
    lockStep.begin();
    const a = new EagerTraining(lockStep, 'a');
    for (let i = 0; i < 10; i++) expect(a.go()).toBe(true);
  });

  it('are held by nothing once it ends, and watch nothing more', () => {
    const lockStep = new LockStep(clock);
    lockStep.begin();
    const a = new EagerTraining(lockStep, 'a');
    lockStep.go('single');
    lockStep.watch(watched('x'));
    lockStep.end();
    expect(a.allowed).toBe(Number.POSITIVE_INFINITY);
    expect(a.watched.at(-1)).toBeUndefined();
  });
});

/** Vectors of two numbers: the text's length, and how many steps were done. */
function embedder(): Embedder & { calls: number } {
  return {
    dimensions: 2,
    emptyTexts: 0,
    calls: 0,
    tokenize: () => new Int32Array(),
    embed(texts) {
      this.calls++;
      return Promise.resolve(Float32Array.from(texts.flatMap((text) => [text.length, 1])));
    },
    close: () => Promise.resolve(),
  };
}

const watched = (query: string): Watched => ({
  query,
  passages: { ids: ['short', 'long'], texts: ['a', 'abcdef'] },
  plane: undefined,
});

function gate() {
  const views: View[] = [];
  const signal = new AbortController();
  const stepGate = new StepGate(clock, (view) => views.push(view));
  const encoder = embedder();
  return {
    ...{ stepGate, views, encoder, signal },
    pass: (step: number, isLast = false) =>
      stepGate.pass(encoder, step, { signal: signal.signal, evaluate: undefined, isLast }),
  };
}

const settles = async (promise: Promise<void>): Promise<boolean> => {
  let isSettled = false;
  void promise.then(() => (isSettled = true));
  await vi.advanceTimersByTimeAsync(0);
  return isSettled;
};

describe('the gate between steps', () => {
  it('holds a training until it may go on, and lets it go at an abort', async () => {
    const { stepGate, pass, signal } = gate();
    stepGate.allow(2);
    expect(await settles(pass(1))).toBe(true);
    const held = pass(2);
    expect(await settles(held)).toBe(false);
    stepGate.allow(3);
    expect(await settles(held)).toBe(true);
    const ended = pass(3);
    expect(await settles(ended)).toBe(false);
    signal.abort();
    expect(await settles(ended)).toBe(true);
  });

  it('shows what the encoder finds, best first, and computes nothing unless somebody watches', async () => {
    const { stepGate, pass, views, encoder } = gate();
    await pass(0);
    expect(encoder.calls).toBe(0);
    stepGate.watch(watched('ab'));
    await pass(1);
    expect(views).toEqual([
      {
        ...{ step: 1, query: 'ab', point: undefined, dev: undefined },
        best: [
          { id: 'long', score: 13 },
          { id: 'short', score: 3 },
        ],
      },
    ]);
  });

  it('answers another query while a training is held', async () => {
    const { stepGate, pass, views } = gate();
    stepGate.allow(0);
    stepGate.watch(watched('first'));
    void pass(0);
    await vi.advanceTimersByTimeAsync(0);
    stepGate.watch(watched('second'));
    await vi.advanceTimersByTimeAsync(0);
    expect(views.map(({ query }) => query)).toEqual(['first', 'second']);
  });

  it('looks at the last step, at a held one, and else a few times a second', async () => {
    const { stepGate, pass, views } = gate();
    stepGate.watch(watched('x'));
    for (let step = 0; step < 100; step++) {
      await pass(step);
      await vi.advanceTimersByTimeAsync(10);
    }
    // A second, with a view each 120 ms.
    expect(views.length).toBeGreaterThanOrEqual(8);
    expect(views.length).toBeLessThanOrEqual(10);
    await pass(100, true);
    expect(views.at(-1)?.step).toBe(100);
    stepGate.allow(101);
    void pass(101);
    await vi.advanceTimersByTimeAsync(200);
    expect(views.at(-1)?.step).toBe(101);
  });
});

it('lays a map through the mean, along the direction in which vectors differ most', () => {
  const vectors = Float32Array.from([1, 0, 1, 3, 0, 1, 5, 0.5, 1, 7, 0.5, 1]);
  const plane = planeOf(vectors, 3);
  expect([...plane.middle]).toEqual([4, 0.25, 1]);
  const xs = [0, 3, 6, 9].map((at) => mapPoint(plane, vectors.subarray(at, at + 3))[0]);
  const direction = Math.sign((xs[3] as number) - (xs[0] as number));
  expect(xs.map((x) => x * direction).every((x, i, all) => i === 0 || x > (all[i - 1] as number))).toBe(true);
  expect(Math.abs((xs[3] as number) - (xs[0] as number))).toBeCloseTo(Math.hypot(6, 0.5), 1);
});
