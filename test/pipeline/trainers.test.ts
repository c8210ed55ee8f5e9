import { beforeAll, describe, expect, it } from 'vitest';
import type { Device } from '../../src/host/contract.ts';
import type { Trainers } from '../../src/host/trainers.ts';
import { nodeClock } from '../../src/host/node/clock.ts';
import { workerProcess } from '../../src/host/node/workers.ts';
import { sha256 } from '../../src/core/sha256.ts';
import type { RecipeEvent } from '../../src/pipeline/job.ts';
import { LockStep } from '../../src/pipeline/lock-step.ts';
import { withOverrides } from '../../src/pipeline/overrides.ts';
import { RecipeStoppedError } from '../../src/pipeline/stage.ts';
import { trainingsAtOnce } from '../../src/pipeline/trainers.ts';
import { ensureBuilt } from '../support/build.ts';
import { findings, type RecipeRun, type RecipeRunOptions } from '../support/recipe-job.ts';
import { recipePlace } from '../support/recipe-place.ts';
import { smallRecipe } from '../support/small-recipe.ts';

const place = recipePlace();
beforeAll(ensureBuilt);

/** Two processes that train in the test's own store. */
const trainers = (changes: Partial<Trainers> = {}): Trainers => ({
  cores: 2,
  start: workerProcess('train'),
  place: { store: place.store.folder, threads: 1 },
  ...changes,
});

/** The small recipe, each arm trained once. */
const small = (...overrides: readonly string[]): unknown =>
  withOverrides(smallRecipe(place.corpus), ['seeds=[1]', ...overrides]);

const run = (options: RecipeRunOptions = {}, ...overrides: readonly string[]): Promise<RecipeRun> =>
  place.run(small(...overrides), options);

/** What every arm has learned, to the bit. */
async function weightsOf({ job, report }: RecipeRun): Promise<string[]> {
  const hashes: string[] = [];
  for (const { name, trainings } of report.arms) {
    for (const { seed } of trainings) {
      const { weights } = await job.trainedModel(name, seed);
      for (const { data } of weights.values()) hashes.push(await sha256(data));
    }
  }
  return hashes;
}

/** The most trainings that had begun and not ended at one moment. */
function mostAtOnce(events: readonly RecipeEvent[]): number {
  const underWay = new Set<string>();
  let most = 0;
  for (const event of events) {
    if (event.kind !== 'stage' || event.stage.kind !== 'training') continue;
    if (event.state === 'started') underWay.add(event.stage.key);
    else underWay.delete(event.stage.key);
    most = Math.max(most, underWay.size);
  }
  return most;
}

const isStep = (event: RecipeEvent): boolean => event.kind === 'training' && event.event.kind === 'step';

/** The recipe where one training waits for the other: what all others are compared with. */
type SerialRun = RecipeRun & { readonly events: readonly RecipeEvent[]; readonly weights: string[] };
let alone: Promise<SerialRun> | undefined;
const oneAfterAnother = (): Promise<SerialRun> =>
  (alone ??= (async () => {
    const events: RecipeEvent[] = [];
    const done = await run({ onEvent: (event) => events.push(event) });
    const weights = await weightsOf(done);
    await place.emptyStore();
    return { ...done, events, weights };
  })());

/** What a run found, whatever its corpus's folder is called. */
const found = ({ report }: Pick<RecipeRun, 'report'>): string =>
  findings({ ...report, corpus: { ...report.corpus, name: '' } });

