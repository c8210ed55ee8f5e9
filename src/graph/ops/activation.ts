import { log as exactLog, tanh as exactTanh } from '../../core/exact-math.ts';
import {
  add,
  erf,
  erfReference,
  exp,
  greater,
  mul,
  operand,
  sub,
  tanh,
  toFloat,
  unary,
} from './elementwise.ts';

/**
 * GELU, x·Φ(x) (Hendrycks and Gimpel 2016). The derivative is Φ(x) + x·φ(x); with u = x/√2 it is
 * ½·(1 + erf u) + u·e^(−u²)/√π, and the constants are folded into the exponent to spare passes.
 */
export const gelu = unary(
  'Gelu',
  (x) => 0.5 * x * (1 + erfReference(x / Math.SQRT2)),
  (node, upstream) => {
    const x = operand(node);
    const u = mul(x, Math.SQRT1_2);
    const density = mul(u, exp(sub(-0.5 * exactLog(Math.PI), mul(u, u))));
    return mul(upstream, add(add(mul(erf(u), 0.5), density), 0.5));
  },
);

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
