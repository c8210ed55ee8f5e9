/** Cancel, at every moment of an experiment, as the page does it: with its own state and a real worker. */
import { expect, it, vi } from 'vitest';
import { Studio } from '../../src/studio/state/studio.svelte.ts';
import type { RunView } from '../../src/studio/state/run-view.svelte.ts';
import { keepSmall, openClient } from './small-run.ts';

const store = 'cancel';
const moments: readonly (readonly [string, (run: RunView) => boolean])[] = [
  ['at once', () => true],
  ['while files are read', (run) => run.activity === 'Reading the corpus and the encoder'],
  ['when it is planned', (run) => run.opened !== undefined],
  ['at the first stage', (run) => run.stages.some(({ state }) => state === 'running')],
  ['at the second step', (run) => /step [2-9] of/.test(run.activity)],
];

const idOf = (moment: string): string => moment.replaceAll(' ', '-');

it('stops an experiment whenever it is canceled, and resumes it the next time', async () => {
  const recipe = await keepSmall(await openClient({ store }), { maxSteps: 100_000, epochs: 10_000 });
  const studio = new Studio(() => openClient({ store, checkpointSeconds: 0 }));
  const stopped: string[] = [];
  for (const [moment, isNow] of moments) {
    // A run of its own, so that nothing is open yet.
    const run = studio.view(idOf(moment), recipe);
    const ended = run.start();
    await vi.waitUntil(() => isNow(run), { interval: 1, timeout: 60_000 });
    expect(run.state).toBe('running');
    run.cancel();
    expect(run.state).toBe('stopping');
    await Promise.race([ended, new Promise((resolve) => setTimeout(resolve, 20_000))]);
    if (run.state !== 'canceled')
      throw new Error(`canceled ${moment}, it is ${run.state}: ${run.problem?.text ?? ''}`);
    expect(studio.active).toBeUndefined();
    stopped.push(moment);
  }
  expect(stopped).toHaveLength(moments.length);

  const last = studio.view(idOf('at the second step'), recipe);
  void last.start();
  await vi.waitUntil(() => last.notices.some((notice) => notice.includes('resumed from step')), {
    timeout: 60_000,
  });
  last.cancel();
  await vi.waitUntil(() => last.state === 'canceled', { timeout: 20_000 });
});

it('ends the worker of an experiment that does not stop, and resumes from what it had stored', async () => {
  const recipe = await keepSmall(await openClient({ store }), { maxSteps: 100_000, epochs: 10_000 });
  const studio = new Studio(() => openClient({ store, checkpointSeconds: 0 }));
  const run = studio.view('stuck', recipe);
  void run.start();
  await vi.waitUntil(() => /step [2-9] of/.test(run.activity), { interval: 1, timeout: 60_000 });
  run.cancel();
  await run.stopNow();
  await vi.waitUntil(() => run.state === 'canceled', { timeout: 20_000 });
  void run.start();
  await vi.waitUntil(() => run.activity.includes('step'), { timeout: 60_000 });
  // Of each training that was under way.
  expect(run.notices.length).toBeGreaterThan(0);
  for (const notice of run.notices) expect(notice).toContain('resumed from step');
  run.cancel();
  await vi.waitUntil(() => run.state === 'canceled', { timeout: 20_000 });
});
