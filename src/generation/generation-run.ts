/** What a run of requests is given, tells and leaves. */
import type { Clock } from '../host/contract.ts';
import type { Generator, GeneratorLoadProgress } from '../host/generator.ts';
import { untilAborted } from '../core/waiting.ts';
import type { SlotTexts } from './fill-prompt.ts';
import type { GenerationLog, LogEntry } from './log.ts';
import type { GeneratedItem, Prompt } from './prompt.ts';

export interface GenerationTask {
  /** Names the task in its run: a passage's id, a query's id. */
  readonly id: string;
  readonly slots: SlotTexts;
}

export interface GenerationSettings {
  /** Draws the examples and starts the model. The seed of a task is made of it and the task's id. */
  readonly seed: number;
  /** Replies that are asked for until one fits. Default: 3. */
  readonly attempts?: number;
  /** Requests under way at the same time. Default: what the generator answers at the same time. */
  readonly parallel?: number;
  /** Tries of one request that fail for a reason that may pass, until its task is left open. Default: 6. */
  readonly tries?: number;
  /** The wait after the first failure, which doubles with each. Default: 1. */
  readonly firstWaitSeconds?: number;
  /** Default: 60. What the other side asks for is waited for up to an hour. */
  readonly longestWaitSeconds?: number;
  /** A request without an answer by then has failed, and is tried again. Default: 600. */
  readonly deadlineSeconds?: number;
}

export interface GenerationParts {
  readonly tasks: readonly GenerationTask[];
  readonly prompt: Prompt;
  readonly generator: Generator;
  readonly log: GenerationLog;
  readonly settings: GenerationSettings;
  readonly onEvent?: (event: GenerationEvent) => void;
  /** Ends the run: requests under way are given up, what has arrived is in the log. */
  readonly signal?: AbortSignal;
  /** Holds the run between two requests. */
  readonly pause?: PauseSwitch;
  readonly clock?: Clock;
  /** What stands in the log as the time of a reply. */
  readonly wallClock?: () => Date;
  /** Rejects with the signal's reason when it is aborted. */
  readonly sleep?: (seconds: number, signal: AbortSignal) => Promise<void>;
}

export interface FinishedTask {
  readonly task: GenerationTask;
  readonly items: readonly GeneratedItem[];
  readonly entry: LogEntry;
}

/** A task without items. */
export interface OpenTask {
  readonly task: GenerationTask;
  /**
   * `rejected`: no reply fitted. `failed`: the generator did not answer, or asked for a wait of more than an hour;
   * running again tries again.
   */
  readonly why: 'rejected' | 'failed';
  readonly reason: string;
}

export interface GenerationProgress {
  readonly tasks: number;
  /** Tasks with items. */
  readonly done: number;
  /** Of them, those whose reply was in the log. */
  readonly reused: number;
  /** Tasks that were given up. */
  readonly open: number;
  readonly items: number;
  /** Replies of this run. */
  readonly replies: number;
  /** Replies that did not fit, of this run and in the log. */
  readonly rejected: number;
  /** Items that were left out of replies that fitted. */
  readonly droppedItems: number;
  readonly completionTokens: number;
  /** Of this run, without pauses. */
  readonly seconds: number;
  /** Over all requests that are under way at the same time; undefined where the generator does not count tokens. */
  readonly tokensPerSecond: number | undefined;
  /** Newly written. */
  readonly itemsPerHour: number | undefined;
  readonly secondsLeft: number | undefined;
}

export type GenerationEvent = { readonly progress: GenerationProgress } & (
  | { readonly kind: 'started' }
  | { readonly kind: 'loading'; readonly loading: GeneratorLoadProgress }
  | { readonly kind: 'finished-task'; readonly finished: FinishedTask; readonly reused: boolean }
  | { readonly kind: 'rejected'; readonly task: GenerationTask; readonly entry: LogEntry }
  | {
      /** A request is to be sent again. Told once more every half minute. */
      readonly kind: 'waiting';
      readonly task: GenerationTask;
      readonly reason: string;
      readonly seconds: number;
    }
  | { readonly kind: 'open-task'; readonly open: OpenTask }
);

export interface GenerationResult {
  /** In the order of the tasks. */
  readonly finished: readonly FinishedTask[];
  readonly open: readonly OpenTask[];
  readonly progress: GenerationProgress;
}

/** Holds a run between two requests. */
export class PauseSwitch {
  #gate: Promise<void> | undefined;
  #open: () => void = () => undefined;
  readonly #watchers = new Set<(isPaused: boolean) => Promise<void>>();

  get isPaused(): boolean {
    return this.#gate !== undefined;
  }

  /** Resolves once whoever watches has paused too. */
  async pause(): Promise<void> {
    this.#gate ??= new Promise((resolve) => (this.#open = resolve));
    await Promise.all([...this.#watchers].map((tell) => tell(true)));
  }

  resume(): void {
    this.#gate = undefined;
    this.#open();
    for (const tell of this.#watchers) void tell(false);
  }

  /** Tells whether it is paused, now and at each change, for what is held in another worker. */
  watch(tell: (isPaused: boolean) => Promise<void>, signal: AbortSignal): void {
    this.#watchers.add(tell);
    signal.addEventListener('abort', () => this.#watchers.delete(tell), { once: true });
    void tell(this.isPaused);
  }

  /** Resolves while it is not paused; rejects with the signal's reason when it is aborted. */
  async passed(signal: AbortSignal): Promise<void> {
    while (this.#gate !== undefined) await untilAborted(this.#gate, signal);
  }
}
