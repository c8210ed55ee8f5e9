import { PauseSwitch } from '../../generation/generation-run.ts';
import { logLines } from '../../generation/log-file.ts';
import { GenerationLog } from '../../generation/log.ts';
import { browserClock } from '../../host/browser/clock.ts';
import { openRuntime, type OpenedRuntime } from '../../host/browser/runtime.ts';
import { IndexedDbStore } from '../../host/browser/store.ts';
import { openTransformersJs } from './transformers-js.ts';
import { trainingCores } from '../../host/browser/threads.ts';
import { openWorkerPool, startOf } from '../../host/browser/workers.ts';
import {
  StoreFencedError,
  type FetchProgress,
  type ModelFiles,
  type WorkerPool,
} from '../../host/contract.ts';
import { InputError, messageOf } from '../../core/errors.ts';
import { compareModels } from '../../pipeline/compare-models.ts';
import { RecipeJob } from '../../pipeline/job.ts';
import { LockStep } from '../../pipeline/lock-step.ts';
import { modelCardOfArm } from '../../pipeline/model-card.ts';
import { readRecipe } from '../../pipeline/read-recipe.ts';
import type { RecipeFiles } from '../../pipeline/recipe-corpus.ts';
import type { RecipeReport } from '../../pipeline/report.ts';
import { RecipeStoppedError } from '../../pipeline/stage.ts';
import type { RecipeInput } from '../../pipeline/schema.ts';
import { keepRepeats, keptRepeats, testDevice } from '../../training/repeat-test.ts';
import type { ImportCalls } from '../import-protocol.ts';
import type {
  ComparisonEvent,
  ComparisonOutcome,
  ComputeFacts,
  ExportedFile,
  ExportedModel,
  GeneratorAccess,
  OpenedRun,
  RunEvent,
  RunOutcome,
  SearchAnswer,
  StudioCalls,
  WorkerOptions,
} from '../protocol.ts';
import { demoFiles } from './demo-files.ts';
import { KeptItems } from './kept-items.ts';
import { KeptRuns } from './kept-runs.ts';
import { modelZip } from './model-zip.ts';
import { pageGenerators } from './page-generators.ts';
import { pageModels } from './page-models.ts';
import { PausableRuntime } from './pausable-runtime.ts';
import { RunEvents } from './run-events.ts';
import { RunSearch } from './run-search.ts';
import { WatchedCorpus } from './watched-corpus.ts';
import { own } from '../../core/own.ts';

/** What the worker tells while it answers. */
export interface SessionEvents {
  event(runId: string, event: RunEvent): void;
  comparison(comparisonId: number, event: ComparisonEvent): void;
  warning(text: string): void;
  /** The runtime is gone, and this worker with it. */
  lost(error: unknown): void;
}

/** The run whose files are open. */
interface CurrentRun {
  readonly runId: string;
  /** The recipe as it was given, as JSON. */
  readonly recipe: string;
  readonly job: RecipeJob;
  readonly events: RunEvents;
  readonly search: RunSearch;
  report: RecipeReport | undefined;
  readonly lockStep: LockStep;
  /** Once somebody watches; undefined where the corpus is too large. */
  watched: Promise<WatchedCorpus | undefined> | undefined;
}

/** A worker's runtime, store and current run: the answers to what the page asks. */
export class StudioSession {
  compute: ComputeFacts;
  readonly items: KeptItems;
  readonly runs: KeptRuns;
  readonly #options: WorkerOptions;
  readonly #runtime: PausableRuntime;
  readonly #store: IndexedDbStore;
  readonly #events: SessionEvents;
  readonly #base: URL;
  readonly #searchers: WorkerPool | undefined;
  /** Holds language models, as the runtime's own pause holds trainings. */
  readonly #writing = new PauseSwitch();
  /** Of the current run's language models. Never stored. */
  #access: GeneratorAccess = {};
  #current: CurrentRun | undefined;
  /** The run that is computing, or being read. */
  #busy: string | undefined;

  /** @throws InputError if there is no such device, or the store cannot be opened */
  static async open(options: WorkerOptions, events: SessionEvents): Promise<StudioSession> {
    const { device = 'auto', threads, store: name } = options;
    const store = await IndexedDbStore.open({
      report: (problem) => events.warning(problem),
      ...(name === undefined ? {} : { name }),
    });
    const opened = await openRuntime({ device, ...(threads === undefined ? {} : { threads }) });
    opened.failed.catch((error: unknown) => events.lost(error));
    const repeats = await keptRepeats(store, opened.runtime);
    return new StudioSession(options, opened, repeats, store, events);
  }

