import {
  elementCount,
  only,
  showShape,
  type Attributes,
  type Dimension,
  type Node,
  type Operation,
  type Tensor,
} from '../expression.ts';
import { stridesOf } from '../nd-array.ts';

function inversePermutation(permutation: readonly number[]): number[] {
  const inverse = new Array<number>(permutation.length);
  permutation.forEach((from, to) => (inverse[from] = to));
  return inverse;
}

const transposeOperation: Operation = {
  name: 'Transpose',
  infer: ([x], { permutation }) => {
    const { dims, dataType } = x as Tensor;
    const order = permutation as readonly number[];
    if (order.length !== dims.length || new Set(order).size !== dims.length) {
      throw new Error(`Transpose: ${showShape(order)} does not permute ${showShape(dims)}`);
    }
    return [{ dims: order.map((axis) => dims[axis] as Dimension), dataType }];
  },
  simplify: ([x], { permutation }) => {
    const tensor = x as Tensor;
    const order = permutation as readonly number[];
    if (order.every((axis, i) => axis === i)) return tensor;
    if (tensor.node.operation === transposeOperation) {
      const first = tensor.node.attributes.permutation as readonly number[];
      return transpose(
        only(tensor.node.inputs),
        order.map((axis) => first[axis] as number),
      );
    }
    return undefined;
  },
  evaluate: ([x], { permutation }, [type]) => {
    if (x === undefined || type === undefined) throw new Error('Transpose takes one');
    const strides = stridesOf(x.shape);
    const steps = (permutation as readonly number[]).map((axis) => strides[axis] as number);
    const data = new Float64Array(x.data.length);
    const position = new Array<number>(type.shape.length).fill(0);
    for (let flat = 0; flat < data.length; flat++) {
      let from = 0;
      for (let axis = 0; axis < steps.length; axis++) {
        from += (position[axis] as number) * (steps[axis] as number);
      }
      data[flat] = x.data[from] as number;
      for (let axis = steps.length - 1; axis >= 0; axis--) {
        const at = (position[axis] as number) + 1;
        position[axis] = at < (type.shape[axis] as number) ? at : 0;
        if (position[axis] !== 0) break;
      }
    }
    return [{ shape: type.shape, data }];
  },
  gradient: (node, [upstream]) =>
    upstream === undefined
      ? []
      : [transpose(upstream, inversePermutation(node.attributes.permutation as readonly number[]))],
  onnx: (node) => ({
    type: 'Transpose',
    inputs: node.inputs,
    attributes: { perm: node.attributes.permutation as readonly number[] },
  }),
};

/** Axis i of the result is axis permutation[i] of x. */
export function transpose(x: Tensor, permutation: readonly number[]): Tensor {
  return only(x.node.graph.apply(transposeOperation, [x], { permutation }));
}

/** Swaps the last two axes. */
export function swapLastAxes(x: Tensor): Tensor {
  const order = x.dims.map((_, axis) => axis);
  const rank = order.length;
  [order[rank - 2], order[rank - 1]] = [rank - 1, rank - 2];
  return transpose(x, order);
}

interface SliceAttributes extends Attributes {
  readonly axis: number;
  readonly start: number;
  readonly end: Dimension;
}

const sliceOperation: Operation = {
  name: 'Slice',
  infer: ([x], attributes) => {
    const { dims, dataType } = x as Tensor;
    const { axis, start, end } = attributes as SliceAttributes;
    const size = dims[axis];
    // The model's caller ensures that a symbolic size is large enough.
    const fits = typeof end === 'string' ? start === 0 : start >= 0 && start < end && !(Number(size) < end);
    if (size === undefined || !fits) {
      throw new Error(`Slice: no ${start}..${end} on axis ${axis} of ${showShape(dims)}`);
    }
    const length = typeof end === 'string' ? end : end - start;
    return [{ dims: dims.with(axis, length), dataType }];
  },
  simplify: ([x], { axis, start, end }) =>
    start === 0 && end === (x as Tensor).dims[axis as number] ? x : undefined,
  evaluate: ([x], { axis, start }, [type]) => {
    if (x === undefined || type === undefined) throw new Error('Slice takes one');
    const inner = elementCount(x.shape.slice((axis as number) + 1));
    const from = (x.shape[axis as number] as number) * inner;
    const to = (type.shape[axis as number] as number) * inner;
    const data = new Float64Array(elementCount(type.shape));
    for (let outer = 0; outer * to < data.length; outer++) {
      const at = outer * from + (start as number) * inner;
      data.set(x.data.subarray(at, at + to), outer * to);
    }
    return [{ shape: type.shape, data }];
  },
  gradient: (node, [upstream]) => {
    if (upstream === undefined) return [];
    const { axis, start } = node.attributes as SliceAttributes;
    const size = only(node.inputs).shape[axis] as number;
    return [padAxis(upstream, axis, start, size - start - (upstream.shape[axis] as number))];
  },
  onnx: (node) => {
    const { axis, start, end } = node.attributes as SliceAttributes;
    return {
      type: 'Slice',
      inputs: [...node.inputs, { int64: [start] }, { int64: [end] }, { int64: [axis] }],
    };
  },
};

