import { tanh as exactTanh } from '../../core/exact-math.ts';
import { add, greater, mul, operand, sub, tanh, toFloat, unary } from './elementwise.ts';

const tanhScale = Math.sqrt(2 / Math.PI);
const tanhCubic = 0.044715;

/** GELU's tanh approximation (config `gelu_new`): ½·x·(1 + tanh(√(2/π)·(x + 0.044715·x³))). */
export const geluTanh = unary(
  'GeluTanh',
  (x) => 0.5 * x * (1 + exactTanh(tanhScale * (x + tanhCubic * x * x * x))),
  (node, upstream) => {
    const x = operand(node);
    const square = mul(x, x);
    const t = tanh(mul(mul(x, add(mul(square, tanhCubic), 1)), tanhScale));
    const inner = mul(add(mul(square, 3 * tanhCubic), 1), tanhScale);
    return mul(upstream, mul(add(add(t, 1), mul(mul(x, inner), sub(1, mul(t, t)))), 0.5));
  },
  (node) => ({ type: 'Gelu', inputs: node.inputs, attributes: { approximate: 'tanh' } }),
);

/** max(x, 0); the derivative at 0 is 0. */
export const relu = unary(
  'Relu',
  (x) => Math.max(x, 0),
  (node, upstream) => mul(upstream, toFloat(greater(operand(node), 0))),
);
