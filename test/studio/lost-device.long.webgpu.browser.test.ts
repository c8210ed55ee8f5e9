import { expect, it } from 'vitest';
import type { RecipeInput } from '../../src/pipeline/schema.ts';
import { addDispatches } from '../support/browser/gpu-dispatches.ts';
import { describeOnBrowserGpu } from '../support/browser/webgpu.ts';
import { finish, keepSmall, openClient } from './small-run.ts';

/** A training of three steps and what it finds; nothing else that would need a GPU. */
function shortest({ arms, corpus, ...recipe }: RecipeInput): RecipeInput {
  return {
    ...recipe,
    corpus: { ...corpus, dev: null },
    arms: arms.slice(0, 1),
    evaluation: { baselines: [], show: { queries: 0 } },
  };
}

describeOnBrowserGpu('a training whose device is lost', () => {
  it('resumes from its checkpoint in another worker, with the same bits', async () => {
    const dispatches = new BroadcastChannel('gpu-dispatches');
    dispatches.onmessage = ({ data }: MessageEvent<number>) => addDispatches(data);
    const losses: (readonly number[] | undefined)[] = [];
    const reasons: string[] = [];
    const resumes: string[] = [];
    for (const loses of [true, false]) {
      let started = 0;
      const client = await openClient({
        device: 'webgpu',
        checkpointSeconds: 0,
        // Bundlers look for these very forms.
        start: () =>
          loses && started++ === 0
            ? new Worker(new URL('doomed-worker.ts?lose=2', import.meta.url), { type: 'module' })
            : new Worker(new URL('doomed-worker.ts', import.meta.url), { type: 'module' }),
      });
      const training = { maxSteps: 3, tokensPerMicroBatch: 512, batches: { batchSize: 4 } };
      const recipe = shortest(await keepSmall(client, training));
      const report = await finish(client, recipe, (event) => {
        if (event.kind === 'recovering') reasons.push(event.reason);
        if (event.kind === 'training' && event.event.kind === 'resumed')
          resumes.push(event.event.report.message);
      });
      expect(report.device).toBe('webgpu');
      losses.push(report.arms[0]?.trainings[0]?.losses);
      client.close();
    }
    dispatches.close();
    expect(reasons).toEqual([expect.stringContaining('the GPU device was lost')]);
    expect(resumes).toEqual(['bit-exact']);
    expect(losses[0]).toHaveLength(3);
    expect(losses[1]).toEqual(losses[0]);
  }, 600_000);
});
