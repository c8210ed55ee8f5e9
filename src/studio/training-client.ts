import type { DroppedItem } from '../host/browser/files.ts';
import { messageOf } from '../host/errors.ts';
import { restoreError } from '../host/worker-tasks.ts';
import type { RecipeInput } from '../recipes/schema.ts';
import type {
  ComputeFacts,
  ExportedFile,
  ExportedModel,
  GeneratorAccess,
  KeptItem,
  KeptRun,
  OpenedRun,
  RunEvent,
  RunOutcome,
  SearchAnswer,
  StudioCall,
  StudioCalls,
  StudioMessage,
  StudioRequest,
  WorkerOptions,
} from './protocol.ts';

export interface TrainingClientOptions extends WorkerOptions {
  /** What the user should know, in one line. */
  readonly onWarning?: ((text: string) => void) | undefined;
  /** The worker was opened anew: after a lost device perhaps on another one. */
  readonly onCompute?: ((facts: ComputeFacts) => void) | undefined;
  /** For tests: makes the worker, whose module calls `serveStudio`. */
  readonly start?: (() => Worker) | undefined;
}

type OnEvent = (event: RunEvent) => void;

/** The worker has ended with the question: its device was lost, or it failed. Nothing stored has changed. */
export class WorkerLostError extends Error {
  override readonly name = 'WorkerLostError';
}

interface Question {
  readonly resolve: (answer: StudioCalls[StudioCall]['answer']) => void;
  readonly reject: (error: Error) => void;
}

/** A worker that says nothing for so long hangs. One call to ONNX Runtime may take two minutes. */
const longestSilence = 180_000;
/** Errors of src/host/browser/errors.ts after which a worker is of no use. */
const endings: ReadonlySet<string> = new Set(['DeviceLostError', 'DeadlineError']);
/** So many workers in a row are lost before one of them has trained a step: another would be lost too. */
const mostLosses = 3;

/**
 * The page's end of the training worker. Errors are those that were thrown there: an InputError keeps its problem and
 * remedy. One run at a time: a second is refused with an InputError.
 */
export class TrainingClient {
  readonly #options: TrainingClientOptions;
  readonly #listeners = new Map<string, OnEvent>();
  readonly #questions = new Map<number, Question>();
  #worker: Worker | undefined;
  #opening: Promise<ComputeFacts> | undefined;
  #compute: ComputeFacts | undefined;
  #nextId = 1;
  #lossesWithoutStep = 0;
  #silence: ReturnType<typeof setTimeout> | undefined;
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

