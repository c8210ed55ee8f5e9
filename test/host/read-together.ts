import { expect } from 'vitest';
import type { DeviceTensor, Runtime } from '../../src/host/contract.ts';

/** That several tensors, one of them on the host and one twice, are read as each would be. */
export async function checkReadTogether(runtime: Runtime): Promise<void> {
  const floats = (dims: number[], ...values: number[]): DeviceTensor =>
    runtime.tensor('float32', dims, Float32Array.from(values));
  const matrix = await runtime.upload(floats([2, 3], 1, 2, 3, 4, 5, 6));
  const one = await runtime.upload(floats([1], 7));
  const five = await runtime.upload(floats([5], 8, 9, 10, 11, 12));
  const ids = await runtime.upload(runtime.tensor('int64', [2], BigInt64Array.of(-1n, 2n ** 40n)));
  const [a, b, c] = [
    Float32Array.of(1, 2, 3, 4, 5, 6),
    Float32Array.of(7),
    Float32Array.of(8, 9, 10, 11, 12),
  ];
  expect(await runtime.readAll([matrix, one, five])).toEqual([a, b, c]);
  expect(await runtime.readAll([five, matrix, five])).toEqual([c, a, c]);
  const mixed = await runtime.readAll([one, floats([2], 0, 1), ids]);
  expect(mixed).toEqual([b, Float32Array.of(0, 1), BigInt64Array.of(-1n, 2n ** 40n)]);
  expect(await runtime.readAll([])).toEqual([]);
  for (const tensor of [matrix, one, five, ids]) tensor.dispose();
}
