import { expect, it } from 'vitest';
import { openRuntime } from '../../../src/host/browser/runtime.ts';
import { describeOnBrowserGpu } from '../../support/browser/webgpu.ts';
import { countBuffers, countingSteps } from './counting-steps.ts';

describeOnBrowserGpu('a training of many steps on WebGPU', () => {
  it('holds as many GPU buffers and as much JavaScript memory at step 200 as at step 20', async () => {
    const liveBuffers = countBuffers();
    const { runtime } = await openRuntime({ device: 'webgpu' });
    const { before, after } = await countingSteps(runtime, liveBuffers, [20, 200]);
    expect(before.buffers).toBeGreaterThan(0);
    expect(after.buffers).toBe(before.buffers);
    expect(after.heapBytes - before.heapBytes).toBeLessThan(2 ** 19);
    await runtime.close();
  }, 600_000);
});
