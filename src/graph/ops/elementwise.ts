import {
  elementCount,
  isConstant,
  only,
  showShape,
  type Node,
  type Operation,
  type Dimensions,
  type Tensor,
} from '../expression.ts';
import * as exactMath from '../../core/exact-math.ts';
import { broadcastShape, forEachBroadcast } from '../nd-array.ts';
import { sumTo } from './broadcasting.ts';

function inferBroadcast(name: string, inputs: readonly Tensor[]): Dimensions {
  const [a, b] = inputs as [Tensor, Tensor];
  const dims = broadcastShape(a.dims, b.dims);
  if (dims === undefined) {
    throw new Error(`${name}: ${showShape(a.dims)} and ${showShape(b.dims)} do not broadcast`);
  }
  return dims;
}

function constantScalar(tensor: Tensor): number | undefined {
  if (!isConstant(tensor) || elementCount(tensor.shape) !== 1) return undefined;
  return tensor.node.graph.valueOf(tensor).data[0];
}

function binary(
  name: string,
  compute: (a: number, b: number) => number,
  gradient: (node: Node, upstream: Tensor) => readonly [Tensor, Tensor],
  simplify?: Operation['simplify'],
): Operation {
  return {
    name,
    infer: (inputs) => [{ dims: inferBroadcast(name, inputs), dataType: 'float32' }],
    evaluate: ([a, b], _, [type]) => {
      if (a === undefined || b === undefined || type === undefined) throw new Error(`${name} takes two`);
      const data = new Float64Array(elementCount(type.shape));
      forEachBroadcast(type.shape, [a.shape, b.shape], (flat, [i, j]) => {
        data[flat] = compute(a.data[i as number] as number, b.data[j as number] as number);
      });
      return [{ shape: type.shape, data }];
    },
    gradient: (node, [upstream]) => {
      if (upstream === undefined) return [];
      const [da, db] = gradient(node, upstream);
      const [a, b] = node.inputs as [Tensor, Tensor];
      return [sumTo(da, a.shape), sumTo(db, b.shape)];
    },
    ...(simplify === undefined ? {} : { simplify }),
    onnx: (node) => ({ type: name, inputs: node.inputs }),
  };
}

function operands(node: Node): readonly [Tensor, Tensor] {
  const [left, right] = node.inputs;
  if (left === undefined || right === undefined) throw new Error(`${node.operation.name} has two operands`);
  return [left, right];
}

/** The operand left when the other is a scalar that changes nothing and does not broadcast it. */
function dropNeutral(neutral: number, sides: 'right' | 'both'): Operation['simplify'] {
  return (inputs) => {
    const [a, b] = inputs as [Tensor, Tensor];
    if (constantScalar(b) === neutral && b.dims.length <= a.dims.length) return a;
    if (sides === 'both' && constantScalar(a) === neutral && a.dims.length <= b.dims.length) return b;
    return undefined;
  };
}

const addOperation = binary(
  'Add',
  (a, b) => a + b,
  (_, upstream) => [upstream, upstream],
  dropNeutral(0, 'both'),
);
const subOperation = binary(
  'Sub',
  (a, b) => a - b,
  (_, upstream) => [upstream, neg(upstream)],
  dropNeutral(0, 'right'),
);
const mulOperation = binary(
  'Mul',
  (a, b) => a * b,
  (node, upstream) => {
    const [a, b] = operands(node);
    return [mul(upstream, b), mul(upstream, a)];
  },
  dropNeutral(1, 'both'),
);
const divOperation = binary(
  'Div',
  (a, b) => a / b,
  (node, upstream) => {
    const [, b] = operands(node);
    return [div(upstream, b), neg(div(mul(upstream, only(node.outputs)), b))];
  },
  dropNeutral(1, 'right'),
);

type Operand = Tensor | number;

function apply2(operation: Operation, a: Operand, b: Operand): Tensor {
  const graph = typeof a === 'number' ? (b as Tensor).node.graph : a.node.graph;
  const lift = (x: Operand): Tensor => (typeof x === 'number' ? graph.constant(x) : x);
  return only(graph.apply(operation, [lift(a), lift(b)]));
}

/** a + b, broadcast. */
export function add(a: Tensor, b: Operand): Tensor {
  return apply2(addOperation, a, b);
}

/** a − b, broadcast; one side may be a number. */
export function sub(a: Tensor, b: Operand): Tensor;
export function sub(a: number, b: Tensor): Tensor;
export function sub(a: Operand, b: Operand): Tensor {
  return apply2(subOperation, a, b);
}

/** a · b elementwise, broadcast. */
export function mul(a: Tensor, b: Operand): Tensor {
  return apply2(mulOperation, a, b);
}

