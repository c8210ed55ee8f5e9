/** Trainings beside each other, each in a worker: who does which, and the worker's own side. */
import { serveCalls, WorkerChannel, type WorkerPort } from '../host/channel.ts';
import { WorkerLostError } from '../core/errors.ts';
import { isGpu, type Runtime } from '../host/contract.ts';
import type { Trainers } from '../host/trainers.ts';
import { parseLossSpec } from '../losses/loss-spec.ts';
import type { Rates } from './rates.ts';
import { noCorpus } from './recipe-corpus.ts';
import type { Gate, LockStep } from './lock-step.ts';
import type { Recipe } from './schema.ts';
import { noWork, RecipeStoppedError, type ListsStage, type Stage } from './stage.ts';
import { sendTraining, trainingStage, type SentTraining, type TrainingStage } from './stages/training.ts';
import { StepGate, type View, type Watched } from './step-gate.ts';
import { openWorkshop, type RecipeWorkshop, type StageNews, type WorkshopHost } from './workshop.ts';

/** How much a training takes, and what is there for all. */
export interface TrainingSpace {
  readonly trainings: number;
  /** A table of token vectors trains on one thread, on no device. */
  readonly isTable: boolean;
  /** Of the largest training, and of what is held beside it. */
  readonly bytes: { readonly training: number; readonly held: number };
}

/** Of a worker, beside what it trains: the program, ONNX Runtime, the training lists. */
const workerBytes = 200 * 2 ** 20;

/** So many trainings run at once: as many as there are cores and memory for, and one where a GPU computes. */
export function trainingsAtOnce(
  runtime: Pick<Runtime, 'device' | 'threads' | 'availableMemory'>,
  trainers: Trainers | undefined,
  { trainings, isTable, bytes }: TrainingSpace,
): number {
  if (trainers === undefined || (isGpu(runtime.device) && !isTable)) return 1;
  const cores = Math.floor(trainers.cores / (isTable ? 1 : runtime.threads));
  const memory = Math.floor((runtime.availableMemory() - bytes.held) / (bytes.training + workerBytes));
  return Math.max(1, Math.min(trainings, cores, memory));
}

/** The most that is held at one time, with so many trainings. */
export function bytesAtOnce({ training, held }: TrainingSpace['bytes'], atOnce: number): number {
  return held + (atOnce === 1 ? training : atOnce * (training + workerBytes));
}

interface TrainerCalls {
  readonly open: {
    readonly ask: { readonly place: unknown; readonly version: string; readonly checkpointSeconds: number };
    readonly answer: null;
  };
  readonly train: {
    readonly ask: {
      readonly training: SentTraining;
      readonly encoder: Recipe['encoder'];
      readonly rates: Rates | undefined;
    };
    readonly answer: 'stored' | 'stopped';
    readonly progress: StageNews;
  };
  readonly allow: { readonly ask: number; readonly answer: null };
  readonly watch: { readonly ask: Watched | null; readonly answer: null };
  readonly hold: { readonly ask: boolean; readonly answer: null };
  readonly close: { readonly ask: null; readonly answer: null };
}

/**
 * Trains what is not stored, so many at once, each in a worker that stores it. What they learn from is computed before,
 * here. A training whose worker is lost is left, as are those that no worker could be started for.
 * @throws what the first of those that failed threw; the others end after their step. @throws RecipeStoppedError
 */
export async function trainBesideEachOther(
  workshop: RecipeWorkshop,
  stages: readonly TrainingStage[],
  {
    trainers,
    encoder,
    atOnce,
    lockStep,
  }: {
    readonly trainers: Trainers;
    readonly encoder: Recipe['encoder'];
    readonly atOnce: number;
    readonly lockStep?: LockStep | undefined;
  },
): Promise<void> {
  const pending = new Map<string, TrainingStage>();
  for (const stage of stages) if (!(await workshop.isStored(stage))) pending.set(stage.key, stage);
  // One alone needs no worker.
  if (pending.size < 2) return;
  const { queue, failure } = await prepared(workshop, [...pending.values()]);
  const { version, checkpointSeconds, rates, pause } = workshop;
  const failures = new Map<TrainingStage, unknown>();
  const failing = new AbortController();
  const signal = AbortSignal.any([workshop.signal, failing.signal]);

  const trainWith = async (channel: WorkerChannel<TrainerCalls>): Promise<void> => {
    await channel.ask('open', { place: trainers.place, version, checkpointSeconds });
    for (let stage = queue[0]; stage !== undefined && !signal.aborted; stage = queue[0]) {
      queue.shift();
      const ask = { training: sendTraining(stage), encoder, rates };
      const { key } = stage;
      lockStep?.join(key, gateIn(channel));
      try {
        await workshop.resultFrom(stage, async (onProgress) => {
          if ((await channel.ask('train', ask, { signal, onProgress })) === 'stopped')
            throw new RecipeStoppedError();
        });
      } catch (error) {
        if (error instanceof WorkerLostError) {
          workshop.warn(stage, `${error.message}; the training will be continued after the others`);
          return;
        }
        if (!(error instanceof RecipeStoppedError)) failures.set(stage, error);
        failing.abort();
      } finally {
        lockStep?.leave(key);
      }
    }
    await channel.ask('close', null);
  };
  const lane = async (): Promise<void> => {
    const watch = new AbortController();
    let channel: WorkerChannel<TrainerCalls> | undefined;
    try {
      const opened = (channel = new WorkerChannel<TrainerCalls>(trainers.start, 'a training worker'));
      const hold = async (isPaused: boolean): Promise<void> => {
        // A worker that is lost has paused.
        await opened.ask('hold', isPaused).catch(() => undefined);
      };
      pause?.watch(hold, watch.signal);
      await trainWith(opened);
    } catch (error) {
      // What it has not begun is left to others, and none of them waits for it.
      lockStep?.expect([]);
      const [next] = queue;
      if (next !== undefined && !signal.aborted) {
        const reason = error instanceof Error ? error.message : String(error);
        workshop.warn(next, `no worker for it (${reason}); it will be trained after the others`);
      }
    } finally {
      watch.abort();
      channel?.end('nothing is left to train');
      await channel?.terminated;
    }
  };
  const lanes = Math.min(atOnce, queue.length);
  lockStep?.expect(queue.slice(0, lanes).map(({ key }) => key));
  await Promise.all(Array.from({ length: lanes }, lane));
  lockStep?.expect([]);
  const failed = stages.find((stage) => failures.has(stage));
  if (failed !== undefined) throw failures.get(failed);
  if (workshop.signal.aborted) throw new RecipeStoppedError();
  if (failure !== undefined) throw failure.error;
}