  /** Keeps a dropped corpus, model or file of lists in the browser. @throws InputError if it is none of them */
  keep(item: DroppedItem): Promise<KeptItem> {
    return this.#ask('keep', { item });
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

  /**
   * Runs a recipe, or goes on with it. When the device is lost, it goes on by itself in a new worker.
   * @param access what its language models need; sent to the worker, kept nowhere
   * @param signal cancels the run, from its first moment to its last
   * @throws InputError; TrainingDivergedError by its name; WorkerLostError after several losses in a row
   */
  async run(
    runId: string,
    recipe: RecipeInput,
    onEvent?: OnEvent,
    access?: GeneratorAccess,
    signal?: AbortSignal,
  ): Promise<RunOutcome> {
    this.#listen(runId, onEvent);
    this.#lossesWithoutStep = 0;
    const cancel = (): void => {
      if (this.#worker !== undefined) this.#post('cancel', { runId }).catch(() => undefined);
    };
    signal?.addEventListener('abort', cancel);
    try {
      for (;;) {
        try {
          await this.#open();
          // Before the worker has the run, it knows of nothing to cancel; after, it hears of it.
          if (signal?.aborted === true) return { state: 'canceled' };
          return await this.#post('run', { runId, recipe, access });
        } catch (error) {
          if (!(error instanceof WorkerLostError) || this.#isClosed) throw error;
          if (signal?.aborted === true) return { state: 'canceled' };
          this.#lossesWithoutStep++;
          if (this.#lossesWithoutStep > mostLosses) throw error;
          this.#listeners.get(runId)?.({ kind: 'recovering', reason: error.message });
        }
      }
    } finally {
      signal?.removeEventListener('abort', cancel);
    }
  }

  async pause(runId: string): Promise<void> {
    await this.#ask('pause', { runId });
  }

  async resume(runId: string): Promise<void> {
    await this.#ask('resume', { runId });
  }

  /** @param k passages of each system */
  search(runId: string, query: string, systems: readonly string[], k = 10): Promise<SearchAnswer> {
    return this.#ask('search', { runId, query, systems, k });
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
    this.#end('it was ended');
  }

  /** Ends the worker at once, and for good. What is stored stays. */
  close(): void {
    this.#isClosed = true;
    this.#end('the training worker was closed');
  }

  #listen(runId: string, onEvent: OnEvent | undefined): void {
    if (onEvent !== undefined) this.#listeners.set(runId, onEvent);
  }

  /** The worker's facts, once it is open; opened anew where it was lost. */
  #open(): Promise<ComputeFacts> {
    if (this.#isClosed) return Promise.reject(new WorkerLostError('the training worker was closed'));
    this.#opening ??= this.#start();
    return this.#opening;
  }

  async #start(): Promise<ComputeFacts> {
    const worker = (this.#options.start ?? startWorker)();
    worker.addEventListener('message', ({ data }: MessageEvent<StudioMessage>) => this.#hear(data));
    worker.addEventListener('messageerror', () => this.#end('its answer could not be read'));
    worker.addEventListener('error', (event) => {
      event.preventDefault();
      this.#end(event.message || 'its module could not be loaded');
    });
    this.#worker = worker;
    try {
      const facts = await this.#post('open', { options: plainOptions(this.#options) });
      const isAnother = this.#compute !== undefined;
      this.#compute = facts;
      if (isAnother) this.#options.onCompute?.(facts);
      return facts;
    } catch (error) {
      this.#end(messageOf(error));
      throw error;
    }
  }

  async #ask<Call extends StudioCall>(
    call: Call,
    ask: StudioCalls[Call]['ask'],
  ): Promise<StudioCalls[Call]['answer']> {
    await this.#open();
    return this.#post(call, ask);
  }

  #post<Call extends StudioCall>(
    call: Call,
    ask: StudioCalls[Call]['ask'],
  ): Promise<StudioCalls[Call]['answer']> {
    return new Promise((resolve, reject) => {
      const id = this.#nextId++;
      this.#questions.set(id, { resolve: (answer) => resolve(answer), reject });
      this.#watch();
      // The question of this very call, which TypeScript does not follow.
      const request = { id, call, ask } as StudioRequest;
      this.#worker?.postMessage(request);
    });
  }

  #hear(message: StudioMessage): void {
    this.#watch();
    switch (message.kind) {
      case 'answer':
        this.#take(message.id)?.resolve(message.answer);
        break;
      case 'refusal':
        if (endings.has(message.error.name)) this.#end(message.error.message);
        else this.#take(message.id)?.reject(restoreError(message.error));
        break;
      case 'event': {
        const { runId, event } = message;
        if (event.kind === 'training' && event.event.kind === 'step') this.#lossesWithoutStep = 0;
        this.#listeners.get(runId)?.(event);
        break;
      }
      case 'warning':
        this.#options.onWarning?.(message.text);
        break;
      case 'lost':
        this.#end(message.error.message);
        break;
      case 'alive':
        break;
    }
  }

  #take(id: number): Question | undefined {
    const question = this.#questions.get(id);
    this.#questions.delete(id);
    return question;
  }

  #watch(): void {
    clearTimeout(this.#silence);
    if (this.#questions.size === 0) return;
    this.#silence = setTimeout(() => this.#end('it gave no answer for minutes'), longestSilence);
  }

  /** The worker is of no use any more; the next question opens another. */
  #end(reason: string): void {
    clearTimeout(this.#silence);
    this.#worker?.terminate();
    this.#worker = undefined;
    this.#opening = undefined;
    const questions = [...this.#questions.values()];
    this.#questions.clear();
    for (const { reject } of questions)
      reject(new WorkerLostError(`the training worker was lost: ${reason}`));
  }
}

/** Bundlers look for this very form. */
function startWorker(): Worker {
  return new Worker(new URL('../../workers/training.ts', import.meta.url), { type: 'module' });
}

/** The options that a worker can be sent. */
function plainOptions(options: TrainingClientOptions): WorkerOptions {
  const { device, threads, base, store, checkpointSeconds, version } = options;
  return { device, threads, base, store, checkpointSeconds, version };
}
