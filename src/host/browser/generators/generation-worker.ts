import { TransientGeneratorError, type GeneratorLoadProgress } from '../../generator.ts';
import { restoreError } from '../../worker-tasks.ts';
import { untilEnded } from '../workers.ts';
import type { GenerationCall, GenerationCalls, GenerationMessage } from './protocol.ts';

export interface AskOptions {
  /** A worker that says nothing for so long hangs, and is ended. */
  readonly silenceMs: number;
  readonly onProgress?: ((progress: GeneratorLoadProgress) => void) | undefined;
  /** Ends a reply. The question is answered, or refused, all the same. */
  readonly signal?: AbortSignal | undefined;
  /** How long a reply may take to end after that, before its worker is ended. Default 10,000. */
  readonly stopMs?: number | undefined;
}

interface Question {
  readonly settle: (outcome: { readonly answer: unknown } | { readonly error: Error }) => void;
  readonly alive: () => void;
  readonly onProgress: ((progress: GeneratorLoadProgress) => void) | undefined;
}

/**
 * The page's end of one generation worker. When the worker ends, for whatever reason, every question is refused with a
 * TransientGeneratorError: none waits for ever.
 */
export class GenerationWorker {
  readonly #worker: Worker;
  readonly #watch = new AbortController();
  readonly #questions = new Map<number, Question>();
  #nextId = 1;
  #endedBy: TransientGeneratorError | undefined;

  /** @param start makes the worker, whose module calls `serveGeneration` */
  constructor(start: () => Worker) {
    this.#worker = start();
    this.#worker.addEventListener('message', ({ data }: MessageEvent<GenerationMessage>) => this.#hear(data));
    this.#worker.addEventListener('messageerror', () => this.end('its answer could not be read'));
    this.#worker.addEventListener('error', (event) => {
      event.preventDefault();
      this.end(event.message || 'its program could not be loaded: reload the page');
    });
  }

  get hasEnded(): boolean {
    return this.#endedBy !== undefined;
  }

  /** @throws what was thrown in the worker; TransientGeneratorError when the worker is lost */
  ask<Call extends GenerationCall>(
    call: Call,
    ask: GenerationCalls[Call]['ask'],
    { silenceMs, onProgress, signal, stopMs = 10_000 }: AskOptions,
  ): Promise<GenerationCalls[Call]['answer']> {
    if (this.#endedBy !== undefined) return Promise.reject(this.#endedBy);
    const id = this.#nextId++;
    return new Promise((resolve, reject) => {
      let silence: ReturnType<typeof setTimeout> | undefined;
      const watch = (milliseconds: number): void => {
        clearTimeout(silence);
        silence = setTimeout(
          () => this.end(`it gave no sign of life for ${milliseconds / 1000} s`),
          milliseconds,
        );
      };
      const stop = (): void => {
        this.#worker.postMessage({ call: 'stop', id });
        watch(stopMs);
      };
      this.#questions.set(id, {
        settle: (outcome) => {
          clearTimeout(silence);
          signal?.removeEventListener('abort', stop);
          this.#questions.delete(id);
          if ('error' in outcome) reject(outcome.error);
          // The answer of this very call.
          else resolve(outcome.answer as GenerationCalls[Call]['answer']);
        },
        alive: () => {
          if (signal?.aborted !== true) watch(silenceMs);
        },
        onProgress,
      });
      watch(silenceMs);
      this.#worker.postMessage({ id, call, ask });
      if (signal?.aborted === true) stop();
      else signal?.addEventListener('abort', stop, { once: true });
    });
  }

  /** Ends the worker at once. The first reason stays. */
  end(reason: string): void {
    this.#endedBy ??= new TransientGeneratorError(`the worker of the language model was lost: ${reason}`);
    this.#watch.abort();
    this.#worker.terminate();
    for (const { settle } of [...this.#questions.values()]) settle({ error: this.#endedBy });
  }

  #hear(message: GenerationMessage): void {
    if ('alive' in message) {
      void untilEnded(message.alive, this.#watch.signal).then(
        (ended) => ended && this.end('the browser has ended it, perhaps for lack of memory'),
      );
      return;
    }
    const question = this.#questions.get(message.id);
    if (question === undefined) return;
    question.alive();
    switch (message.kind) {
      case 'answer':
        question.settle({ answer: message.answer });
        break;
      case 'refusal': {
        const { error } = message;
        question.settle({
          error:
            error.name === 'TransientGeneratorError'
              ? new TransientGeneratorError(error.message)
              : restoreError(error),
        });
        break;
      }
      case 'progress':
        question.onProgress?.(message.progress);
        break;
      case 'token':
        break;
    }
  }
}