describe('trainings beside each other', () => {
  it('give the bits and the report of trainings one after another, and tell the same of each', async () => {
    const serial = await oneAfterAnother();
    const events: RecipeEvent[] = [];
    const beside = await run({ trainers: trainers(), onEvent: (event) => events.push(event) });
    expect([mostAtOnce(serial.events), mostAtOnce(events)]).toEqual([1, 2]);
    expect(await weightsOf(beside)).toEqual(serial.weights);
    expect(found(beside)).toBe(found(serial));
    expect(beside.report.otherFingerprints).toEqual([]);
    expect(beside.computed.toSorted()).toEqual(serial.computed.toSorted());
    expect([...beside.steps].sort()).toEqual([...serial.steps].sort());
    const evaluations = (all: readonly RecipeEvent[]): string[] =>
      all
        .flatMap((each) => (each.kind === 'training' && each.event.kind === 'evaluation' ? [each] : []))
        .map(({ stage, event }) => `${stage.label}: ${JSON.stringify(event)}`)
        .sort();
    expect(evaluations(events)).toEqual(evaluations(serial.events));
  });

  it('learn from the teacher vectors that the job has made', async () => {
    const overrides = ['arms[2].loss=kl(scope=batch)', 'training.maxSteps=2'];
    const serial = await run({}, ...overrides);
    const weights = await weightsOf(serial);
    await place.emptyStore();
    const beside = await run({ trainers: trainers() }, ...overrides);
    expect(await weightsOf(beside)).toEqual(weights);
    expect(beside.computed.filter((label) => label.startsWith('teacher vectors'))).toHaveLength(1);
  });

  it('include the trials of a tuning, which choose the same', async () => {
    const tuning = ['tuning={"learningRates":[1e-3,4e-3],"maxSteps":2}', 'training.maxSteps=2'];
    const arms = 'arms=[{"name":"a","source":"mined","loss":"infonce"}]';
    const overrides = [...tuning, arms, 'evaluation.pairs=[]'];
    const serial = await run({}, ...overrides);
    await place.emptyStore();
    const events: RecipeEvent[] = [];
    const beside = await run({ trainers: trainers(), onEvent: (event) => events.push(event) }, ...overrides);
    expect(mostAtOnce(events.filter(({ stage }) => stage.label.startsWith('trial of')))).toBe(2);
    expect(found(beside)).toBe(found(serial));
  });

  it('go in lock step where somebody watches, show what they find, and give the same bits', async () => {
    const serial = await oneAfterAnother();
    const lockStep = new LockStep(nodeClock);
    lockStep.begin();
    const texts = ['a first passage', 'another one, about something else'];
    lockStep.watch({ query: 'a passage', passages: { ids: ['a', 'b'], texts }, plane: undefined });
    const steps = new Map<string, number>();
    const apart: number[] = [];
    const views = new Map<string, number[]>();
    const beside = await run({
      ...{ trainers: trainers(), lockStep },
      onEvent: (event) => {
        const { label } = event.stage;
        if (event.kind === 'view') {
          expect(event.view.best.map(({ id }) => id).toSorted()).toEqual(['a', 'b']);
          expect(event.view.dev).toBeGreaterThan(0);
          views.set(label, [...(views.get(label) ?? []), event.view.step]);
        }
        if (event.kind !== 'training' || event.event.kind !== 'step') return;
        steps.set(label, event.event.step);
        if (steps.size === 2) apart.push(Math.abs([...steps.values()].reduce((a, b) => a - b)));
      },
    });
    expect(await weightsOf(beside)).toEqual(serial.weights);
    expect(Math.max(...apart)).toBeLessThanOrEqual(3);
    for (const [label, last] of serial.steps) {
      expect(views.get(label)?.at(0)).toBe(0);
      expect(views.get(label)?.at(-1)).toBe(last);
    }
  });

  it('end at an abort, and go on from their checkpoints', async () => {
    const whole = await oneAfterAnother();
    const stopping = new AbortController();
    const before = new Map<string, number>();
    const stopped = run({
      trainers: trainers(),
      checkpointSeconds: 0,
      signal: stopping.signal,
      onEvent: (event) => {
        if (!isStep(event)) return;
        before.set(event.stage.label, (before.get(event.stage.label) ?? 0) + 1);
        stopping.abort();
      },
    });
    await expect(stopped).rejects.toThrow(RecipeStoppedError);
    const again = await run({ trainers: trainers(), checkpointSeconds: 0 });
    expect(found(again)).toBe(found(whole));
    for (const [label, steps] of whole.steps) {
      expect((before.get(label) ?? 0) + (again.steps.get(label) ?? 0)).toBe(steps);
    }
  });

  it('go on here where their workers are killed, with the same bits and a warning', async () => {
    const whole = await oneAfterAnother();
    const start = workerProcess('train');
    const threads: ReturnType<typeof start>[] = [];
    const warnings: string[] = [];
    let isKilled = false;
    const beside = await run({
      checkpointSeconds: 0,
      trainers: trainers({
        start: (events) => {
          const thread = start(events);
          threads.push(thread);
          return thread;
        },
      }),
      onEvent: (event) => {
        if (event.kind === 'warning') warnings.push(`${event.stage.label}: ${event.warning}`);
        if (isKilled || !isStep(event)) return;
        isKilled = true;
        for (const thread of threads) void thread.terminate();
      },
    });
    expect(threads).toHaveLength(2);
    expect(found(beside)).toBe(found(whole));
    expect(warnings.length).toBeGreaterThan(0);
    for (const warning of warnings) {
      expect(warning).toMatch(/^training of \w+, seed 1: a training worker was lost: .*SIGKILL; /);
    }
  });

  it('are made one after another where no worker starts', async () => {
    const start = (): never => {
      throw new Error('not here');
    };
    const events: RecipeEvent[] = [];
    const beside = await run({ trainers: trainers({ start }), onEvent: (event) => events.push(event) });
    expect(mostAtOnce(events)).toBe(1);
    expect(found(beside)).toBe(found(await oneAfterAnother()));
  });

  it('wait for none whose worker does not start, and say so', async () => {
    const startOne = workerProcess('train');
    let started = 0;
    const start = (events: Parameters<typeof startOne>[0]): ReturnType<typeof startOne> => {
      if (++started > 1) throw new Error('too many workers');
      return startOne(events);
    };
    const lockStep = new LockStep(nodeClock);
    lockStep.begin();
    const warnings: string[] = [];
    const beside = await run({
      ...{ trainers: trainers({ start }), lockStep },
      onEvent: (event) => {
        if (event.kind === 'warning') warnings.push(event.warning);
      },
    });
    expect(found(beside)).toBe(found(await oneAfterAnother()));
    expect(warnings).toEqual(['no worker for it (too many workers); it will be trained after the others']);
  });

  it('fail with the error that one after another would have', async () => {
    const unfit = [1, 2].map((arm) => `arms[${arm}].training.batches.batchSize=100`);
    const serial: unknown = await run({}, ...unfit).catch((error: unknown) => error);
    await place.emptyStore();
    const beside: unknown = await run({ trainers: trainers() }, ...unfit).catch((error: unknown) => error);
    expect(serial).toMatchObject({
      name: 'InputError',
      message: expect.stringContaining('filtered') as string,
    });
    const { message } = serial as Error;
    expect(beside).toMatchObject({ name: 'InputError', message });
  });
});

