import { it } from 'vitest';
import { openRuntime } from '../../src/host/node/runtime.ts';
import { describeOnWebGpu } from '../support/webgpu.ts';
import { checkRestoreClearsGradients } from './restored-gradients.ts';

describeOnWebGpu('the parameter state on WebGPU', () => {
  it('clears gradients when it is restored', async () => {
    const runtime = await openRuntime({ device: 'webgpu' });
    await checkRestoreClearsGradients(runtime);
    await runtime.close();
  });
});