/** Elements start to end (exclusive) of one axis. */
export function slice(x: Tensor, axis: number, start: number, end: Dimension): Tensor {
  return only(x.node.graph.apply(sliceOperation, [x], { axis, start, end }));
}

const padOperation: Operation = {
  name: 'Pad',
  infer: ([x], { axis, before, after }) => {
    const { shape, dataType } = x as Tensor;
    if (shape[axis as number] === undefined || (before as number) < 0 || (after as number) < 0) {
      throw new Error(
        `Pad: no ${String(before)} and ${String(after)} on axis ${String(axis)} of ${showShape(shape)}`,
      );
    }
    return [
      { dims: shape.map((s, i) => (i === axis ? s + (before as number) + (after as number) : s)), dataType },
    ];
  },
  simplify: ([x], { before, after }) => (before === 0 && after === 0 ? x : undefined),
  evaluate: ([x], { axis, before }, [type]) => {
    if (x === undefined || type === undefined) throw new Error('Pad takes one');
    const inner = elementCount(x.shape.slice((axis as number) + 1));
    const from = (x.shape[axis as number] as number) * inner;
    const to = (type.shape[axis as number] as number) * inner;
    const data = new Float64Array(elementCount(type.shape));
    for (let outer = 0; outer * from < x.data.length; outer++) {
      data.set(x.data.subarray(outer * from, (outer + 1) * from), outer * to + (before as number) * inner);
    }
    return [{ shape: type.shape, data }];
  },
  gradient: (node, [upstream]) => {
    if (upstream === undefined) return [];
    const { axis, before } = node.attributes as Record<string, number>;
    const size = only(node.inputs).shape[axis as number] as number;
    return [slice(upstream, axis as number, before as number, (before as number) + size)];
  },
  onnx: (node: Node) => {
    const { axis, before, after } = node.attributes as Record<string, number>;
    const rank = only(node.inputs).shape.length;
    const pads = new Array<number>(2 * rank).fill(0);
    pads[axis as number] = before as number;
    pads[rank + (axis as number)] = after as number;
    return { type: 'Pad', inputs: [...node.inputs, { int64: pads }] };
  },
};

/** Zeros before and after on one axis. */
export function padAxis(x: Tensor, axis: number, before: number, after: number): Tensor {
  return only(x.node.graph.apply(padOperation, [x], { axis, before, after }));
}

const concatOperation: Operation = {
  name: 'Concat',
  infer: (inputs, { axis }) => {
    const first = only(inputs);
    for (const input of inputs) {
      const fits = input.shape.every((size, i) => i === axis || size === first.shape[i]);
      if (!fits || input.shape.length !== first.shape.length) {
        throw new Error(`Concat: ${showShape(input.shape)} does not fit ${showShape(first.shape)}`);
      }
    }
    const total = inputs.reduce((sum, input) => sum + (input.shape[axis as number] as number), 0);
    return [{ dims: first.shape.map((s, i) => (i === axis ? total : s)), dataType: first.dataType }];
  },
  simplify: (inputs) => (inputs.length === 1 ? inputs[0] : undefined),
  evaluate: (inputs, { axis }, [type]) => {
    if (type === undefined) throw new Error('Concat takes some');
    const data = new Float64Array(elementCount(type.shape));
    const inner = elementCount(type.shape.slice((axis as number) + 1));
    const row = (type.shape[axis as number] as number) * inner;
    let offset = 0;
    for (const input of inputs) {
      const part = (input.shape[axis as number] as number) * inner;
      for (let outer = 0; outer * part < input.data.length; outer++) {
        data.set(input.data.subarray(outer * part, (outer + 1) * part), outer * row + offset);
      }
      offset += part;
    }
    return [{ shape: type.shape, data }];
  },
  gradient: (node, [upstream]) => {
    if (upstream === undefined) return [];
    const axis = node.attributes.axis as number;
    let start = 0;
    return node.inputs.map((input) => {
      const size = input.shape[axis] as number;
      const part = slice(upstream, axis, start, start + size);
      start += size;
      return part;
    });
  },
  onnx: (node) => ({
    type: 'Concat',
    inputs: node.inputs,
    attributes: { axis: node.attributes.axis as number },
  }),
};

/** Joins tensors along an axis. */
export function concat(tensors: readonly Tensor[], axis: number): Tensor {
  return only(only(tensors).node.graph.apply(concatOperation, tensors, { axis }));
}
