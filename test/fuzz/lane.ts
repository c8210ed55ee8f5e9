/** A worker thread that reads inputs, and the watch over it: what hangs or takes all memory is ended. */

import { Worker } from 'node:worker_threads';
import { printed, type Fault, type Verdict } from './judge.ts';
import { progressFields, type Answer, type Request, type WorkerSettings } from './protocol.ts';

export interface Limits {
  /** Processor seconds for one input. */
  readonly seconds: number;
  /** Bytes beyond what the process had when the worker was ready. */
  readonly bytes: number;
}

export const LIMITS: Limits = { seconds: 2, bytes: 512 * 1024 * 1024 };

/** Seconds by the clock for one input: what waits for ever takes no processor time. Long, for machines are busy. */
const WALL_FACTOR = 10;
const POLL_MILLISECONDS = 20;

export type RangeEnd =
  | { readonly kind: 'done' }
  /** The worker was ended, or ended itself, at this input. */
  | { readonly kind: 'ended'; readonly input: number; readonly fault: Fault };

export class Lane {
  readonly #settings: Omit<WorkerSettings, 'progress'>;
  readonly #limits: Limits;
  readonly #progress = new SharedArrayBuffer(4 * progressFields.length);
  readonly counts = new Int32Array(this.#progress);
  #worker: Promise<{ readonly worker: Worker; readonly startBytes: number }> | undefined;

  constructor(settings: Omit<WorkerSettings, 'progress'>, limits: Limits) {
    this.#settings = settings;
    this.#limits = limits;
  }

  /** Reads inputs by their numbers until one ends the worker. */
  async range(from: number, to: number, onFault: (input: number, fault: Fault) => void): Promise<RangeEnd> {
    Atomics.store(this.counts, progressFields.input, from);
    const end = await this.#ask({ kind: 'range', from, to }, (answer) => {
      if (answer.kind === 'fault') onFault(answer.input, answer.verdict);
      return answer.kind === 'done' ? answer : undefined;
    });
    if (end.kind === 'done') return end;
    return { kind: 'ended', input: this.counts[progressFields.input] ?? from, fault: end };
  }

  /** Reads one input as it is. */
  async one(bytes: Uint8Array<ArrayBuffer>, resealed: boolean): Promise<Verdict> {
    Atomics.add(this.counts, progressFields.input, 1);
    const end = await this.#ask({ kind: 'one', bytes, resealed }, (answer) =>
      answer.kind === 'verdict' ? answer : undefined,
    );
    return 'verdict' in end ? end.verdict : end;
  }

  async close(): Promise<void> {
    const running = await this.#worker?.catch(() => undefined);
    this.#worker = undefined;
    await running?.worker.terminate();
  }

  async #ask<Found extends Answer>(
    request: Request,
    isAnswer: (answer: Answer) => Found | undefined,
  ): Promise<Found | Fault> {
    this.#worker ??= this.#start();
    const { worker, startBytes } = await this.#worker;
    const result = await new Promise<Found | Fault>((resolve) => {
      const finish = (end: Found | Fault): void => {
        clearInterval(watch);
        for (const event of ['message', 'error', 'exit']) worker.removeAllListeners(event);
        // Terminated below: what it says meanwhile is of no interest, but would end the process.
        worker.on('error', () => undefined);
        resolve(end);
      };
      const watch = setInterval(this.#watch(startBytes, finish), POLL_MILLISECONDS);
      worker.on('message', (answer: Answer) => {
        const found = isAnswer(answer);
        if (found !== undefined) finish(found);
      });
      worker.on('error', (error: Error & { readonly code?: string }) =>
        finish(
          error.code === 'ERR_WORKER_OUT_OF_MEMORY'
            ? { kind: 'memory', detail: 'the heap is full', signature: 'memory' }
            : {
                kind: 'error',
                detail: `outside of the call: ${printed(String(error))}`,
                signature: `error outside: ${error.name}`,
              },
        ),
      );
      worker.on('exit', (code) =>
        finish({ kind: 'error', detail: `the thread ended (code ${code})`, signature: 'the thread ended' }),
      );
      worker.postMessage(request);
    });
    if (isEnding(result)) await this.close();
    return result;
  }

  /** Looks at the input that is being read, at each call. */
  #watch(startBytes: number, finish: (fault: Fault) => void): () => void {
    const { seconds, bytes } = this.#limits;
    let input = -1;
    let startedAt = performance.now();
    let cpuAt = cpuSeconds();
    return () => {
      const current = Atomics.load(this.counts, progressFields.input);
      if (current !== input) {
        input = current;
        startedAt = performance.now();
        cpuAt = cpuSeconds();
      }
      const busy = cpuSeconds() - cpuAt;
      const waited = (performance.now() - startedAt) / 1000;
      if (busy > seconds || waited > seconds * WALL_FACTOR) {
        finish({ kind: 'hang', detail: `not done after ${seconds} s`, signature: 'hang' });
      }
      const grown = process.memoryUsage.rss() - startBytes;
      if (grown > bytes) {
        finish({ kind: 'memory', detail: `took ${Math.round(grown / 1e6)} MB`, signature: 'memory' });
      }
    };
  }

  async #start(): Promise<{ readonly worker: Worker; readonly startBytes: number }> {
    const worker = new Worker(new URL('./worker.js', import.meta.url), {
      workerData: { ...this.#settings, progress: this.#progress } satisfies WorkerSettings,
      resourceLimits: { maxOldGenerationSizeMb: Math.ceil(this.#limits.bytes / 2 ** 20) },
    });
    await new Promise<void>((resolve, reject) => {
      worker.once('message', () => resolve());
      worker.once('error', reject);
    });
    worker.removeAllListeners('error');
    return { worker, startBytes: process.memoryUsage.rss() };
  }
}

function isEnding(end: Answer | Fault): end is Fault {
  return 'signature' in end;
}

function cpuSeconds(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1e6;
}
