import type { Clock } from '../host/contract.ts';
import { InputError, messageOf } from '../core/errors.ts';
import {
  TransientGeneratorError,
  isTokenCount,
  type GenerationReply,
  type GenerationRequest,
} from '../host/generator.ts';
import { RandomStream, streamKey } from '../core/random.ts';
import { sleep as sleepOnTimer, untilAborted } from '../core/waiting.ts';
import { fillPrompt, makeRequest } from './fill-prompt.ts';
import type {
  FinishedTask,
  GenerationEvent,
  GenerationParts,
  GenerationProgress,
  GenerationResult,
  GenerationSettings,
  GenerationTask,
  OpenTask,
} from './generation-run.ts';
import { replyOf, type LogEntry } from './log.ts';
import { ReplyReader, type ReadReply } from './read-reply.ts';
import { MOST_CHARACTERS } from './reply-json.ts';

/**
 * Asks a language model for every task until it has items, and logs every reply as it arrives. What the log holds is
 * not asked again, so a run that was stopped, or whose process died, goes on when it is run again; at most the
 * requests that were under way are repeated. A reply that does not fit is asked for again with the next seed. The
 * model is loaded when the first request is sent, so not at all where the log has everything.
 *
 * A request that fails for a reason that may pass is sent again, after a wait that doubles; where it keeps failing
 * its task is left open, and the run goes on.
 *
 * @throws InputError where the user has to do something; the signal's reason when it is aborted. What arrived until
 * then is in the log.
 */
export async function runGeneration(parts: GenerationParts): Promise<GenerationResult> {
  return new Run(parts).run();
}

/** Tasks in a row that a generator leaves unanswered until the rest is left open. */
const MOST_FAILED_IN_A_ROW = 5;

/** A server that asks for a longer wait is asked by the user's next run. */
const LONGEST_WAIT_SECONDS = 3600;

/** While a wait lasts, it is told as often why. */
const TELL_SECONDS = 30;

type Answer = { readonly reply: GenerationReply } | { readonly failure: string };

class Run {
  readonly #parts: GenerationParts;
  readonly #settings: Required<GenerationSettings>;
  readonly #clock: Clock;
  readonly #reader: ReplyReader;
  /** Aborted with the first error that ends the run. */
  readonly #stop = new AbortController();
  readonly #signal: AbortSignal;
  readonly #outcomes: (FinishedTask | OpenTask)[] = [];
  #next = 0;
  #loading: Promise<void> | undefined;
  /** Before that nothing is sent: a server asked for it. Milliseconds of the clock. */
  #notBefore = 0;
  /** Why nothing more is sent in this run. */
  #postponed: string | undefined;
  #failedInARow = 0;

  #startedAt: number | undefined;
  #pausedMilliseconds = 0;
  #pausedAt: number | undefined;
  #newTasks = 0;
  #newItems = 0;
  #tokens: number | undefined;
  readonly #counts = { done: 0, reused: 0, open: 0, items: 0, replies: 0, rejected: 0, droppedItems: 0 };