describe('a plan', () => {
  it('says how many trainings run at once, and counts their memory and their time', async () => {
    const alone = await (await place.open(small())).plan();
    const beside = await (await place.open(small(), { trainers: trainers() })).plan();
    expect([alone.trainingsAtOnce, beside.trainingsAtOnce]).toEqual([1, 2]);
    expect(beside.memory.bytes).toBeGreaterThan(alone.memory.bytes);
    expect(beside.seconds).toBeLessThan(alone.seconds);
  });
});

interface Machine {
  readonly cores?: number;
  readonly threads?: number;
  readonly trainings?: number;
  readonly gibibytes?: number;
  readonly device?: Device;
  readonly isTable?: boolean;
}

it.each<[string, Machine, number]>([
  ['there are cores for', { cores: 7, threads: 2 }, 3],
  ['there are', { trainings: 5 }, 5],
  ['there is memory for', { gibibytes: 4 }, 3],
  ['one, where there is memory for no more', { gibibytes: 0.5 }, 1],
  ['one, on a GPU', { device: 'webgpu' }, 1],
  ['there are cores, where tables train', { device: 'webgpu', threads: 8, isTable: true }, 64],
])('as many trainings run at once as %s', (_, machine, expected) => {
  const {
    cores = 64,
    threads = 1,
    trainings = 100,
    gibibytes = 256,
    device = 'cpu',
    isTable = false,
  } = machine;
  const runtime = { device, threads, availableMemory: () => gibibytes * 2 ** 30 };
  const bytes = { training: 2 ** 30, held: 2 ** 28 };
  const host = { cores, start: workerProcess('train'), place: null };
  expect(trainingsAtOnce(runtime, host, { trainings, isTable, bytes })).toBe(expected);
});
