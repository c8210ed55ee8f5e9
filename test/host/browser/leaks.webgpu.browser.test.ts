import { expect, it } from 'vitest';
import { openRuntime } from '../../../src/host/browser/runtime.ts';
import { describeOnBrowserGpu } from '../../support/browser/webgpu.ts';
import { countingSteps } from './counting-steps.ts';

describeOnBrowserGpu('a training of many steps on WebGPU', () => {
  it('holds as many GPU buffers and as much JavaScript memory at step 200 as at step 20', async () => {
    const opened = await openRuntime({ device: 'webgpu' });
    const { after20, after200 } = await countingSteps(opened.runtime, () => opened.liveBuffers());
    expect(after20.buffers).toBeGreaterThan(0);
    expect(after200.buffers).toBe(after20.buffers);
    expect(after200.heapBytes - after20.heapBytes).toBeLessThan(2 ** 20);
    await opened.runtime.close();
  }, 600_000);
});
