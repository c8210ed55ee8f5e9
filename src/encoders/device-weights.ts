import type { DeviceTensor, Runtime } from '../host/contract.ts';
import type { Weights } from './types.ts';

/** An encoder's parameters where the runtime computes, by name. */
export type DeviceWeights = ReadonlyMap<string, DeviceTensor>;

/** Moves weights to the device. On the CPU they are used in place. */
export async function uploadWeights(runtime: Runtime, weights: Weights): Promise<Map<string, DeviceTensor>> {
  const uploaded = new Map<string, DeviceTensor>();
  for (const [name, { dims, data }] of weights) {
    uploaded.set(name, await runtime.upload(runtime.tensor('float32', dims, data)));
  }
  return uploaded;
}
