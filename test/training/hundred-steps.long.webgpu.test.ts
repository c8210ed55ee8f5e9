import { afterAll, beforeAll, expect, it } from 'vitest';
import type { Runtime } from '../../src/host/contract.ts';
import { openRuntime } from '../../src/host/node/runtime.ts';
import { describeOnWebGpu } from '../support/webgpu.ts';
import { goldenTraining, largestRelativeDifference, trainSteps } from './hundred-steps.ts';

describeOnWebGpu('100 steps of a small BERT on WebGPU', () => {
  let runtime: Runtime;
  beforeAll(async () => {
    runtime = await openRuntime({ device: 'webgpu' });
  });
  afterAll(() => runtime.close());

  it('follow PyTorch to 1e-3 at every step', async () => {
    const golden = goldenTraining();
    const { losses, gradientNorms } = await trainSteps(runtime, 100);
    expect(losses).toHaveLength(100);
    expect(largestRelativeDifference(losses, golden.loss)).toBeLessThan(1e-3);
    expect(largestRelativeDifference(gradientNorms, golden.gradientNorm)).toBeLessThan(1e-3);
  }, 600_000);
});
