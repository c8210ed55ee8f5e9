import {
  elementCount,
  only,
  productOf,
  sameShape,
  showShape,
  type Dimension,
  type Dimensions,
  type Operation,
  type Shape,
  type Tensor,
} from '../expression.ts';
import { broadcastShape, forEachBroadcast, type NdArray } from '../nd-array.ts';

const reshapeOperation: Operation = {
  name: 'Reshape',
  free: true,
  infer: ([x], { shape }) => {
    const { dims: from, dataType } = x as Tensor;
    const to = shape as Dimensions;
    if (productOf(from) !== productOf(to)) {
      throw new Error(`Reshape: ${showShape(from)} does not fit ${showShape(to)}`);
    }
    return [{ dims: to, dataType }];
  },
  simplify: ([x], { shape }) => {
    const tensor = x as Tensor;
    const to = shape as Dimensions;
    if (sameShape(tensor.dims, to)) return tensor;
    if (tensor.node.operation === reshapeOperation) return reshape(only(tensor.node.inputs), to);
    return undefined;
  },
  evaluate: ([x], { shape }) => [{ shape: shape as Shape, data: (x as NdArray).data }],
  gradient: (node, [upstream]) =>
    upstream === undefined ? [] : [reshape(upstream, only(node.inputs).shape)],
  onnx: (node) => {
    const to = node.attributes.shape as Dimensions;
    // −1 is the size implied by the others, so one symbolic size need not be looked up.
    const open = to.findIndex((size) => typeof size === 'string');
    return { type: 'Reshape', inputs: [...node.inputs, { int64: open < 0 ? to : to.with(open, -1) }] };
  },
};

/** The same values in row-major order under another shape. */
export function reshape(x: Tensor, shape: Dimensions): Tensor {
  return only(x.node.graph.apply(reshapeOperation, [x], { shape }));
}

const expandOperation: Operation = {
  name: 'Expand',
  free: true,
  infer: ([x], { shape }) => {
    const { shape: from, dataType } = x as Tensor;
    const to = broadcastShape(from, shape as Shape);
    if (to === undefined || !sameShape(to, shape as Shape)) {
      throw new Error(`Expand: ${showShape(from)} does not broadcast to ${showShape(shape as Shape)}`);
    }
    return [{ dims: to, dataType }];
  },
  simplify: ([x], { shape }) => (sameShape((x as Tensor).shape, shape as Shape) ? x : undefined),
  evaluate: ([x], _, [type]) => {
    if (x === undefined || type === undefined) throw new Error('Expand takes one');
    const data = new Float64Array(elementCount(type.shape));
    forEachBroadcast(type.shape, [x.shape], (flat, [i]) => {
      data[flat] = x.data[i as number] as number;
    });
    return [{ shape: type.shape, data }];
  },
  gradient: (node, [upstream]) => (upstream === undefined ? [] : [sumTo(upstream, only(node.inputs).shape)]),
  onnx: (node) => ({ type: 'Expand', inputs: [...node.inputs, { int64: node.attributes.shape as Shape }] }),
};

/** Repeats along axes of size 1 (and new leading axes). */
export function expand(x: Tensor, shape: Shape): Tensor {
  return only(x.node.graph.apply(expandOperation, [x], { shape }));
}

function reducedShape<Size extends Dimension>(
  shape: readonly Size[],
  axes: readonly number[],
  keepDims: boolean,
): readonly (Size | 1)[] {
  return keepDims
    ? shape.map((size, axis) => (axes.includes(axis) ? 1 : size))
    : shape.filter((_, axis) => !axes.includes(axis));
}

/** Common part of the sums. @param of each element */
function reduction(
  name: string,
  of: (value: number) => number,
): Pick<Operation, 'name' | 'infer' | 'evaluate' | 'onnx'> {
  return {
    name,
    infer: ([x], { axes, keepDims }) => {
      const { dims } = x as Tensor;
      const reduced = axes as readonly number[];
      if (reduced.some((axis) => axis < 0 || axis >= dims.length)) {
        throw new Error(`${name}: no axes ${reduced.join(', ')} in ${showShape(dims)}`);
      }
      return [{ dims: reducedShape(dims, reduced, keepDims === 1), dataType: 'float32' }];
    },
    evaluate: ([x], { axes }, [type]) => {
      if (x === undefined || type === undefined) throw new Error(`${name} takes one`);
      const kept = reducedShape(x.shape, axes as readonly number[], true);
      const data = new Float64Array(elementCount(kept));
      forEachBroadcast(x.shape, [kept], (flat, [target]) => {
        const at = target as number;
        data[at] = (data[at] as number) + of(x.data[flat] as number);
      });
      return [{ shape: type.shape, data }];
    },
    onnx: (node) => ({
      type: name,
      inputs: [...node.inputs, { int64: node.attributes.axes as readonly number[] }],
      attributes: { keepdims: node.attributes.keepDims as number },
    }),
  };
}

const reduceSumOperation: Operation = {
  ...reduction('ReduceSum', (value) => value),
  gradient: (node, [upstream]) => {
    if (upstream === undefined) return [];
    const { shape } = only(node.inputs);
    const kept = reducedShape(shape, node.attributes.axes as readonly number[], true);
    return [expand(reshape(upstream, kept), shape)];
  },
};

const reduceSumSquareOperation: Operation = reduction('ReduceSumSquare', (value) => value * value);

/** Sum over axes (negative axes count from the end). */
export function reduceSum(x: Tensor, axes: readonly number[], keepDims = false): Tensor {
  const positive = axes.map((axis) => (axis < 0 ? axis + x.dims.length : axis)).sort((a, b) => a - b);
  return only(x.node.graph.apply(reduceSumOperation, [x], { axes: positive, keepDims: keepDims ? 1 : 0 }));
}

/** Sum of squares over axes, without their squares in memory. It has no gradient. */
export function reduceSumSquare(x: Tensor, axes: readonly number[]): Tensor {
  return only(x.node.graph.apply(reduceSumSquareOperation, [x], { axes, keepDims: 0 }));
}

/**
 * Sums a gradient over the axes along which its operand was broadcast.
 * @param gradient of the broadcast shape
 * @param shape of the operand
 */
export function sumTo(gradient: Tensor, shape: Shape): Tensor {
  if (sameShape(gradient.shape, shape)) return gradient;
  const lead = gradient.shape.length - shape.length;
  const axes: number[] = [];
  gradient.shape.forEach((size, axis) => {
    if (axis < lead || (shape[axis - lead] === 1 && size !== 1)) axes.push(axis);
  });
  return reshape(axes.length === 0 ? gradient : reduceSum(gradient, axes, true), shape);
}
