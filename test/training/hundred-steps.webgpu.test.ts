import { afterAll, beforeAll, expect, it } from 'vitest';
import type { Runtime } from '../../src/host/contract.ts';
import { openRuntime } from '../../src/host/node/runtime.ts';
import { describeOnWebGpu } from '../support/webgpu.ts';
import { goldenTraining, largestRelativeDifference, trainSteps } from './hundred-steps.ts';

describeOnWebGpu('the training of a small BERT on WebGPU', () => {
  let runtime: Runtime;
  beforeAll(async () => {
    runtime = await openRuntime({ device: 'webgpu' });
  });
  afterAll(() => runtime.close());

  it('follows PyTorch to 1e-3 at each of the first 10 steps', async () => {
    const golden = goldenTraining();
    const { losses, gradientNorms } = await trainSteps(runtime, 10);
    expect(losses).toHaveLength(10);
    expect(largestRelativeDifference(losses, golden.loss)).toBeLessThan(1e-3);
    expect(largestRelativeDifference(gradientNorms, golden.gradientNorm)).toBeLessThan(1e-3);
  }, 600_000);

  it('repeats to the bit', async () => {
    const first = await trainSteps(runtime, 3);
    const second = await trainSteps(runtime, 3);
    expect(second.losses).toEqual(first.losses);
    for (const [name, data] of second.weights) expect(data, name).toEqual(first.weights.get(name));
  }, 600_000);
});
