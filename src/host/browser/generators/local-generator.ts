import {
  TransientGeneratorError,
  type GenerationReply,
  type GenerationRequest,
  type Generator,
  type GeneratorDescription,
  type GeneratorLoadProgress,
} from '../../generator.ts';
import { WorkerChannel } from '../../channel.ts';
import { WorkerLostError } from '../../../core/errors.ts';
import { untilAborted } from '../../../core/waiting.ts';
import { startOf } from '../workers.ts';
import { nameOfModel, type GenerationCalls, type LocalModel } from './protocol.ts';

export interface LocalGeneratorOptions {
  /** Makes the worker, whose module calls `serveGeneration`. */
  readonly start: () => Worker;
  /** A load without progress for this long counts as hung: one shader can compile for minutes. Default 10 minutes. */
  readonly loadSilenceMs?: number | undefined;
  /** A reply without a new token for this long counts as hung: a long prompt is read first. Default 5 minutes. */
  readonly replySilenceMs?: number | undefined;
  /** A canceled reply that continues for this long counts as hung. Default 10 seconds. */
  readonly stopMs?: number | undefined;
}

interface LoadOptions {
  readonly onProgress?: (progress: GeneratorLoadProgress) => void;
  readonly signal?: AbortSignal;
}

/** A load that is under way, or done. */
interface Load {
  readonly worker: WorkerChannel<GenerationCalls>;
  readonly loaded: Promise<void>;
  readonly listeners: Set<(progress: GeneratorLoadProgress) => void>;
}

const loadSilence = 10 * 60_000;
const replySilence = 5 * 60_000;
/** Milliseconds. */
const stopTime = 10_000;
/** What letting go of a GPU may take. */
const closeSilence = 3000;

/**
 * A language model in its own worker, which is created to load it and terminated to unload it: that frees everything,
 * whatever state it is in. Requests are queued here. A lost model is loaded again for the next request.
 */
export class LocalGenerator implements Generator {
  readonly description: GeneratorDescription;
  readonly #model: LocalModel;
  readonly #options: LocalGeneratorOptions;
  #load: Load | undefined;
  #last: Promise<unknown> = Promise.resolve();
  /** Ends whoever waits in line. */
  #line = new AbortController();

  constructor(model: LocalModel, options: LocalGeneratorOptions) {
    this.#model = model;
    this.#options = options;
    this.description = {
      kind: model.kind,
      model: nameOfModel(model),
      recorded: false,
      constrains: true,
      parallel: 1,
    };
  }

  /**
   * Several calls share one load, which any one of their signals ends for all of them.
   * @throws InputError with the remedy; TransientGeneratorError; the signal's reason
   */
  async load({ onProgress, signal }: LoadOptions = {}): Promise<void> {
    signal?.throwIfAborted();
    const load = this.#current();
    if (onProgress !== undefined) load.listeners.add(onProgress);
    const cancel = (): void => {
      if (this.#load === load) this.#load = undefined;
      load.worker.end('its load was canceled');
    };
    signal?.addEventListener('abort', cancel, { once: true });
    try {
      await load.loaded;
    } catch (error) {
      signal?.throwIfAborted();
      throw error;
    } finally {
      signal?.removeEventListener('abort', cancel);
      if (onProgress !== undefined) load.listeners.delete(onProgress);
    }
  }

  generate(request: GenerationRequest, signal?: AbortSignal): Promise<GenerationReply> {
    const line = this.#line.signal;
    const turn = this.#last.then(async () => {
      line.throwIfAborted();
      signal?.throwIfAborted();
      await this.load(signal === undefined ? {} : { signal });
      return this.#ask(request, signal);
    });
    this.#last = turn.catch(() => undefined);
    return signal === undefined ? turn : untilAborted(turn, signal);
  }

  async unload(): Promise<void> {
    this.#line.abort(new TransientGeneratorError('the language model was unloaded'));
    this.#line = new AbortController();
    const load = this.#load;
    this.#load = undefined;
    if (load === undefined || load.worker.hasEnded) return;
    // A GPU is let go of in good order where that is quick; the end of the worker frees it anyhow.
    await load.worker.ask('close', {}, { silenceMs: closeSilence }).catch(() => undefined);
    load.worker.end('the model was unloaded');
  }

  #current(): Load {
    if (this.#load !== undefined && !this.#load.worker.hasEnded) return this.#load;
    const worker = openGenerationWorker(this.#options.start);
    const listeners: Load['listeners'] = new Set();
    const asked = worker.ask(
      'load',
      { model: this.#model },
      {
        silenceMs: this.#options.loadSilenceMs ?? loadSilence,
        onProgress: (progress) => {
          for (const listener of listeners) listener(progress);
        },
      },
    );
    const loaded = asked.then(
      () => undefined,
      (error: unknown) => {
        worker.end('it could not load the model');
        throw asTransient(error);
      },
    );
    loaded.catch(() => undefined);
    this.#load = { worker, loaded, listeners };
    return this.#load;
  }

  async #ask(request: GenerationRequest, signal: AbortSignal | undefined): Promise<GenerationReply> {
    const { worker } = this.#current();
    try {
      return await worker.ask(
        'generate',
        { request },
        {
          silenceMs: this.#options.replySilenceMs ?? replySilence,
          signal,
          stopMs: this.#options.stopMs ?? stopTime,
        },
      );
    } catch (thrown) {
      const error = asTransient(thrown);
      // The model is lost, and with it the worker: the next request loads it again.
      if (error instanceof TransientGeneratorError) worker.end(error.message);
      throw error;
    }
  }
}

/** @param start makes the worker, whose module calls `serveGeneration` */
export function openGenerationWorker(start: () => Worker): WorkerChannel<GenerationCalls> {
  return new WorkerChannel(startOf(start), 'the worker of the language model');
}

/** A lost worker costs no more than another load. */
function asTransient(error: unknown): unknown {
  return error instanceof WorkerLostError
    ? new TransientGeneratorError(error.message, { cause: error })
    : error;
}
