import type { WorkerCalls } from '../worker-calls.ts';
import type { BenchmarkCalls, DatasetChoice, DatasetProgress } from '../benchmark-protocol.ts';
import type { CorpusCalls, CorpusProgress, RowsChoice, WholeText } from '../corpus-protocol.ts';
import type { DroppedItem } from '../dropped-files.ts';
import { startOf } from '../../host/browser/workers.ts';
import { WorkerChannel } from '../../host/channel.ts';
import { messageOf, WorkerLostError } from '../../core/errors.ts';
import type { HubRecord } from '../../import/hub-dataset.ts';
import type { ImportProgress } from '../../import/import-corpus.ts';
import type { Pace } from '../../pipeline/lock-step.ts';
import type { Budget } from '../../pipeline/budget.ts';
import type { PlannedTraining } from '../../pipeline/planner.ts';
import type { RecipeInput } from '../../pipeline/schema.ts';
import type { DataFacts } from '../../pipeline/data-facts.ts';
import type { FactsQuestion } from '../planning-protocol.ts';
import type { ModelChoices } from '../../pipeline/compare-models.ts';
import type {
  BaselineOutcome,
  ExtractOutcome,
  ImportChoices,
  ImportOutcome,
  LookedAt,
  ReadingChoices,
} from '../import-protocol.ts';
import type { PairedLists } from '../lists-protocol.ts';
import type {
  ComparisonEvent,
  ComparisonOutcome,
  ComputeFacts,
  ExportedFile,
  ExportedModel,
  FoundPassage,
  GeneratorAccess,
  KeepProgress,
  KeptItem,
  KeptRun,
  ModelDownload,
  OpenedRun,
  RunEvent,
  RunOutcome,
  SearchAnswer,
  StudioEvent,
  TestQuery,
  WorkerOptions,
} from '../protocol.ts';

import type { WritingCalls } from '../writing-protocol.ts';

export interface TrainingClientOptions extends WorkerOptions {
  /** What the user should know, in one line. */
  readonly onWarning?: ((text: string) => void) | undefined;
  /** The worker was opened anew: after a lost device perhaps on another one. */
  readonly onCompute?: ((facts: ComputeFacts) => void) | undefined;
  /** For tests: makes the worker, whose module calls `serveStudio`. */
  readonly start?: (() => Worker) | undefined;
}

/** What is told meanwhile, where a call tells something. */
export interface WritingOptions<Call extends keyof WritingCalls> {
  readonly signal?: AbortSignal | undefined;
  readonly onProgress?:
    | ((progress: WritingCalls[Call] extends { readonly progress: infer Told } ? Told : never) => void)
    | undefined;
}

type OnEvent = (event: RunEvent) => void;

type Channel = WorkerChannel<WorkerCalls, StudioEvent>;

/** Milliseconds: one call to ONNX Runtime may take two minutes. */
const silenceMs = 180_000;
/** So many workers in a row are lost before one of them has trained a step: another would be lost too. */
const mostLosses = 3;

/**
 * The page's end of the training worker. Errors are those that were thrown there: an InputError keeps its problem and
 * remedy. One run at a time: a second is refused with an InputError.
 */
export class TrainingClient {
  readonly #options: TrainingClientOptions;
  readonly #listeners = new Map<string, OnEvent>();
  readonly #comparisons = new Map<number, (event: ComparisonEvent) => void>();
  #lastComparison = 0;
  #channel: Channel | undefined;
  #opening: Promise<Channel> | undefined;
  #compute: ComputeFacts | undefined;
  #lossesWithoutStep = 0;
  #isClosed = false;

  /** Starts the worker and its runtime. @throws InputError if there is no such device, or the store cannot be opened */
  static async open(options: TrainingClientOptions = {}): Promise<TrainingClient> {
    const client = new TrainingClient(options);
    try {
      await client.#open();
      return client;
    } catch (error) {
      client.close();
      throw error;
    }
  }

  private constructor(options: TrainingClientOptions) {
    this.#options = options;
  }

