import type { TrainedSteps } from '../../training/hundred-steps.ts';

/** SHA-256 of the weights that 100 steps of the golden training lead to on WASM: on any machine, in any host. */
export const wasmBits = 'e0960acd4ae5aa0f7a0904f50d8e16233cdb95b775a4d22866efa126def77f82';

/** SHA-256 over losses and weights, in their order. */
export async function bitsOf({ losses, weights }: TrainedSteps): Promise<string> {
  const values = [Float64Array.from(losses), ...weights.values()];
  const bytes = new Uint8Array(values.reduce((sum, { byteLength }) => sum + byteLength, 0));
  let at = 0;
  for (const { buffer, byteOffset, byteLength } of values) {
    bytes.set(new Uint8Array(buffer, byteOffset, byteLength), at);
    at += byteLength;
  }
  const digest = new Uint8Array(await crypto.subtle.digest('SHA-256', bytes));
  return [...digest].map((byte) => byte.toString(16).padStart(2, '0')).join('');
}
