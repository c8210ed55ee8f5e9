import { elementCount, type Tensor } from '../expression.ts';
import { reduceSum } from './broadcasting.ts';
import { mul } from './elementwise.ts';

/** Mean over axes. */
export function reduceMean(x: Tensor, axes: readonly number[], keepDims = false): Tensor {
  const sum = reduceSum(x, axes, keepDims);
  return mul(sum, elementCount(sum.shape) / elementCount(x.shape));
}
