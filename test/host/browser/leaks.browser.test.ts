import { expect, it } from 'vitest';
import { openRuntime } from '../../../src/host/browser/runtime.ts';
import { countingSteps } from './counting-steps.ts';

it('a training on WASM holds as much JavaScript memory at step 200 as at step 20', async () => {
  const { runtime } = await openRuntime({ device: 'wasm', threads: 1 });
  const { after20, after200 } = await countingSteps(runtime, () => 0);
  expect(after200.heapBytes - after20.heapBytes).toBeLessThan(2 ** 20);
  await runtime.close();
});
