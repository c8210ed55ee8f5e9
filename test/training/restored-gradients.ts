import { expect } from 'vitest';
import type { Runtime } from '../../src/host/contract.ts';
import { defaultAdamW } from '../../src/training/optimizer.ts';
import { createParameterState } from '../../src/training/parameter-state.ts';

/** A step that was given up leaves gradients behind, of a diverged one no numbers: restoring clears them. */
export async function checkRestoreClearsGradients(runtime: Runtime): Promise<void> {
  const weights = new Map([
    ['a.weight', { dims: [2, 3], data: Float32Array.of(1, 2, 3, 4, 5, 6) }],
    ['a.bias', { dims: [2], data: Float32Array.of(7, 8) }],
  ]);
  const state = await createParameterState(runtime, weights, [...weights.keys()], defaultAdamW);
  const leave = async (value: number): Promise<void> => {
    for (const [name, { dims, data }] of weights) {
      const values = new Float32Array(data.length).fill(value);
      const inPlace = runtime.hostMemory(state.gradient(name));
      if (inPlace instanceof Float32Array) inPlace.set(values);
      else state.setGradient(name, await runtime.upload(runtime.tensor('float32', dims, values)));
    }
  };
  for (const value of [3, NaN]) {
    await leave(value);
    expect(await state.gradientNorm()).toBe(Math.sqrt(8 * value * value));
    await state.restore(weights, undefined);
    expect(await state.gradientNorm()).toBe(0);
  }
  await state.close();
}
