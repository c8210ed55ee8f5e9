import { expect, it } from 'vitest';
import { describeOnBrowserGpu } from '../../support/browser/webgpu.ts';
import { goldenTraining, largestRelativeDifference } from '../../training/hundred-steps.ts';
import { trainInWorker } from './train-in-worker.ts';

describeOnBrowserGpu('100 steps of a small BERT on WebGPU in Chromium', () => {
  it('follow PyTorch to 1e-3 at every step', async () => {
    const golden = goldenTraining();
    const { trained } = await trainInWorker({ runtime: { device: 'webgpu' }, steps: 100 });
    expect(largestRelativeDifference(trained.losses, golden.loss)).toBeLessThan(1e-3);
    expect(largestRelativeDifference(trained.gradientNorms, golden.gradientNorm)).toBeLessThan(1e-3);
  }, 600_000);

  it('begin with the same bits whichever way WASM waits for the GPU', async () => {
    const steps = 3;
    const first = await trainInWorker({ runtime: { device: 'webgpu', waiting: 'asyncify' }, steps });
    const second = await trainInWorker({ runtime: { device: 'webgpu', waiting: 'jspi' }, steps });
    expect(second.trained).toEqual(first.trained);
  }, 600_000);
});