  /** What it computes with now. */
  get compute(): ComputeFacts {
    if (this.#compute === undefined) throw new Error('the training worker is not open');
    return this.#compute;
  }

  /** Does the same training step several times and compares the bits. @throws InputError during a run */
  testDevice(): Promise<ComputeFacts> {
    return this.#ask('testDevice', {});
  }

  /**
   * Keeps a dropped corpus, model or file of lists in the browser, or nothing of it.
   * @throws InputError if it is none of them; the signal's reason when it is aborted
   */
  async keep(
    item: DroppedItem,
    signal?: AbortSignal,
    onProgress?: (progress: KeepProgress) => void,
  ): Promise<KeptItem> {
    const channel = await this.#open();
    const kept = await channel.ask('keep', { item }, { silenceMs, signal, onProgress });
    if (kept !== null) return kept;
    throw signal?.reason ?? new Error('it was canceled');
  }

  /** Looks at the beginning of files. @throws InputError if one of them cannot be read */
  previewImport(items: readonly DroppedItem[], choices: ReadingChoices = {}): Promise<LookedAt> {
    return this.#ask('previewImport', { items, choices });
  }

  /**
   * Makes a corpus of files, and keeps it or nothing.
   * @throws InputError naming file and line
   */
  async importCorpus(
    items: readonly DroppedItem[],
    choices: ImportChoices,
    signal: AbortSignal,
    onProgress?: (progress: ImportProgress) => void,
  ): Promise<ImportOutcome> {
    const channel = await this.#open();
    return channel.ask('importCorpus', { items, choices }, { silenceMs, signal, onProgress });
  }

  /** What keyword search (BM25) finds for the judged queries of a kept corpus. */
  async keywordBaseline(
    itemId: string,
    split: string,
    signal: AbortSignal,
    onProgress?: (share: number) => void,
  ): Promise<BaselineOutcome> {
    const channel = await this.#open();
    return channel.ask('keywordBaseline', { itemId, split }, { silenceMs, signal, onProgress });
  }

  /** What a hub says of a data set; nothing of it is downloaded. @throws InputError; ConnectionError */
  async lookAtDataset(
    choice: DatasetChoice,
    signal: AbortSignal,
  ): Promise<BenchmarkCalls['lookAtDataset']['answer']> {
    const channel = await this.#open();
    return channel.ask('lookAtDataset', choice, { silenceMs, signal });
  }

  /** Downloads a data set of a hub and keeps it as a corpus, or nothing. @throws InputError; ConnectionError */
  async importDataset(
    choice: DatasetChoice,
    signal: AbortSignal,
    onProgress?: (progress: DatasetProgress) => void,
  ): Promise<ImportOutcome> {
    const channel = await this.#open();
    return channel.ask('importDataset', choice, { silenceMs, signal, onProgress });
  }

  /** A page of rows of a kept corpus or file of lists. @throws InputError */
  async corpusRows(
    choice: RowsChoice,
    from: number,
    count: number,
    signal: AbortSignal,
    onProgress?: (progress: CorpusProgress) => void,
  ): Promise<CorpusCalls['corpusRows']['answer']> {
    const channel = await this.#open();
    return channel.ask('corpusRows', { choice, from, count }, { silenceMs, signal, onProgress });
  }

  /** A whole passage of a kept corpus. @throws InputError */
  corpusText(itemId: string, id: string): Promise<WholeText> {
    return this.#ask('corpusText', { itemId, id });
  }

  /** Which data sets of a hub a kept corpus was made of. */
  corpusOrigins(itemId: string): Promise<readonly HubRecord[]> {
    return this.#ask('corpusOrigins', { itemId });
  }

  /** A kept corpus as a zip in BEIR's layout. @throws InputError if it is too large for one */
  async exportCorpus(
    itemId: string,
    signal: AbortSignal,
    onProgress?: (progress: CorpusProgress) => void,
  ): Promise<CorpusCalls['exportCorpus']['answer']> {
    const channel = await this.#open();
    return channel.ask('exportCorpus', { itemId }, { silenceMs, signal, onProgress });
  }

  /** What keyword search (BM25) finds in a kept corpus. */
  searchTexts(itemId: string, query: string, k: number): Promise<readonly FoundPassage[]> {
    return this.#ask('searchTexts', { itemId, query, k });
  }

  /** Keeps a corpus anew, with queries that are clauses of its passages. @throws InputError if it is too small */
  async extractQueries(itemId: string, signal: AbortSignal): Promise<ExtractOutcome> {
    const channel = await this.#open();
    return channel.ask('extractQueries', { itemId }, { silenceMs, signal });
  }

  /**
   * Asks for what has to do with written queries and candidates.
   * @throws InputError naming what does not fit, or while a run is under way
   */
  async writing<Call extends keyof WritingCalls>(
    call: Call,
    ask: WritingCalls[Call]['ask'],
    options: WritingOptions<Call> = {},
  ): Promise<WritingCalls[Call]['answer']> {
    const channel: WorkerChannel<WritingCalls, StudioEvent> = await this.#open();
    return channel.ask(call, ask, { silenceMs, ...options });
  }

  /** How many of the passages of kept training lists a kept corpus has. */
  pairLists(listsId: string, corpusId: string): Promise<PairedLists> {
    return this.#ask('pairLists', { listsId, corpusId });
  }

  /** Keeps the passages and queries of training lists as a corpus. @throws InputError if they are too few */
  corpusOfLists(listsId: string): Promise<KeptItem> {
    return this.#ask('corpusOfLists', { listsId });
  }

  /** The latest first. */
  kept(): Promise<readonly KeptItem[]> {
    return this.#ask('kept', {});
  }

  async forgetKept(itemId: string): Promise<void> {
    await this.#ask('forgetKept', { itemId });
  }

  /** The latest first. */
  runs(): Promise<readonly KeptRun[]> {
    return this.#ask('runs', {});
  }

  async forgetRun(runId: string): Promise<void> {
    await this.#ask('forgetRun', { runId });
  }

  /** What a kept corpus is like. @throws InputError if it cannot be read */
  dataFacts(question: FactsQuestion): Promise<DataFacts> {
    return this.#ask('dataFacts', question);
  }

  /**
   * What a training takes, all of it and within a budget.
   * @param onCounted hears of steps before their time is known
   * @returns null where a newer question or the signal has ended it
   * @throws InputError naming what of the recipe or its files does not fit
   */
  async planTraining(
    recipe: RecipeInput,
    budget: Budget,
    signal: AbortSignal,
    onCounted?: (planned: PlannedTraining) => void,
  ): Promise<PlannedTraining | null> {
    const channel = await this.#open();
    if (signal.aborted) return null;
    return channel.ask('planTraining', { recipe, budget }, { silenceMs, signal, onProgress: onCounted });
  }

  /** @throws InputError naming what of the recipe or its files does not fit */
  openRun(
    runId: string,
    recipe: RecipeInput,
    onEvent?: OnEvent,
    access?: GeneratorAccess,
  ): Promise<OpenedRun> {
    this.#listen(runId, onEvent);
    return this.#ask('openRun', { runId, recipe, access });
  }

  /** What has to be fetched before a recipe's language models can write. */
  modelDownloads(recipe: RecipeInput): Promise<readonly ModelDownload[]> {
    return this.#ask('modelDownloads', { recipe });
  }

  /**
   * Runs a recipe, or goes on with it. When the device is lost, it goes on by itself in a new worker.
   * @param access what its language models need; sent to the worker, kept nowhere
   * @param signal cancels the run, from its first moment to its last
   * @param watch a query that its trainings show, in lock step
   * @throws InputError; TrainingDivergedError by its name; WorkerLostError after several losses in a row
   */
  async run(
    runId: string,
    recipe: RecipeInput,
    onEvent?: OnEvent,
    access?: GeneratorAccess,
    signal?: AbortSignal,
    watch?: string,
  ): Promise<RunOutcome> {
    this.#listen(runId, onEvent);
    this.#lossesWithoutStep = 0;
    for (;;) {
      try {
        const channel = await this.#open();
        if (signal?.aborted === true) return { state: 'canceled' };
        return await channel.ask('run', { runId, recipe, access, watch }, { silenceMs, signal });
      } catch (error) {
        if (!(error instanceof WorkerLostError) || this.#isClosed) throw error;
        if (signal?.aborted === true) return { state: 'canceled' };
        this.#lossesWithoutStep++;
        if (this.#lossesWithoutStep > mostLosses) throw error;
        this.#listeners.get(runId)?.({ kind: 'recovering', reason: error.message });
      }
    }
  }

  /**
   * Compares encoders as they are.
   * @param signal cancels it
   * @throws InputError if the corpus or its judgments cannot be read, no encoder can, or a run is under way
   */
  async compareModels(
    choices: ModelChoices,
    onEvent: (event: ComparisonEvent) => void,
    signal: AbortSignal,
  ): Promise<ComparisonOutcome> {
    const channel = await this.#open();
    if (signal.aborted) return { state: 'canceled' };
    const comparisonId = ++this.#lastComparison;
    this.#comparisons.set(comparisonId, onEvent);
    try {
      return await channel.ask('compareModels', { comparisonId, choices }, { silenceMs, signal });
    } finally {
      this.#comparisons.delete(comparisonId);
    }
  }

  async pause(runId: string): Promise<void> {
    await this.#ask('pause', { runId });
  }

  async resume(runId: string): Promise<void> {
    await this.#ask('resume', { runId });
  }

  /** Another query to watch. */
  async watch(runId: string, query: string): Promise<void> {
    await this.#ask('watch', { runId, query });
  }

  /** How fast trainings go that are watched. */
  async setPace(runId: string, pace: Pace): Promise<void> {
    await this.#ask('setPace', { runId, pace });
  }

  /** At the pace `single`: one more step of each training. */
  async takeStep(runId: string): Promise<void> {
    await this.#ask('takeStep', { runId });
  }

  /** @param k passages of each system */
  search(runId: string, query: string, systems: readonly string[], k = 10): Promise<SearchAnswer> {
    return this.#ask('search', { runId, query, systems, k });
  }

  /** The queries that a run reports on. Needs a run that is open. */
  testQueries(runId: string): Promise<readonly TestQuery[]> {
    return this.#ask('testQueries', { runId });
  }

  /** @param seed the recipe's first by default */
  exportModel(runId: string, arm: string, seed?: number): Promise<ExportedModel> {
    return this.#ask('exportModel', { runId, arm, seed });
  }

  /** What language models wrote in this browser, as a log. */
  exportGenerations(): Promise<ExportedFile> {
    return this.#ask('exportGenerations', {});
  }

  /** Ends the worker at once; the next question opens another. What is stored stays. A run that was canceled ends. */
  endWorker(): void {
    this.#channel?.end('it was ended');
  }

  /** Ends the worker at once, and for good. What is stored stays. */
  close(): void {
    this.#isClosed = true;
    this.#channel?.end('it was closed');
  }

  #listen(runId: string, onEvent: OnEvent | undefined): void {
    if (onEvent !== undefined) this.#listeners.set(runId, onEvent);
  }

  /** The channel to a worker that is open; to another one where that was lost. */
  #open(): Promise<Channel> {
    if (this.#isClosed) return Promise.reject(new WorkerLostError('the training worker was closed'));
    const opening = this.#channel?.hasEnded === false ? this.#opening : undefined;
    return (this.#opening = opening ?? this.#start());
  }

  async #start(): Promise<Channel> {
    const start = startOf(this.#options.start ?? startWorker);
    const channel: Channel = new WorkerChannel(start, 'the training worker', (event) => this.#hear(event));
    this.#channel = channel;
    try {
      const facts = await channel.ask('open', { options: plainOptions(this.#options) }, { silenceMs });
      const isAnother = this.#compute !== undefined;
      this.#compute = facts;
      if (isAnother) this.#options.onCompute?.(facts);
      return channel;
    } catch (error) {
      channel.end(messageOf(error));
      throw error;
    }
  }

  async #ask<Call extends keyof WorkerCalls>(
    call: Call,
    ask: WorkerCalls[Call]['ask'],
  ): Promise<WorkerCalls[Call]['answer']> {
    const channel = await this.#open();
    return channel.ask(call, ask, { silenceMs });
  }

  #hear(told: StudioEvent): void {
    if (told.kind === 'warning') {
      this.#options.onWarning?.(told.text);
      return;
    }
    if (told.kind === 'comparison') {
      this.#comparisons.get(told.comparisonId)?.(told.event);
      return;
    }
    const { runId, event } = told;
    if (event.kind === 'training' && event.event.kind === 'step') this.#lossesWithoutStep = 0;
    this.#listeners.get(runId)?.(event);
  }
}

/** Bundlers look for this very form. */
function startWorker(): Worker {
  return new Worker(new URL('../../../workers/training.ts', import.meta.url), { type: 'module' });
}

/** The options that a worker can be sent. */
function plainOptions(options: TrainingClientOptions): WorkerOptions {
  const { device, threads, base, store, checkpointSeconds, version } = options;
  return { device, threads, base, store, checkpointSeconds, version };
}
