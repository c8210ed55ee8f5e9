import { expect, it } from 'vitest';
import { addDispatches } from '../../support/browser/gpu-dispatches.ts';
import { describeOnBrowserGpu } from '../../support/browser/webgpu.ts';
import type { LossAnswer } from './device-loss-worker.ts';

describeOnBrowserGpu('a lost device', () => {
  it('ends every call under way or to come with a DeviceLostError, and another takes its place', async () => {
    const worker = new Worker(new URL('device-loss-worker.ts', import.meta.url), { type: 'module' });
    const answer = await new Promise<LossAnswer | string>((resolve, reject) => {
      worker.onmessage = ({ data }: MessageEvent<LossAnswer | string>) => resolve(data);
      worker.onerror = ({ message }) => reject(new Error(message));
      worker.postMessage('lose it');
    });
    worker.terminate();
    if (typeof answer === 'string') throw new Error(answer);
    addDispatches(answer.dispatches);
    for (const [call, error] of Object.entries(answer.errors)) {
      expect(error, call).toMatch(/^DeviceLostError: the GPU device was lost \(destroyed\)/);
    }
    expect(answer.milliseconds).toBeLessThan(2000);
    expect(answer.recovered).toEqual([8, 0]);
  }, 60_000);
});
