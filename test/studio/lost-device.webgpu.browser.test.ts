import { expect, it } from 'vitest';
import { addDispatches } from '../support/browser/gpu-dispatches.ts';
import { describeOnBrowserGpu } from '../support/browser/webgpu.ts';
import { finish, keepSmall, openClient } from './small-run.ts';

describeOnBrowserGpu('a training whose device is lost', () => {
  it('goes on from its checkpoint in another worker, with the same bits', async () => {
    const dispatches = new BroadcastChannel('gpu-dispatches');
    dispatches.onmessage = ({ data }: MessageEvent<number>) => addDispatches(data);
    const losses: (readonly number[] | undefined)[] = [];
    const reasons: string[] = [];
    const resumes: string[] = [];
    for (const dooms of [[], ['?lose=3']]) {
      let started = 0;
      const client = await openClient({
        device: 'webgpu',
        checkpointSeconds: 0,
        start: () => {
          const url = new URL('doomed-worker.ts', import.meta.url);
          url.search = dooms[started++] ?? '';
          return new Worker(url, { type: 'module' });
        },
      });
      const { arms, ...recipe } = await keepSmall(client, { maxSteps: 4 });
      const report = await finish(client, { ...recipe, arms: arms.slice(0, 1), evaluation: {} }, (event) => {
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
    expect(losses[0]).toHaveLength(4);
    expect(losses[1]).toEqual(losses[0]);
  }, 300_000);
});
