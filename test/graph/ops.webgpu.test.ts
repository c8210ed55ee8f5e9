import { afterAll, beforeAll, it } from 'vitest';
import type { Runtime } from '../../src/host/contract.ts';
import { openRuntime } from '../../src/host/node/runtime.ts';
import { describeOnWebGpu } from '../support/webgpu.ts';
import { checkOnRuntime, labeledCases } from './run-case.ts';

describeOnWebGpu('operations on WebGPU', () => {
  let runtime: Runtime;
  beforeAll(async () => {
    runtime = await openRuntime({ device: 'webgpu', threads: 2 });
  });
  afterAll(() => runtime.close());

  it.each(labeledCases)('$label', async ({ golden }) => {
    await checkOnRuntime(runtime, golden, 1e-4);
  });
});
