import { expect, it } from 'vitest';
import { measureMatmulRate } from '../../src/graph/matmul-rate.ts';
import { openRuntime } from '../../src/host/node/runtime.ts';

it('measureMatmulRate divides the operations of a product by the time of the fastest', async () => {
  const runtime = await openRuntime({ device: 'cpu', threads: 1 });
  let readings = 0;
  // Each product reads the clock before and after, the first is not counted, and the fastest takes 1 ms.
  const times = [0, 9, 9, 9, 14, 14, 20, 20, 21];
  const clock = { now: () => times[readings++] ?? 1000 };
  expect(await measureMatmulRate(runtime, clock, { size: 32, milliseconds: 1 })).toBe((2 * 32 ** 3) / 0.001);
  await runtime.close();
});
