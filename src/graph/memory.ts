import { tensorBytes } from '../core/tensor-size.ts';
import { isConstant, isInput, nodesBehind, type Tensor } from './expression.ts';

/**
 * The most bytes that intermediate values take at one time when the nodes run in order and each value is freed
 * after its last use. Inputs are the caller's; outputs count from when they are made to the end. Allocation
 * granularity and the runtime's scratch space come on top.
 */
export function peakBytes(outputs: readonly Tensor[]): number {
  const order = nodesBehind(outputs);
  const lastUse = new Map<Tensor, number>();
  order.forEach((node, at) => {
    for (const input of node.inputs) lastUse.set(input, at);
  });
  for (const output of outputs) lastUse.set(output, order.length);
  let live = 0;
  let peak = 0;
  const freedAt = new Map<number, number>();
  order.forEach((node, at) => {
    for (const output of node.outputs) {
      if (isInput(output)) continue;
      const bytes = tensorBytes(output);
      live += bytes;
      const end = lastUse.get(output) ?? at;
      if (!isConstant(output)) freedAt.set(end, (freedAt.get(end) ?? 0) + bytes);
    }
    peak = Math.max(peak, live);
    live -= freedAt.get(at) ?? 0;
  });
  return peak;
}

/** Bytes of the largest value that is computed. */
export function largestTensorBytes(outputs: readonly Tensor[]): number {
  let largest = 0;
  for (const { outputs: values } of nodesBehind(outputs)) {
    for (const value of values) if (!isInput(value)) largest = Math.max(largest, tensorBytes(value));
  }
  return largest;
}
