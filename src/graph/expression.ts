import type { DataType } from '../core/tensor-size.ts';
import { elementCount } from '../core/tensor-size.ts';
import { type Dimension, type Dimensions, type NdArray, type Shape } from './nd-array.ts';

export { elementCount } from '../core/tensor-size.ts';
export { type Dimension, type Dimensions, type Shape } from './nd-array.ts';
export type AttributeValue = number | string | readonly Dimension[];
export type Attributes = Readonly<Record<string, AttributeValue>>;

export interface TensorType {
  readonly shape: Shape;
  readonly dataType: DataType;
}

/** A type whose sizes may be open. */
export interface OpenType {
  readonly dims: Dimensions;
  readonly dataType: DataType;
}

/**
 * An input of an emitted ONNX node: a tensor of the graph, or an int64 list that ONNX requires as a tensor. A name in
 * the list is the size that the axis of this name has when the model runs.
 */
export type OnnxInput = Tensor | { readonly int64: Dimensions };

/** Integers are written as ints; floats must be listed in {@link OnnxNode.floats}. */
export type OnnxAttributes = Readonly<Record<string, number | string | readonly number[]>>;

export interface OnnxNode {
  readonly type: string;
  readonly inputs: readonly OnnxInput[];
  readonly attributes?: OnnxAttributes;
  readonly floats?: Readonly<Record<string, number>>;
}

/** The definition of one kind of node. One object per operation, in ops/. */
export interface Operation {
  readonly name: string;
  /** Output types. @throws Error naming the operation and the shapes if they do not fit. */
  infer(inputs: readonly Tensor[], attributes: Attributes): readonly OpenType[];
  /** Reference values in float64: the oracle of the tests, and what folds constants. */
  evaluate(
    inputs: readonly NdArray[],
    attributes: Attributes,
    types: readonly TensorType[],
  ): readonly NdArray[];
  /**
   * The vector-Jacobian product: ∂L/∂input for each input, from ∂L/∂output for each output (undefined where an
   * output does not reach L). Operations without a gradient (comparisons, casts) leave it out.
   */
  gradient?(node: Node, upstream: readonly (Tensor | undefined)[]): readonly (Tensor | undefined)[];
  /** A simpler tensor of the same value, if there is one. */
  simplify?(inputs: readonly Tensor[], attributes: Attributes): Tensor | undefined;
  onnx(node: Node): OnnxNode;
  /** True where computing it again costs no more than keeping it: a backward graph then does not save it. */
  readonly free?: boolean;
}

/** One application of an operation. */
export interface Node {
  readonly id: number;
  readonly graph: Graph;
  readonly operation: Operation;
  readonly inputs: readonly Tensor[];
  readonly attributes: Attributes;
  readonly outputs: readonly Tensor[];
}

/** One value of a graph. Its `shape` throws where a size is open: gradients, memory and reference values need it. */
export interface Tensor extends TensorType, OpenType {
  readonly node: Node;
  /** Which of the node's outputs it is. */
  readonly index: number;
}

export function sameShape(a: Dimensions, b: Dimensions): boolean {
  return a.length === b.length && a.every((size, axis) => size === b[axis]);
}

/** The size of axes taken together; of open ones a name, the same for the same axes in any order. */
export function productOf(dims: Dimensions): Dimension {
  const factors = dims.flatMap((dim) => String(dim).split('*'));
  const names = factors.filter((factor) => Number.isNaN(Number(factor))).sort();
  const size = elementCount(factors.map(Number).filter((factor) => !Number.isNaN(factor)));
  return names.length === 0 ? size : [...(size === 1 ? [] : [size]), ...names].join('*');
}

/** Whether every size is known. */
export function isStatic(dims: Dimensions): dims is Shape {
  return dims.every((dim) => typeof dim === 'number');
}

export function showShape(dims: Dimensions): string {
  return `[${dims.join(', ')}]`;
}

/** The first output of an operation that always has one. */
export function only(tensors: readonly Tensor[]): Tensor {
  const [tensor] = tensors;
  if (tensor === undefined) throw new Error('the operation has no output');
  return tensor;
}

/** The operation of a value that is not computed, an input or a constant; the graph creates it. */
function source(name: string): Operation {
  const refuse = (): never => {
    throw new Error(`${name} is not computed`);
  };
  return { name, infer: refuse, evaluate: refuse, onnx: refuse };
}

const inputOperation = source('Input');
const constantOperation = source('Constant');

export function isInput(tensor: Tensor): boolean {
  return tensor.node.operation === inputOperation;
}

export function isConstant(tensor: Tensor): boolean {
  return tensor.node.operation === constantOperation;
}

/** Larger constants are not folded: the work saved is not worth the bytes in the file. */
const largestFolded = 4096;

/**
 * Owns the nodes of one computation. A node that was made before (same operation, inputs and attributes) is
 * found again, so shared subexpressions exist once; nodes of constants become constants.
 */
