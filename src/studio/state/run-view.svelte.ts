import { capitalized } from '../../core/capitalized.ts';
import type { RecipeReport } from '../../pipeline/report.ts';
import type { TimeRange } from '../../pipeline/time-left.ts';
import type { Pace } from '../../pipeline/lock-step.ts';
import { UnderWay } from '../../pipeline/under-way.ts';
import type { GenerationProgress } from '../../generation/generation-run.ts';
import type {
  ExportedFile,
  ExportedModel,
  GeneratorAccess,
  KeptRun,
  OpenedRun,
  RunEvent,
  RunOutcome,
  SearchAnswer,
  StageName,
  TestQuery,
  WrittenSample,
} from '../protocol.ts';
import { CurveCollector, curvesOfReport, devMeasure, type TrainingCurves } from './curves.ts';
import { LiveTraining } from './live-training.svelte.ts';
import { problemOf, type Problem } from './problem.ts';
import { bytesText } from '../words/bytes.ts';
import { loadingText } from '../words/loading.ts';
import type { StudioClient } from './studio-client.ts';
import { own } from '../../core/own.ts';

export type RunState = 'idle' | 'running' | 'paused' | 'stopping' | 'canceled' | 'finished' | 'failed';

/** One computation of the run, as the list of steps shows it. */
export interface StageView {
  readonly key: string;
  readonly label: string;
  readonly state: 'waiting' | 'running' | 'done';
}

/** What a language model writes now. */
export interface WritingView {
  readonly label: string;
  /** Of the prompt that is asked. */
  readonly progress: GenerationProgress;
  /** The newest first. */
  readonly samples: readonly WrittenSample[];
}

/** What a language model wrote for a source. */
export type WrittenView = Omit<Extract<RunEvent, { kind: 'written' }>, 'kind'>;
/** What a stack of rules did. */
export type FilteredView = Omit<Extract<RunEvent, { kind: 'filtered' }>, 'kind'>;

/** What a run needs of the studio that it belongs to. */
export interface RunHost {
  client(): Promise<StudioClient>;
  /** The run computes from now on. @returns false where another tab runs it */
  begin(run: RunView): Promise<boolean>;
  /** Whether another tab of this browser runs it. */
  isElsewhere(runId: string): boolean;
  /** @param isSettled it finished, or was canceled: nothing is left to go on with */
  end(run: RunView, isSettled: boolean): Promise<void>;
  /** The run that computes or is held. */
  readonly active: RunView | undefined;
  /** Whether the worker has this run open, so that it can be searched and exported. */
  hasOpen(runId: string): boolean;
}

/** How long a run may take to stop, in milliseconds, before the user may end its worker. */
const patience = 10_000;
/** Steps are shown this often at most, in milliseconds: an eye sees no more, and the worker needs the processor. */
const drawEvery = 150;
const mostNotices = 4;
/** Replies that are shown while a language model writes. */
const mostSamples = 4;

/** What the page shows of one run, and what can be done with it. */
export class RunView {
  readonly runId: string;
  readonly recipe: KeptRun['recipe'];
  state = $state<RunState>('idle');
  /** Whether it was asked to stop long ago, and has not. */
  isStuck = $state(false);
  /** What it does now, for people. */
  activity = $state('');
  stages = $state.raw<readonly StageView[]>([]);
  /** From 0 to 1; never goes back. */
  share = $state(0);
  secondsLeft = $state.raw<TimeRange | undefined>();
  curves = $state.raw<readonly TrainingCurves[]>([]);
  /** What happened on the way: a device was lost, a checkpoint was damaged. */
  notices = $state.raw<readonly string[]>([]);
  opened = $state.raw<OpenedRun | undefined>();
  report = $state.raw<RecipeReport | undefined>();
  problem = $state.raw<Problem | undefined>();
  /** What the recipe's language models need beside it: for this visit alone. */
  access = $state.raw<GeneratorAccess>({});
  /** Whether its corpus and models are read for a plan. */
  isPlanning = $state(false);
  writing = $state.raw<WritingView | undefined>();
  written = $state.raw<readonly WrittenView[]>([]);
  filtered = $state.raw<readonly FilteredView[]>([]);
  /** What is shown of a run that is watched while it trains. */
  live = $state.raw<LiveTraining | undefined>();
  /** Of the corpus that is embedded for a search: `12 of 2239 passages`. */
  indexing = $state<string | undefined>();
  readonly #studio: RunHost;
  #collector = new CurveCollector();
  #underWay = new UnderWay();
  #drawing: ReturnType<typeof setTimeout> | undefined;
  /** What the latest step tells, until it is drawn. */
  #latest: { readonly activity: string; readonly secondsLeft: TimeRange } | undefined;
  /** Of the execution that is under way, from its first moment to its last. */
  #stop = new AbortController();
  #hasPlan = false;
  /** The last question about what is computed has its answer, or none. */
  #answered: Promise<unknown> = Promise.resolve();
  /** Seconds from the plan to the last pause. */
  #secondsBefore = 0;
  /** When the plan was made or the last pause ended. */
  #since = 0;

