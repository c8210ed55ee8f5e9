import { expect, it } from 'vitest';
import { describeOnBrowserGpu } from '../../support/browser/webgpu.ts';
import { followsPyTorch, trainInWorker } from './train-in-worker.ts';

describeOnBrowserGpu('the training of a small BERT on WebGPU in Chromium', () => {
  followsPyTorch(100);

  it('gives the same bits whichever way WASM waits for the GPU', async () => {
    const few = 3;
    const first = await trainInWorker({ runtime: { device: 'webgpu', waiting: 'asyncify' }, steps: few });
    const second = await trainInWorker({ runtime: { device: 'webgpu', waiting: 'jspi' }, steps: few });
    expect(second.trained).toEqual(first.trained);
  }, 600_000);
});