  private constructor(
    options: WorkerOptions,
    { runtime, withoutGpu }: OpenedRuntime,
    repeats: boolean | undefined,
    store: IndexedDbStore,
    events: SessionEvents,
  ) {
    const { device, threads, fingerprint } = runtime;
    this.compute = { device, threads, withoutGpu, fingerprint, repeats };
    this.items = new KeptItems(store);
    this.runs = new KeptRuns(store);
    this.#options = options;
    this.#runtime = new PausableRuntime(runtime);
    this.#store = store;
    this.#events = events;
    this.#base = new URL(options.base ?? '/', location.href);
    this.#searchers = openSearchers(runtime.threads);
  }

  async testDevice(): Promise<ComputeFacts> {
    return this.#alone('repeat test', async () => {
      const repeats = await testDevice(this.#runtime);
      await keepRepeats(this.#store, this.#runtime, repeats);
      this.compute = { ...this.compute, repeats };
      return this.compute;
    });
  }

  async importCorpus(
    ask: ImportCalls['importCorpus']['ask'],
    tell: (progress: ImportCalls['importCorpus']['progress']) => void,
    signal: AbortSignal,
  ): Promise<ImportCalls['importCorpus']['answer']> {
    const { importItems } = await import('./import-items.ts');
    const report = (problem: string): void => this.#events.warning(problem);
    const models = await pageModels(this.items, { base: this.#base, report });
    return importItems(ask, { items: this.items, models, tell, signal });
  }

  async openRun(
    { runId, recipe, access = {} }: StudioCalls['openRun']['ask'],
    signal: AbortSignal,
  ): Promise<OpenedRun> {
    return this.#alone(runId, async () => {
      this.#access = access;
      return planned(await this.#open(runId, recipe, signal));
    });
  }

  /** @param signal cancels it */
  async run(
    { runId, recipe, access = {}, watch }: StudioCalls['run']['ask'],
    signal: AbortSignal,
  ): Promise<RunOutcome> {
    return this.#alone(runId, async () => {
      this.#access = access;
      // Nothing that is held would notice.
      signal.addEventListener('abort', () => this.#goOn(), { once: true });
      try {
        const current = await this.#open(runId, recipe, signal);
        const { job, events } = current;
        // A run that failed has more of it stored than when it was opened.
        this.#events.event(runId, { kind: 'opened', opened: await planned(current) });
        if (signal.aborted) return { state: 'canceled' };
        for (const found of await job.storedLists()) {
          for (const told of events.ofStored(found)) this.#events.event(runId, told);
        }
        await this.runs.write(runId, recipe, 'begun');
        if (watch !== undefined) current.lockStep.begin();
        if (watch !== undefined) void this.#beginWatching(current, watch);
        const report = await job.run();
        current.report = report;
        await this.runs.write(runId, recipe, 'finished', bestOf(report));
        return { state: 'finished', report };
      } catch (error) {
        if (error instanceof RecipeStoppedError) return { state: 'canceled' };
        throw error instanceof StoreFencedError ? takenOver(error) : error;
      } finally {
        this.#current?.lockStep.end();
      }
    });
  }

