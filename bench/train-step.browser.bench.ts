/**
 * Seconds of a training step (32 texts of 32 to 64 tokens, forward, backward and AdamW) in Chromium, by threads.
 * `BROWSER_BENCH=1 npx vitest run --project 'browser*' bench/train-step`
 */
import { it } from 'vitest';
import { stepTimes } from './browser/step-times.ts';

it.each([
  ['small', 1],
  ['small', 2],
  ['MiniLM', 1],
  ['MiniLM', 2],
] as const)(
  '%s with %i threads',
  async (size, threads) => {
    const { seconds, detail } = await stepTimes({ size, runtime: { device: 'wasm', threads } });
    console.log(
      `${size}, wasm, ${threads} threads: ${seconds.map((s) => s.toFixed(3)).join(' ')} s a step; ${detail}`,
    );
  },
  600_000,
);
