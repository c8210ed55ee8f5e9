/** Workers that end or fail in the middle of a training, and searching workers. */
import { beforeAll, describe, expect, it } from 'vitest';
import type { RecipeReport } from '../../src/pipeline/report.ts';
import { finish, keepSmall, learned, openClient, stepOf, testQuery } from './small-run.ts';

describe('a run in the training worker', () => {
  let undisturbed: RecipeReport;

  beforeAll(async () => {
    const client = await openClient();
    undisturbed = await finish(client, await keepSmall(client));
    client.close();
  });

  it('goes on in a new worker when its own was ended in the middle, with the same bits', async () => {
    const store = `training-worker-ended-${crypto.randomUUID()}`;
    const first = await openClient({ store, checkpointSeconds: 0 });
    const recipe = await keepSmall(first);
    await expect(
      first.run('small', recipe, (event) => {
        if (stepOf(event) === 4) first.close();
      }),
    ).rejects.toThrow('closed');
    const second = await openClient({ store, checkpointSeconds: 0 });
    const [kept] = await second.runs();
    if (kept === undefined) throw new Error('the run was not kept');
    const steps: number[] = [];
    const resumes: string[] = [];
    const report = await finish(second, kept.recipe, (event) => {
      const step = stepOf(event);
      if (step !== undefined) steps.push(step);
      if (event.kind === 'training' && event.event.kind === 'resumed')
        resumes.push(event.event.report.message);
    });
    // When it was ended, the worker was further than what had been heard of it: perhaps between two trainings.
    expect(resumes.filter((message) => message !== 'bit-exact')).toEqual([]);
    expect(steps.length).toBeLessThan(8);
    expect(learned(report)).toEqual(learned(undisturbed));
  });

  it.each([
    // Bundlers look for these very forms.
    {
      doom: 'has failed',
      start: () => new Worker(new URL('doomed-worker.ts?crash=7', import.meta.url), { type: 'module' }),
      reason: 'the test has ended this worker',
    },
    {
      doom: 'has ended without a word',
      start: () => new Worker(new URL('doomed-worker.ts?end=7', import.meta.url), { type: 'module' }),
      reason: 'the browser terminated it',
    },
  ])('goes on by itself in another worker when its own $doom', async ({ start, reason }) => {
    const starts: number[] = [];
    const client = await openClient({
      checkpointSeconds: 0,
      start: () => {
        starts.push(0);
        return starts.length === 1
          ? start()
          : new Worker(new URL('../../workers/training.ts', import.meta.url), { type: 'module' });
      },
    });
    const recipe = await keepSmall(client);
    const reasons: string[] = [];
    const report = await finish(client, recipe, (event) => {
      if (event.kind === 'recovering') reasons.push(event.reason);
    });
    expect(starts).toHaveLength(2);
    expect(reasons).toEqual([expect.stringContaining(reason)]);
    expect(learned(report)).toEqual(learned(undisturbed));
  });

  it('finds the same with searching workers of its own', async () => {
    const found = [];
    for (const threads of [1, 2]) {
      const client = await openClient({ threads });
      const recipe = await keepSmall(client);
      await client.openRun('small', recipe);
      found.push((await client.search('small', testQuery.text, ['untrained'], 20)).found);
    }
    expect(found[0]?.[0]?.passages).toHaveLength(20);
    expect(found[1]).toEqual(found[0]);
  });
});