  constructor(runId: string, recipe: KeptRun['recipe'], studio: RunHost) {
    this.runId = runId;
    this.recipe = recipe;
    this.#studio = studio;
  }

  /** Whether it computes or is held. */
  get isUnderWay(): boolean {
    return this.state === 'running' || this.state === 'paused' || this.state === 'stopping';
  }

  /** Whether another tab of this browser runs it: nothing of it is to be started, or deleted, here. */
  get isElsewhere(): boolean {
    return this.#studio.isElsewhere(this.runId);
  }

  /** Takes what one of the recipe's language models needs. */
  give(role: string, given: GeneratorAccess[string]): void {
    this.access = { ...this.access, [role]: { ...own(this.access, role), ...given } };
  }

  /** Reads what the recipe names and plans, without computing more than the machine's speed. */
  async plan(): Promise<void> {
    if (this.isUnderWay || this.isPlanning) return;
    this.problem = undefined;
    this.isPlanning = true;
    this.activity = 'Reading the corpus and the encoder';
    try {
      const client = await this.#studio.client();
      const listen = (event: RunEvent): void => this.#hear(event);
      this.opened = await client.openRun(this.runId, this.recipe, listen, this.access);
    } catch (error) {
      this.problem = problemOf(error);
    } finally {
      this.isPlanning = false;
    }
  }

  /** Whether nothing of it would be computed; undefined before it is planned. */
  get isStored(): boolean | undefined {
    return this.opened?.plan.stages.every(({ stored }) => stored);
  }

  /**
   * Shows what a finished run has stored. Where another device, or a newer studio, would compute some of it anew,
   * nothing runs: `opened` has what that would cost.
   */
  async show(): Promise<void> {
    await this.plan();
    if (this.problem === undefined && this.isStored === true) await this.start();
  }