/** a / b, broadcast; one side may be a number. */
export function div(a: Tensor, b: Operand): Tensor;
export function div(a: number, b: Tensor): Tensor;
export function div(a: Operand, b: Operand): Tensor {
  return apply2(divOperation, a, b);
}

/** An operation on each element. @param onnx its node, where that is not one of the same name without attributes */
export function unary(
  name: string,
  compute: (x: number) => number,
  gradient: (node: Node, upstream: Tensor) => Tensor,
  onnx: Operation['onnx'] = (node) => ({ type: name, inputs: node.inputs }),
): (x: Tensor) => Tensor {
  const operation: Operation = {
    name,
    infer: ([x]) => [{ dims: (x as Tensor).dims, dataType: 'float32' }],
    evaluate: ([x]) => {
      if (x === undefined) throw new Error(`${name} takes one`);
      return [{ shape: x.shape, data: x.data.map(compute) }];
    },
    gradient: (node, [upstream]) => (upstream === undefined ? [] : [gradient(node, upstream)]),
    onnx,
  };
  return (x) => only(x.node.graph.apply(operation, [x]));
}

export const operand = (node: Node): Tensor => only(node.inputs);
const result = (node: Node): Tensor => only(node.outputs);

export const neg = unary(
  'Neg',
  (x) => -x,
  (_, upstream) => neg(upstream),
);

export const exp = unary('Exp', exactMath.exp, (node, upstream) => mul(upstream, result(node)));

export const sqrt = unary('Sqrt', Math.sqrt, (node, upstream) => mul(div(upstream, result(node)), 0.5));

export const tanh = unary('Tanh', exactMath.tanh, (node, upstream) =>
  mul(upstream, sub(1, mul(result(node), result(node)))),
);

/** The error function; the gradient is 2/√π · e^(−x²). */
export const erf = unary('Erf', erfReference, (node, upstream) => {
  const x = operand(node);
  return mul(upstream, exp(sub(exactMath.log(2 / Math.sqrt(Math.PI)), mul(x, x))));
});

/**
 * erf to about 1e-15: its Maclaurin series for small arguments, the continued fraction of erfc (Lentz) beyond
 * (Abramowitz and Stegun 7.1.5 and 7.1.14).
 */
function erfReference(x: number): number {
  const a = Math.abs(x);
  if (a < 2.5) {
    let term = a;
    let sum = a;
    for (let n = 1; Math.abs(term) > 1e-17 * sum && n < 200; n++) {
      term *= (-a * a) / n;
      sum += term / (2 * n + 1);
    }
    return (Math.sign(x) * 2 * sum) / Math.sqrt(Math.PI);
  }
  let fraction = 0;
  for (let k = 60; k >= 1; k--) fraction = k / 2 / (a + fraction);
  return Math.sign(x) * (1 - exactMath.exp(-a * a) / (Math.sqrt(Math.PI) * (a + fraction)));
}

function comparison(name: string, compute: (a: number, b: number) => boolean): Operation {
  return {
    name,
    infer: (inputs) => [{ dims: inferBroadcast(name, inputs), dataType: 'bool' }],
    evaluate: ([a, b], _, [type]) => {
      if (a === undefined || b === undefined || type === undefined) throw new Error(`${name} takes two`);
      const data = new Float64Array(elementCount(type.shape));
      forEachBroadcast(type.shape, [a.shape, b.shape], (flat, [i, j]) => {
        data[flat] = compute(a.data[i as number] as number, b.data[j as number] as number) ? 1 : 0;
      });
      return [{ shape: type.shape, data }];
    },
    onnx: (node) => ({ type: name, inputs: node.inputs }),
  };
}

const equalOperation = comparison('Equal', (a, b) => a === b);
const greaterOperation = comparison('Greater', (a, b) => a > b);

/** 1 where a = b (int32, since the WebGPU runtime compares int64 on the CPU), as bool. */
export function equal(a: Tensor, b: Tensor): Tensor {
  return apply2(equalOperation, a, b);
}

/** a > b as bool. */
export function greater(a: Tensor, b: Operand): Tensor {
  return apply2(greaterOperation, a, b);
}

const castOperation: Operation = {
  name: 'Cast',
  infer: ([x]) => [{ dims: (x as Tensor).dims, dataType: 'float32' }],
  evaluate: (inputs) => inputs,
  // FLOAT in ONNX's TensorProto.DataType.
  onnx: (node) => ({ type: 'Cast', inputs: node.inputs, attributes: { to: 1 } }),
};

/** Bool or int32 to float32. */
export function toFloat(x: Tensor): Tensor {
  return only(x.node.graph.apply(castOperation, [x]));
}
