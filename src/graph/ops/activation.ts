import { log as exactLog, tanh as exactTanh } from '../../host/exact-math.ts';
import { only, type Operation, type Tensor } from '../expression.ts';
import type { NdArray } from '../nd-array.ts';
import { add, erf, erfReference, exp, greater, mul, sub, tanh, toFloat } from './elementwise.ts';

function activation(
  operation: Pick<Operation, 'name' | 'onnx'>,
  compute: (x: number) => number,
  derivative: (x: Tensor) => Tensor,
): (x: Tensor) => Tensor {
  const full: Operation = {
    ...operation,
    infer: ([x]) => [{ dims: (x as Tensor).dims, dataType: 'float32' }],
    evaluate: ([x]) => [{ shape: (x as NdArray).shape, data: (x as NdArray).data.map(compute) }],
    gradient: (node, [upstream]) =>
      upstream === undefined ? [] : [mul(upstream, derivative(only(node.inputs)))],
  };
  return (x) => only(x.node.graph.apply(full, [x]));
}

/**
 * GELU, x·Φ(x) (Hendrycks and Gimpel 2016). The derivative is Φ(x) + x·φ(x); with u = x/√2 it is
 * ½·(1 + erf u) + u·e^(−u²)/√π, and the constants are folded into the exponent to spare passes.
 */
export const gelu = activation(
  { name: 'Gelu', onnx: (node) => ({ type: 'Gelu', inputs: node.inputs }) },
  (x) => 0.5 * x * (1 + erfReference(x / Math.SQRT2)),
  (x) => {
    const u = mul(x, Math.SQRT1_2);
    const density = mul(u, exp(sub(-0.5 * exactLog(Math.PI), mul(u, u))));
    return add(add(mul(erf(u), 0.5), density), 0.5);
  },
);

const tanhScale = Math.sqrt(2 / Math.PI);
const tanhCubic = 0.044715;

/** GELU's tanh approximation (config `gelu_new`): ½·x·(1 + tanh(√(2/π)·(x + 0.044715·x³))). */
export const geluTanh = activation(
  {
    name: 'GeluTanh',
    onnx: (node) => ({ type: 'Gelu', inputs: node.inputs, attributes: { approximate: 'tanh' } }),
  },
  (x) => 0.5 * x * (1 + exactTanh(tanhScale * (x + tanhCubic * x * x * x))),
  (x) => {
    const square = mul(x, x);
    const t = tanh(mul(mul(x, add(mul(square, tanhCubic), 1)), tanhScale));
    const inner = mul(add(mul(square, 3 * tanhCubic), 1), tanhScale);
    return mul(add(add(t, 1), mul(mul(x, inner), sub(1, mul(t, t)))), 0.5);
  },
);

/** max(x, 0); the derivative at 0 is 0. */
export const relu = activation(
  { name: 'Relu', onnx: (node) => ({ type: 'Relu', inputs: node.inputs }) },
  (x) => Math.max(x, 0),
  (x) => toFloat(greater(x, 0)),
);
