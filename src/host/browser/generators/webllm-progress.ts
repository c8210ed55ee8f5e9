import type { GeneratorLoadProgress } from '../../generator.ts';
import { PhaseClock } from './phase-clock.ts';

const megabyte = 2 ** 20;

/**
 * Turns WebLLM's messages while it loads a model into progress. It names its phase only in text, restarts at 0 in each,
 * and counts whole weight files (about 32 MB each).
 */
export class WebllmProgress {
  readonly #clock: PhaseClock;

  /** @param now milliseconds that only grow */
  constructor(now: () => number) {
    this.#clock = new PhaseClock(now);
  }

  /** @returns undefined for a text without useful information */
  read({
    progress,
    text,
  }: {
    readonly progress: number;
    readonly text: string;
  }): GeneratorLoadProgress | undefined {
    const share = Math.min(1, Math.max(0, progress));
    if (text.startsWith('Start to fetch params')) return this.#clock.report('download', { share });
    if (text.startsWith('Fetching param cache')) return this.#clock.report('download', bytes(share, text));
    if (text.startsWith('Loading model from cache')) return this.#clock.report('read', bytes(share, text));
    if (text.startsWith('Loading GPU shader modules')) return this.#clock.report('compile', { share });
    if (text.startsWith('Finish loading')) return this.#clock.report('check');
    return undefined;
  }
}

function bytes(share: number, text: string): { share: number; receivedBytes?: number; totalBytes?: number } {
  const megabytes = Number(/(\d+)MB /.exec(text)?.[1] ?? NaN);
  if (Number.isNaN(megabytes)) return { share };
  const receivedBytes = megabytes * megabyte;
  return share === 0
    ? { share, receivedBytes }
    : { share, receivedBytes, totalBytes: Math.round(megabytes / share) * megabyte };
}