  /**
   * Trains, goes on where it was, or shows the stored results at once.
   * @param watch a query whose results are shown while it trains
   */
  async start(watch?: string): Promise<void> {
    if (this.isUnderWay || this.isElsewhere) return;
    this.problem = undefined;
    const other = this.#studio.active;
    if (other !== undefined) {
      this.problem = {
        text: `The training “${other.recipe.name}” is under way, and there can be one at a time.`,
        remedy: 'Wait for its end, or cancel it.',
      };
      return;
    }
    const before = this.state;
    this.state = 'running';
    this.notices = [];
    this.share = 0;
    this.secondsLeft = undefined;
    this.#hasPlan = false;
    this.writing = undefined;
    this.written = [];
    this.filtered = [];
    this.#collector = new CurveCollector();
    this.live = watch === undefined ? undefined : new LiveTraining(watch);
    this.activity = 'Starting the training worker';
    this.#stop = new AbortController();
    const { signal } = this.#stop;
    let patienceEnds: ReturnType<typeof setTimeout> | undefined;
    signal.addEventListener('abort', () => {
      patienceEnds = setTimeout(() => (this.isStuck = true), patience);
    });
    if (!(await this.#studio.begin(this))) {
      this.state = before;
      return;
    }
    try {
      const outcome = await this.#run(signal);
      this.#draw();
      if (outcome.state === 'finished') {
        this.report = outcome.report;
        this.curves = curvesOfReport(outcome.report);
        this.share = 1;
      }
      this.state = outcome.state;
      await this.#studio.end(this, true);
    } catch (error) {
      this.#draw();
      this.problem = problemOf(error);
      this.state = 'failed';
      await this.#studio.end(this, false);
    } finally {
      clearTimeout(patienceEnds);
      this.isStuck = false;
    }
  }

  /** Opens and runs it. */
  async #run(signal: AbortSignal): Promise<RunOutcome> {
    // Before there is a worker, nothing computes, and nothing has to stop.
    const client = await Promise.race([this.#studio.client(), aborted(signal)]);
    if (client === undefined) return { state: 'canceled' };
    this.activity = 'Reading the corpus and the encoder';
    const hear = (event: RunEvent): void => this.#hear(event);
    return client.run(this.runId, this.recipe, hear, this.access, signal, this.live?.query);
  }

  async pause(): Promise<void> {
    await this.#ask(async () => (await this.#studio.client()).pause(this.runId));
  }

  async resume(): Promise<void> {
    await this.#ask(async () => (await this.#studio.client()).resume(this.runId));
  }

  /** Another query to watch. */
  async watch(query: string): Promise<void> {
    const { live } = this;
    if (live === undefined || query.trim() === '' || query === live.query) return;
    live.query = query;
    if (this.isUnderWay && this.#hasPlan) {
      await this.#ask(async () => (await this.#studio.client()).watch(this.runId, query));
    }
  }

  async setPace(pace: Pace): Promise<void> {
    const { live } = this;
    if (live === undefined) return;
    live.pace = pace;
    if (this.isUnderWay && this.#hasPlan) {
      await this.#ask(async () => (await this.#studio.client()).setPace(this.runId, pace));
    }
  }

  async takeStep(): Promise<void> {
    await this.#ask(async () => (await this.#studio.client()).takeStep(this.runId));
  }

  /** Stops it after its current step, whatever it does now. */
  cancel(): void {
    if (this.state !== 'running' && this.state !== 'paused') return;
    this.state = 'stopping';
    this.#stop.abort();
  }

  /** Ends the worker of a run that was asked to stop, and does not: what it did since its last checkpoint is lost. */
  async stopNow(): Promise<void> {
    (await this.#studio.client()).endWorker();
  }

  search(query: string, systems: readonly string[]): Promise<SearchAnswer> {
    return this.#inTurn(async (client) => {
      try {
        return await client.search(this.runId, query, systems);
      } finally {
        this.indexing = undefined;
      }
    });
  }

  /** The queries that the report is on. */
  testQueries(): Promise<readonly TestQuery[]> {
    return this.#inTurn((client) => client.testQueries(this.runId));
  }

  exportModel(arm: string): Promise<ExportedModel> {
    return this.#inTurn((client) => client.exportModel(this.runId, arm));
  }

  /** Asks the worker about this run once it has answered the question before: it answers one at a time. */
  #inTurn<Answer>(question: (client: StudioClient) => Promise<Answer>): Promise<Answer> {
    const answer = this.#answered.then(async () => {
      await this.#reopen();
      return question(await this.#studio.client());
    });
    this.#answered = answer.catch(() => undefined);
    return answer;
  }

  /** Everything that language models wrote in this browser. */
  async exportGenerations(): Promise<ExportedFile> {
    return (await this.#studio.client()).exportGenerations();
  }

  /** Another run may have been opened since: the worker has one open at a time. */
  async #reopen(): Promise<void> {
    if (this.#studio.hasOpen(this.runId)) return;
    await this.show();
    if (this.isStored === false) {
      throw new Error(
        'Some of this run is not stored as this device computes it. Reload the page to see what.',
      );
    }
    if (this.problem !== undefined)
      throw new Error(`${this.problem.text} ${this.problem.remedy ?? ''}`.trim());
  }

  async #ask(question: () => Promise<void>): Promise<void> {
    try {
      await question();
    } catch (error) {
      this.#notice(problemOf(error).text);
    }
  }

  #hear(event: RunEvent): void {
    switch (event.kind) {
      case 'download': {
        const { file, receivedBytes, totalBytes } = event;
        const of = totalBytes === undefined ? '' : ` of ${bytesText(totalBytes)}`;
        this.activity = `Fetching ${file}: ${bytesText(receivedBytes)}${of}`;
        return;
      }
      case 'opened':
        this.opened = event.opened;
        this.#underWay = new UnderWay();
        this.stages = event.opened.plan.stages.map(({ key, label, stored }) => ({
          key,
          label,
          state: stored ? 'done' : 'waiting',
        }));
        this.#hasPlan = true;
        // What was chosen before there was anything to tell.
        if (this.live !== undefined && this.live.pace !== 'full') void this.setPace(this.live.pace);
        this.#secondsBefore = 0;
        this.#since = performance.now();
        return;
      case 'stage':
        this.#mark(event.stage.key, event.state === 'started' ? 'running' : 'done');
        this.#underWay.leave(event.stage);
        if (event.state === 'started') {
          this.#latest = undefined;
          this.activity = capitalized(event.stage.label);
          if (event.stage.kind === 'training') this.#collector.begin(...curveOf(event.stage));
        }
        this.#expect(event.secondsLeft);
        return;
      case 'progress': {
        const { stage, done, total, detail } = event;
        this.activity = `${capitalized(stage.label)}: ${done} of ${total} ${detail}`.trim();
        this.#expect(event.secondsLeft);
        return;
      }
      case 'training':
        this.#hearTraining(event);
        return;
      case 'scene':
        if (this.live !== undefined) this.live.scene = event.scene;
        return;
      case 'view':
        this.live?.show(event.stage.arm ?? '', event.view);
        this.#drawSoon();
        return;
      case 'loading':
        this.activity = `${capitalized(event.stage.label)}: ${loadingText(event.progress)}`;
        return;
      case 'reply': {
        const { stage, progress, sample } = event;
        const samples = [sample, ...(this.writing?.samples ?? [])].slice(0, mostSamples);
        this.writing = { label: stage.label, progress, samples };
        return;
      }
      case 'written': {
        const { stage, report, recorded } = event;
        this.written = withStage(this.written, { stage, report, recorded });
        return;
      }
      case 'filtered': {
        const { stage, report } = event;
        this.filtered = withStage(this.filtered, { stage, report });
        return;
      }
      case 'indexing':
        this.indexing = `${event.done} of ${event.total} passages`;
        return;
      case 'paused':
        this.#secondsBefore = this.#elapsed();
        if (this.state === 'running') this.state = 'paused';
        return;
      case 'resumed':
        this.#since = performance.now();
        if (this.state === 'paused') this.state = 'running';
        return;
      case 'warning':
        this.#notice(`${capitalized(event.warning.replace(/\.$/, ''))}.`);
        return;
      case 'recovering':
        this.#notice(`${capitalized(event.reason)}. Going on from the last checkpoint.`);
        return;
    }
  }

  #hearTraining({ stage, event, secondsLeft }: Extract<RunEvent, { kind: 'training' }>): void {
    const [arm, seed] = curveOf(stage);
    switch (event.kind) {
      case 'step': {
        const { label, done, total } = this.#underWay.reach(stage, event.step, event.totalSteps);
        this.#latest = { activity: `${capitalized(label)}: step ${done} of ${total}`, secondsLeft };
        this.#collector.addLoss(arm, seed, event.step, event.totalSteps, event.loss);
        break;
      }
      case 'evaluation': {
        const value = event.values[devMeasure];
        if (value !== undefined) {
          this.#collector.addDev(arm, seed, event.step, value);
          this.live?.addDev(arm, event.step, value);
        }
        break;
      }
      case 'resumed':
        this.#notice(`${capitalized(stage.label)} resumed from step ${event.step}.`);
        for (const problem of event.problems) this.#notice(problem);
        break;
      case 'smaller micro-batch':
        this.#notice(`${capitalized(stage.label)}, step ${event.step}: ${event.message}.`);
        break;
      case 'checkpoint':
        break;
    }
    this.#drawSoon();
  }

  #drawSoon(): void {
    this.#drawing ??= setTimeout(() => this.#draw(), drawEvery);
  }

  #draw(): void {
    clearTimeout(this.#drawing);
    this.#drawing = undefined;
    this.curves = this.#collector.snapshot();
    this.live?.draw();
    if (this.#latest === undefined) return;
    this.activity = this.#latest.activity;
    this.#expect(this.#latest.secondsLeft);
    this.#latest = undefined;
  }

  #mark(key: string, state: StageView['state']): void {
    this.stages = this.stages.map((stage) => (stage.key === key ? { ...stage, state } : stage));
  }

  #elapsed(): number {
    return this.#secondsBefore + (performance.now() - this.#since) / 1000;
  }

  #expect(secondsLeft: TimeRange): void {
    // What comes before the plan is known to take a moment, and says nothing of the rest.
    if (!this.#hasPlan || !Number.isFinite(secondsLeft.expected)) return;
    this.secondsLeft = secondsLeft;
    const elapsed = this.#elapsed();
    const share = elapsed / Math.max(elapsed + secondsLeft.expected, 1e-3);
    this.share = Math.max(this.share, Math.min(0.99, share));
  }

  #notice(text: string): void {
    this.notices = [...this.notices, text].slice(-mostNotices);
  }
}

/** Names the curve of a training, or of a trial. */
function curveOf({ arm, label, seed }: StageName): [arm: string, seed: number] {
  return [arm ?? label, seed ?? 0];
}

/** Resolves when it is asked to stop. */
function aborted(signal: AbortSignal): Promise<undefined> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve(undefined);
    else signal.addEventListener('abort', () => resolve(undefined), { once: true });
  });
}

/** With what is told of a stage, at its place where it was told before. */
function withStage<T extends { readonly stage: StageName }>(all: readonly T[], told: T): readonly T[] {
  const isTold = all.some(({ stage }) => stage.key === told.stage.key);
  return isTold ? all.map((each) => (each.stage.key === told.stage.key ? told : each)) : [...all, told];
}
