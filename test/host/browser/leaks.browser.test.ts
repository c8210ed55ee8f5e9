import { expect, it } from 'vitest';
import { openRuntime } from '../../../src/host/browser/runtime.ts';
import { countingSteps } from './counting-steps.ts';

it('a training on WASM holds as much JavaScript memory at step 600 as at step 200', async () => {
  const { runtime } = await openRuntime({ device: 'wasm', threads: 1 });
  const { before, after } = await countingSteps(runtime, () => 0, [200, 600]);
  // Less than a kilobyte a step: an array or two of the smallest sizes.
  expect(after.heapBytes - before.heapBytes).toBeLessThan(2 ** 18);
  await runtime.close();
});