  /** @param signal cancels it */
  async compareModels(
    { comparisonId, choices }: StudioCalls['compareModels']['ask'],
    signal: AbortSignal,
  ): Promise<ComparisonOutcome> {
    return this.#alone('comparison', async () => {
      const tell = (event: ComparisonEvent): void => this.#events.comparison(comparisonId, event);
      const onDownload = (progress: FetchProgress): void => tell({ kind: 'download', ...progress });
      try {
        const comparison = await compareModels(choices, {
          ...(await this.#host(onDownload)),
          signal,
          onEvent: (event) => {
            if (event.kind !== 'progress' && event.kind !== 'stage') return;
            const { done, total } = event.kind === 'progress' ? event : { done: 0, total: 0 };
            tell({
              ...{ kind: 'progress', label: event.stage.label, done, total },
              secondsLeft: event.secondsLeft,
            });
          },
          onFailed: (failed) => tell({ kind: 'failed', failed }),
        });
        return { state: 'finished', comparison };
      } catch (error) {
        if (error instanceof RecipeStoppedError) return { state: 'canceled' };
        throw error instanceof StoreFencedError ? takenOver(error) : error;
      }
    });
  }

  async pause({ runId }: StudioCalls['pause']['ask']): Promise<void> {
    this.#refuseIdle(runId);
    if (this.#runtime.isPaused) return;
    this.#runtime.pause();
    await this.#writing.pause();
    if (this.#writing.isPaused) this.#events.event(runId, { kind: 'paused' });
  }

  resume({ runId }: StudioCalls['resume']['ask']): void {
    this.#refuseIdle(runId);
    if (!this.#runtime.isPaused) return;
    this.#goOn();
    this.#events.event(runId, { kind: 'resumed' });
  }

  /** Another query to watch. */
  async watch({ runId, query }: StudioCalls['watch']['ask']): Promise<void> {
    const { lockStep, watched } = this.#opened(runId);
    lockStep.watch(await (await watched)?.watch(query));
  }

  setPace({ runId, pace }: StudioCalls['setPace']['ask']): void {
    this.#opened(runId).lockStep.go(pace);
  }

  takeStep({ runId }: StudioCalls['takeStep']['ask']): void {
    this.#opened(runId).lockStep.takeStep();
  }

  /** Beside the run, which goes on if this fails. */
  async #beginWatching(current: CurrentRun, query: string): Promise<void> {
    const { runId, job, events, search, lockStep } = current;
    try {
      current.watched ??= WatchedCorpus.open(this.#runtime, job, search);
      const watched = await current.watched;
      if (watched === undefined) return;
      events.describe = (view) => watched.describe(view);
      this.#events.event(runId, { kind: 'scene', scene: watched.scene });
      lockStep.watch(await watched.watch(query));
    } catch (error) {
      await new Promise((resolve) => setTimeout(resolve, aMoment));
      // A run that has failed meanwhile, of the same most likely, says so itself.
      if (this.#busy !== runId) return;
      this.#events.warning(
        `What the students learn cannot be shown: ${messageOf(error).replace(/\.$/, '')}.`,
      );
    }
  }

  async search({ runId, query, systems, k = 10 }: StudioCalls['search']['ask']): Promise<SearchAnswer> {
    return this.#alone(runId, () =>
      this.#opened(runId).search.search(query, systems, k, (system, done, total) => {
        this.#events.event(runId, { kind: 'indexing', system, done, total });
      }),
    );
  }

  async exportModel({ runId, arm, seed }: StudioCalls['exportModel']['ask']): Promise<ExportedModel> {
    return this.#alone(runId, async () => {
      const { job, report } = this.#opened(runId);
      const armReport = report?.arms.find(({ name }) => name === arm);
      if (report === undefined || armReport === undefined) {
        throw new InputError(`there is no trained model of "${arm}"`, {
          remedy: 'Run the training to its end first',
        });
      }
      const model = await job.trainedModel(arm, seed ?? armReport.trainings[0]?.seed ?? 0);
      const folder = `${report.recipe.name}-${arm}`.replace(/[^A-Za-z0-9._-]+/g, '-').toLowerCase();
      return {
        name: `${folder}.zip`,
        zip: modelZip(folder, model, modelCardOfArm(report, armReport, model.shape)),
      };
    });
  }

  async exportGenerations(): Promise<ExportedFile> {
    return this.#alone('generations', async () => {
      const log = await GenerationLog.open(this.#store);
      const blob = new Blob([...logLines(log.entries())]);
      return { name: 'generations.jsonl', bytes: new Uint8Array(await blob.arrayBuffer()) };
    });
  }

  /** Reads what a recipe names and plans; nothing where that is done. */
  async #open(runId: string, recipe: RecipeInput, signal: AbortSignal): Promise<CurrentRun> {
    const known = this.#current;
    const text = JSON.stringify(recipe);
    if (known?.runId === runId && known.recipe === text) {
      known.job.endBy(signal);
      return known;
    }
    this.#current = undefined;
    await known?.search.close();
    const read = readRecipe(recipe);
    const events = new RunEvents(read);
    const host = await this.#host((progress) => this.#events.event(runId, { kind: 'download', ...progress }));
    const lockStep = new LockStep(host.clock);
    const job = await RecipeJob.open({
      ...host,
      recipe: read,
      generators: pageGenerators((role) => own(this.#access, role) ?? {}),
      signal,
      pause: this.#writing,
      lockStep,
      keepVectors: true,
      trainers: {
        cores: trainingCores(navigator.hardwareConcurrency),
        start: startOf(startTrainer),
        place: {
          ...{ store: this.#options.store, threads: this.#runtime.threads, base: this.#base.href },
        },
      },
      onEvent: (event) => {
        if (event.kind === 'view') {
          void events.ofView(event).then((told) => told && this.#events.event(runId, told));
          return;
        }
        for (const told of events.of(event)) this.#events.event(runId, told);
      },
    });
    const search = new RunSearch(this.#runtime, job, this.#searchers);
    const rest = { report: undefined, watched: undefined };
    this.#current = { runId, recipe: text, job, events, search, lockStep, ...rest };
    return this.#current;
  }

  /** What this worker computes with, whatever it is. */
  async #host(onDownload: (progress: FetchProgress) => void) {
    const report = (problem: string): void => this.#events.warning(problem);
    const opened = await pageModels(this.items, { base: this.#base, report });
    const models: ModelFiles = { open: (model) => opened.open(model, onDownload) };
    const files: RecipeFiles = {
      openCorpus: ({ folder, builtIn }) =>
        builtIn === undefined
          ? this.items.openTree(folder ?? '')
          : Promise.resolve(demoFiles(this.#base, onDownload)),
      openFile: (path) => this.items.openFile(path),
    };
    return {
      ...{ models, files, runtime: this.#runtime, store: this.#store },
      library: openTransformersJs(models, { turn: () => this.#runtime.turn() }),
      clock: { now: () => browserClock.now() - this.#runtime.pausedMilliseconds },
      version: this.#options.version ?? 'development',
      checkpointSeconds: this.#options.checkpointSeconds ?? 10,
      ...(this.#searchers !== undefined && { pool: this.#searchers }),
    };
  }

  #opened(runId: string): CurrentRun {
    if (this.#current?.runId === runId) return this.#current;
    throw new InputError('the run is not open', { remedy: 'Open it first' });
  }

  /** What computes has the worker for itself. @throws InputError while something else does */
  async #alone<T>(runId: string, task: () => Promise<T>): Promise<T> {
    if (this.#busy !== undefined) {
      throw new InputError('a run is under way', { remedy: 'Wait for its end, or cancel it' });
    }
    this.#busy = runId;
    try {
      return await task();
    } finally {
      this.#busy = undefined;
      this.#goOn();
    }
  }

  #goOn(): void {
    this.#runtime.resume();
    this.#writing.resume();
  }

  /** @throws InputError if this run is not the one that computes */
  #refuseIdle(runId: string): void {
    if (this.#busy === runId) return;
    throw new InputError('the run is not under way', { remedy: 'Start it first' });
  }
}

/** Milliseconds. */
const aMoment = 1000;

/** The highest nDCG@10 of the trained encoders; undefined where it was not measured. */
function bestOf({ results, arms }: RecipeReport): number | undefined {
  const trained = new Set(arms.map(({ name }) => name));
  const measured = results.all.systems.flatMap(({ name, metrics }) => {
    const mean = own(metrics, 'ndcg_cut_10')?.mean;
    return trained.has(name) && mean !== undefined ? [mean] : [];
  });
  return measured.length === 0 ? undefined : Math.max(...measured);
}

/** What the page is told of a run that is open. */
async function planned({ runId, job }: CurrentRun): Promise<OpenedRun> {
  const plan = await job.plan();
  const { name, passages, test, warnings } = job.corpus;
  const testQueries = test.queries.map(({ id, text }) => ({ id, text }));
  return {
    runId,
    plan,
    corpus: { name, passages: passages.size, testQueries, warnings },
    advice: job.graph.encoder.model.advice ?? [],
  };
}

/**
 * Workers that search vectors, each a part: where memory can be shared with them, and somebody asked for more than one
 * thread. They start with the first search.
 */
function openSearchers(threads: number): WorkerPool | undefined {
  if (!crossOriginIsolated || threads === 1) return undefined;
  // Bundlers look for this very form.
  const start = (): Worker =>
    new Worker(new URL('../../../workers/page-search.ts', import.meta.url), { type: 'module' });
  return openWorkerPool(start, { size: threads });
}

/** Bundlers look for this very form. */
function startTrainer(): Worker {
  return new Worker(new URL('../../../workers/page-train.ts', import.meta.url), { type: 'module' });
}

function takenOver(cause: StoreFencedError): InputError {
  return new InputError('another tab trains this run by now; this one has ended', {
    remedy: 'Resume it there, or close that tab and resume it here; no saved work is lost',
    cause,
  });
}