export class Graph {
  #nextId = 0;
  readonly #nodes = new Map<string, Node>();
  readonly #inputs = new Map<string, Tensor>();
  readonly #constants = new Map<Node, NdArray>();

  /** A value fed from outside. Each name refers to one tensor. */
  input(name: string, dims: Dimensions, dataType: DataType = 'float32'): Tensor {
    const known = this.#inputs.get(name);
    if (known !== undefined) {
      if (!sameShape(known.dims, dims) || known.dataType !== dataType) {
        throw new Error(`input ${name}: ${showShape(dims)} was ${showShape(known.dims)} before`);
      }
      return known;
    }
    const node = this.#add(inputOperation, [], { name }, [{ dims, dataType }]);
    const tensor = only(node.outputs);
    this.#inputs.set(name, tensor);
    return tensor;
  }

  /** An input made before. */
  findInput(name: string): Tensor | undefined {
    return this.#inputs.get(name);
  }

  /** A float32 constant; a number makes a scalar. */
  constant(value: number | NdArray, dataType: DataType = 'float32'): Tensor {
    const array: NdArray = typeof value === 'number' ? { shape: [], data: Float64Array.of(value) } : value;
    const rounded: NdArray = {
      shape: array.shape,
      data: dataType === 'float32' ? Float64Array.from(array.data, Math.fround) : array.data,
    };
    const key = `Constant|${dataType}|${rounded.shape.join(',')}|${rounded.data.join(',')}`;
    const known = this.#nodes.get(key);
    if (known !== undefined) return only(known.outputs);
    const node = this.#add(constantOperation, [], {}, [{ dims: rounded.shape, dataType }]);
    this.#nodes.set(key, node);
    this.#constants.set(node, rounded);
    return only(node.outputs);
  }

  valueOf(constant: Tensor): NdArray {
    const value = this.#constants.get(constant.node);
    if (value === undefined) throw new Error(`${constant.node.operation.name} is not a constant`);
    return value;
  }

  /** Applies an operation, or finds the tensors that it would make. */
  apply(operation: Operation, inputs: readonly Tensor[], attributes: Attributes = {}): readonly Tensor[] {
    for (const input of inputs) {
      if (input.node.graph !== this) throw new Error(`${operation.name}: an input belongs to another graph`);
    }
    const types = operation.infer(inputs, attributes);
    const simpler = operation.simplify?.(inputs, attributes);
    if (simpler !== undefined) return [simpler];
    const key = `${operation.name}|${inputs.map((t) => `${t.node.id}.${t.index}`).join(',')}|${JSON.stringify(attributes)}`;
    const known = this.#nodes.get(key);
    if (known !== undefined) return known.outputs;
    if (inputs.length > 0 && inputs.every(isConstant)) {
      const folded = types.flatMap(({ dims, dataType }) =>
        isStatic(dims) && elementCount(dims) <= largestFolded ? [{ shape: dims, dataType }] : [],
      );
      if (folded.length === types.length) {
        const constants = inputs.map((input) => this.valueOf(input));
        const values = operation.evaluate(constants, attributes, folded);
        return values.map((value, i) => this.constant(value, types[i]?.dataType));
      }
    }
    const node = this.#add(operation, inputs, attributes, types);
    this.#nodes.set(key, node);
    return node.outputs;
  }

  #add(
    operation: Operation,
    inputs: readonly Tensor[],
    attributes: Attributes,
    types: readonly OpenType[],
  ): Node {
    const outputs: Tensor[] = [];
    const node: Node = { id: this.#nextId++, graph: this, operation, inputs, attributes, outputs };
    types.forEach((type, index) => outputs.push(tensorOf(type, node, index)));
    return node;
  }
}

function tensorOf({ dims, dataType }: OpenType, node: Node, index: number): Tensor {
  if (isStatic(dims)) return { shape: dims, dims, dataType, node, index };
  return {
    get shape(): Shape {
      throw new Error(`${node.operation.name}: ${showShape(dims)} leaves sizes open that are needed here`);
    },
    ...{ dims, dataType, node, index },
  };
}

/** Every node that the tensors depend on, inputs before users. */
export function nodesBehind(tensors: readonly Tensor[]): Node[] {
  const seen = new Set<Node>();
  const order: Node[] = [];
  const stack: { node: Node; next: number }[] = [];
  const visit = (node: Node): void => {
    if (seen.has(node)) return;
    seen.add(node);
    stack.push({ node, next: 0 });
    for (let top = stack.at(-1); top !== undefined; top = stack.at(-1)) {
      const input = top.node.inputs[top.next++];
      if (input === undefined) {
        order.push(top.node);
        stack.pop();
      } else if (!seen.has(input.node)) {
        seen.add(input.node);
        stack.push({ node: input.node, next: 0 });
      }
    }
  };
  for (const tensor of tensors) visit(tensor.node);
  return order;
}
