import { afterAll, beforeAll, describe, it } from 'vitest';
import type { Runtime } from '../../src/host/contract.ts';
import { openRuntime } from '../../src/host/node/runtime.ts';
import { describeOnWebGpu } from '../support/webgpu.ts';
import { checkGradients, checksOf } from './check-gradients.ts';
import { poolingWeights, readGoldenEncoder } from './golden-encoder.ts';

describeOnWebGpu('encoders on WebGPU', () => {
  let runtime: Runtime;
  beforeAll(async () => {
    runtime = await openRuntime({ device: 'webgpu' });
  });
  afterAll(() => runtime.close());

  describe.each(['tiny-bert', 'tiny-distilbert', 'tiny-cross-encoder'] as const)('%s', (name) => {
    const encoder = readGoldenEncoder(name);
    it.each(checksOf(encoder, poolingWeights))(
      '$name: output and every gradient as in PyTorch',
      async ({ check }) => {
        await checkGradients(runtime, encoder, check);
      },
    );
  });
});
