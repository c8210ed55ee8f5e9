import { expect, it } from 'vitest';
import { describeOnBrowserGpu } from '../../support/browser/webgpu.ts';
import { goldenTraining, largestRelativeDifference } from '../../training/hundred-steps.ts';
import { trainInWorker } from './train-in-worker.ts';

/** All 100 steps and both ways to wait take minutes where software plays the GPU: LONG_TESTS=1 asks for them. */
const long = import.meta.env.LONG_TESTS === '1';
const steps = long ? 100 : 25;

describeOnBrowserGpu('the training of a small BERT on WebGPU in Chromium', () => {
  it(`follows PyTorch to 1e-3 at each of ${steps} steps`, async () => {
    const golden = goldenTraining();
    const { trained } = await trainInWorker({ runtime: { device: 'webgpu' }, steps });
    expect(trained.losses).toHaveLength(steps);
    expect(largestRelativeDifference(trained.losses, golden.loss)).toBeLessThan(1e-3);
    expect(largestRelativeDifference(trained.gradientNorms, golden.gradientNorm)).toBeLessThan(1e-3);
  }, 600_000);

  it.skipIf(!long)(
    'gives the same bits whichever way WASM waits for the GPU (only with LONG_TESTS=1)',
    async () => {
      const few = 3;
      const first = await trainInWorker({ runtime: { device: 'webgpu', waiting: 'asyncify' }, steps: few });
      const second = await trainInWorker({ runtime: { device: 'webgpu', waiting: 'jspi' }, steps: few });
      expect(second.trained).toEqual(first.trained);
    },
    600_000,
  );
});
