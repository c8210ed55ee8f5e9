import { afterAll, beforeAll, it } from 'vitest';
import type { Runtime } from '../../src/host/contract.ts';
import { openRuntime } from '../../src/host/node/runtime.ts';
import { describeOnWebGpu } from '../support/webgpu.ts';
import { checkHandMade, handMadeCases } from './hand-made.ts';

describeOnWebGpu('operations without golden values on WebGPU', () => {
  let runtime: Runtime;
  beforeAll(async () => {
    runtime = await openRuntime({ device: 'webgpu' });
  });
  afterAll(() => runtime.close());

  it.each(handMadeCases)('$name', (example) => checkHandMade(runtime, example));
});