/** The gate of the training that a worker does. */
function gateIn(channel: WorkerChannel<TrainerCalls>): Gate {
  // A worker that is lost holds nothing.
  const ignore = (): null => null;
  return {
    allow: (step) => void channel.ask('allow', step).catch(ignore),
    watch: (watched) => void channel.ask('watch', watched ?? null).catch(ignore),
  };
}

/** Computes what trainings learn from. Where that fails, those before can be trained first, as one after another would be. */
async function prepared(
  workshop: RecipeWorkshop,
  stages: readonly TrainingStage[],
): Promise<{ readonly queue: TrainingStage[]; readonly failure?: { readonly error: unknown } }> {
  const queue: TrainingStage[] = [];
  try {
    for (const stage of stages) {
      for (const need of stage.needs) await workshop.resultOf(need);
      queue.push(stage);
    }
  } catch (error) {
    if (error instanceof RecipeStoppedError) throw error;
    return { queue, failure: { error } };
  }
  return { queue };
}

/** What a worker trains with, as its host opens it. */
export interface TrainerHost extends Pick<WorkshopHost, 'runtime' | 'store' | 'models' | 'clock'> {
  /** Holds the runtime, or lets it go on; only where runs can be paused. */
  hold?(isPaused: boolean): void;
}

/** The worker's side: trains one stage after another, with the code that would train them alone. */
export function serveTrainings(port: WorkerPort, open: (place: unknown) => Promise<TrainerHost>): void {
  let opened: { readonly host: TrainerHost; readonly workshop: RecipeWorkshop } | undefined;
  let tell: (news: StageNews, key: string) => void = () => undefined;
  let isHeld = false;
  let gate: StepGate | undefined;
  let allowed = Number.POSITIVE_INFINITY;
  let watched: Watched | undefined;
  serveCalls<TrainerCalls>(port, {
    open: async ({ place, version, checkpointSeconds }) => {
      const host = await open(place);
      host.hold?.(isHeld);
      const gates = {
        gateOf: (_: Stage, show: (view: View) => void): StepGate => {
          gate = new StepGate(host.clock, show);
          if (watched !== undefined) gate.watch(watched);
          gate.allow(allowed);
          return gate;
        },
      };
      const parts = { ...host, gates, version, checkpointSeconds, files: noFiles };
      const { workshop } = openWorkshop(
        { ...parts, onEvent: ({ stage, ...news }) => tell(news, stage.key) },
        {},
        await noCorpus(),
      );
      opened = { host, workshop };
      return null;
    },
    train: async ({ training, encoder: { model, ...overrides }, rates }, context) => {
      if (opened === undefined) throw new Error('the worker is not open');
      const { workshop } = opened;
      workshop.signal = context.signal;
      workshop.rates = rates;
      tell = (news, key) => {
        if (key === training.key && news.kind in told) context.tell(news);
      };
      const { lists, dev, teacherVectors, loss, ...plan } = training;
      const stage = await trainingStage(workshop, {
        ...plan,
        encoder: await workshop.shelf.encoder(model, overrides),
        lists: stored(lists),
        dev: dev === undefined ? undefined : stored(dev),
        teacherVectors: teacherVectors === undefined ? undefined : stored(teacherVectors),
        loss: parseLossSpec(loss),
      });
      if (stage.key !== training.key) {
        throw new Error(`${training.label}: ${model} is not what it was when the recipe was read`);
      }
      try {
        await workshop.resultOf(stage);
        return 'stored';
      } catch (error) {
        if (error instanceof RecipeStoppedError) return 'stopped';
        throw error;
      }
    },
    allow: (step) => {
      allowed = step;
      gate?.allow(step);
      return null;
    },
    watch: (query) => {
      watched = query ?? undefined;
      gate?.watch(watched);
      return null;
    },
    hold: (isPaused) => {
      isHeld = isPaused;
      opened?.host.hold?.(isPaused);
      return null;
    },
    close: async () => {
      await opened?.host.runtime.close();
      await opened?.host.store.close();
      return null;
    },
  });
}

/** Of what happens to a training, what whoever started it is told. */
const told: Readonly<Partial<Record<StageNews['kind'], true>>> = {
  training: true,
  view: true,
  warning: true,
};

/** Lists, or teacher vectors, that are there: a worker computes none. */
function stored(key: string): ListsStage {
  const run: Stage['run'] = () => Promise.reject(new Error(`${key} is not stored`));
  return {
    ...{ kind: 'lists', version: 0, label: key, key, inputs: null, needs: [], work: noWork },
    ...{ holdsLists: true, run },
  };
}

const noFiles: WorkshopHost['files'] = {
  openCorpus: () => Promise.reject(new Error('a training reads no corpus')),
  openFile: () => Promise.reject(new Error('a training reads no file')),
};