  constructor(parts: GenerationParts) {
    const { settings, generator, prompt, signal } = parts;
    this.#parts = parts;
    this.#settings = {
      attempts: 3,
      parallel: generator.description.parallel,
      tries: 6,
      firstWaitSeconds: 1,
      longestWaitSeconds: 60,
      deadlineSeconds: 600,
      ...settings,
    };
    this.#clock = parts.clock ?? { now: () => performance.now() };
    this.#reader = new ReplyReader(prompt);
    this.#signal = signal ? AbortSignal.any([signal, this.#stop.signal]) : this.#stop.signal;
  }

  async run(): Promise<GenerationResult> {
    this.#signal.throwIfAborted();
    refuseEqualIds(this.#parts.tasks);
    this.#tell({ kind: 'started' });
    const lines = Math.max(1, Math.min(this.#settings.parallel, this.#parts.tasks.length));
    await Promise.allSettled(Array.from({ length: lines }, () => this.#line()));
    this.#signal.throwIfAborted();
    return {
      finished: this.#outcomes.filter((outcome) => 'items' in outcome),
      open: this.#outcomes.filter((outcome) => 'why' in outcome),
      progress: this.#progress(),
    };
  }

  /** One after another, the tasks that no other line has begun. */
  async #line(): Promise<void> {
    try {
      for (;;) {
        const index = this.#next++;
        const task = this.#parts.tasks[index];
        if (task === undefined) return;
        this.#signal.throwIfAborted();
        this.#outcomes[index] = await this.#do(task);
      }
    } catch (error) {
      this.#stop.abort(error);
    }
  }

  async #do(task: GenerationTask): Promise<FinishedTask | OpenTask> {
    const { prompt, log, generator } = this.#parts;
    const seed = taskSeed(this.#settings.seed, prompt.id, task.id);
    const filled = fillPrompt(prompt, task.slots, seed);
    let reason = '';
    for (let attempt = 0; attempt < this.#settings.attempts; attempt++) {
      const request = await makeRequest(prompt, filled, seed + attempt);
      const logged = log.find(request.id, generator.description.model);
      let entry: LogEntry;
      let read: ReadReply;
      if (logged !== undefined) {
        // Read anew: what a log says of a text is not taken on trust.
        entry = logged;
        read = this.#reader.read(replyOf(entry), task.slots, filled.schema);
      } else {
        const answer = await this.#ask(task, request);
        if ('failure' in answer) return this.#leaveOpen({ task, why: 'failed', reason: answer.failure });
        read = this.#reader.read(answer.reply, task.slots, filled.schema);
        entry = this.#entryOf(task, request, attempt, answer.reply, read);
        await log.append(entry);
        this.#countReply(answer.reply);
      }
      if ('items' in read) {
        return this.#finish({ task, items: read.items, entry }, read.dropped.length, logged !== undefined);
      }
      this.#counts.rejected++;
      reason = read.error;
      this.#tell({ kind: 'rejected', task, entry });
    }
    return this.#leaveOpen({ task, why: 'rejected', reason });
  }

  #finish(finished: FinishedTask, dropped: number, reused: boolean): FinishedTask {
    this.#counts.done++;
    this.#counts.items += finished.items.length;
    this.#counts.droppedItems += dropped;
    if (reused) this.#counts.reused++;
    else {
      this.#newTasks++;
      this.#newItems += finished.items.length;
    }
    this.#tell({ kind: 'finished-task', finished, reused });
    return finished;
  }

  #leaveOpen(open: OpenTask): OpenTask {
    this.#counts.open++;
    if (this.#startedAt !== undefined) this.#newTasks++;
    this.#tell({ kind: 'open-task', open });
    return open;
  }

  /** The reply to a request, or why there is none after all tries. */
  async #ask(task: GenerationTask, request: GenerationRequest): Promise<Answer> {
    const { tries, firstWaitSeconds, longestWaitSeconds } = this.#settings;
    const chance = new RandomStream(request.seed, 'waits');
    for (let failures = 1; ; failures++) {
      if (this.#postponed !== undefined) return { failure: this.#postponed };
      if (this.#failedInARow >= MOST_FAILED_IN_A_ROW) {
        return { failure: `not requested: ${this.#failedInARow} tasks in a row had no response` };
      }
      try {
        const reply = asKept(await this.#send(request));
        this.#failedInARow = 0;
        return { reply };
      } catch (error) {
        this.#signal.throwIfAborted();
        if (!(error instanceof TransientGeneratorError)) throw error;
        const reason = messageOf(error);
        const asked = error.retryAfterSeconds ?? 0;
        if (asked > LONGEST_WAIT_SECONDS) {
          this.#postponed ??= `${reason}; the server asks to wait until ${this.#timeIn(asked)}`;
          return { failure: this.#postponed };
        }
        if (failures >= tries) {
          this.#failedInARow++;
          return { failure: reason };
        }
        // Requests that failed together do not come back together.
        const doubled = Math.min(longestWaitSeconds, firstWaitSeconds * 2 ** (failures - 1));
        const seconds = Math.max(doubled, asked) + 0.5 * doubled * chance.uniform();
        if (asked > 0) this.#notBefore = Math.max(this.#notBefore, this.#clock.now() + asked * 1000);
        await this.#wait(task, reason, Math.min(seconds, LONGEST_WAIT_SECONDS));
      }
    }
  }

  async #wait(task: GenerationTask, reason: string, seconds: number): Promise<void> {
    for (let left = seconds; left > 0; left -= TELL_SECONDS) {
      this.#tell({ kind: 'waiting', task, reason, seconds: left });
      await this.#sleep(Math.min(left, TELL_SECONDS));
    }
  }

  /** The date and time after so many seconds, which may be more than a date can hold. */
  #timeIn(seconds: number): string {
    const time = new Date(this.#now().getTime() + seconds * 1000);
    return time.getUTCFullYear() <= 9999
      ? `${time.toISOString().slice(0, 16).replace('T', ' ')} UTC`
      : 'after the year 9999';
  }

  #now(): Date {
    return (this.#parts.wallClock ?? (() => new Date()))();
  }

  async #send(request: GenerationRequest): Promise<GenerationReply> {
    await this.#pass();
    const { generator } = this.#parts;
    this.#loading ??= generator.load({
      signal: this.#signal,
      onProgress: (loading) => this.#tell({ kind: 'loading', loading }),
    });
    try {
      await untilAborted(this.#loading, this.#signal);
    } catch (error) {
      this.#loading = undefined;
      throw error;
    }
    this.#startedAt ??= this.#clock.now();

    const { deadlineSeconds } = this.#settings;
    const done = new AbortController();
    const signal = AbortSignal.any([this.#signal, done.signal]);
    const late = sleepOnTimer(deadlineSeconds, signal).then(() => {
      throw new TransientGeneratorError(`no response within ${deadlineSeconds} s`);
    });
    try {
      return await untilAborted(Promise.race([generator.generate(request, signal), late]), this.#signal);
    } finally {
      done.abort();
    }
  }

  /** Waits while the run is paused, and while a server does not want to be asked. */
  async #pass(): Promise<void> {
    const { pause } = this.#parts;
    for (;;) {
      if (pause?.isPaused === true) {
        this.#pausedAt ??= this.#clock.now();
        await pause.passed(this.#signal);
        this.#endPause();
      }
      const wait = this.#notBefore - this.#clock.now();
      if (wait <= 0) return;
      await this.#sleep(wait / 1000);
    }
  }

  /** The first of the lines that go on ends it. */
  #endPause(): void {
    if (this.#pausedAt === undefined) return;
    this.#pausedMilliseconds += this.#clock.now() - this.#pausedAt;
    this.#pausedAt = undefined;
  }

  async #sleep(seconds: number): Promise<void> {
    await (this.#parts.sleep ?? sleepOnTimer)(seconds, this.#signal);
  }

  #entryOf(
    task: GenerationTask,
    { id, seed, sampling }: GenerationRequest,
    attempt: number,
    reply: GenerationReply,
    read: ReadReply,
  ): LogEntry {
    const { prompt, generator } = this.#parts;
    const { model, kind, recorded } = generator.description;
    return {
      request: id,
      task: task.id,
      prompt: prompt.id,
      prompt_version: prompt.version,
      model,
      generator: kind,
      recorded,
      seed,
      attempt,
      sampling,
      text: reply.text,
      finish: reply.finish,
      ...('items' in read ? { items: read.items } : { error: read.error }),
      ...(read.dropped.length > 0 && { dropped: read.dropped }),
      ...(reply.promptTokens !== undefined && { prompt_tokens: reply.promptTokens }),
      ...(reply.completionTokens !== undefined && { completion_tokens: reply.completionTokens }),
      seconds: reply.seconds,
      at: this.#now().toISOString(),
    };
  }

  #countReply({ completionTokens }: GenerationReply): void {
    this.#counts.replies++;
    if (completionTokens !== undefined) this.#tokens = (this.#tokens ?? 0) + completionTokens;
  }

  #tell(event: DistributiveOmit<GenerationEvent, 'progress'>): void {
    this.#parts.onEvent?.({ ...event, progress: this.#progress() });
  }

  #progress(): GenerationProgress {
    const now = this.#pausedAt ?? this.#clock.now();
    const seconds =
      this.#startedAt === undefined ? 0 : (now - this.#startedAt - this.#pausedMilliseconds) / 1000;
    const { tasks } = this.#parts;
    const left = tasks.length - this.#counts.done - this.#counts.open;
    const isKnown = seconds > 0 && this.#newTasks > 0;
    return {
      tasks: tasks.length,
      ...this.#counts,
      completionTokens: this.#tokens ?? 0,
      seconds,
      tokensPerSecond: seconds > 0 && this.#tokens !== undefined ? this.#tokens / seconds : undefined,
      itemsPerHour: isKnown ? (3600 * this.#newItems) / seconds : undefined,
      secondsLeft: left === 0 ? 0 : isKnown ? (left * seconds) / this.#newTasks : undefined,
    };
  }
}

type DistributiveOmit<T, K extends PropertyKey> = T extends unknown ? Omit<T, K> : never;

/**
 * The seed of a task's first request. Leaves room below 2^31, the largest seed that every server takes, for the seeds of
 * further attempts.
 */
export function taskSeed(seed: number, prompt: string, task: string): number {
  return streamKey(seed, 'generation', prompt, task) >>> 2;
}

/** A reply without what no log can hold, whichever generator gave it. */
function asKept({ text, promptTokens, completionTokens, ...reply }: GenerationReply): GenerationReply {
  return {
    ...reply,
    text: text.slice(0, MOST_CHARACTERS),
    ...(isTokenCount(promptTokens) && { promptTokens }),
    ...(isTokenCount(completionTokens) && { completionTokens }),
  };
}

function refuseEqualIds(tasks: readonly GenerationTask[]): void {
  const ids = new Set<string>();
  for (const { id } of tasks) {
    if (ids.has(id)) {
      throw new InputError(`two input texts have the id ${JSON.stringify(id)}`, {
        remedy: 'Use a unique id for each',
      });
    }
    ids.add(id);
  }
}
