import { elementCount, type Tensor } from '../../src/graph/expression.ts';
import { geluTanh, relu } from '../../src/graph/ops/activation.ts';
import { expand, reduceSum, reshape } from '../../src/graph/ops/broadcasting.ts';
import { add, div, erf, exp, mul, neg, sqrt, sub, tanh } from '../../src/graph/ops/elementwise.ts';
import { gemm, matMul } from '../../src/graph/ops/linear.ts';
import { layerNorm, softmax } from '../../src/graph/ops/normalization.ts';
import { concat, padAxis, slice, transpose } from '../../src/graph/ops/shape.ts';

/** x·Φ(x), of the operations that the encoder's feed-forward layers make it of. */
export function gelu(x: Tensor): Tensor {
  return mul(mul(x, 0.5), add(erf(mul(x, Math.SQRT1_2)), 1));
}

function mean(x: Tensor, axes: readonly number[], keepDims: boolean): Tensor {
  const sum = reduceSum(x, axes, keepDims);
  return mul(sum, elementCount(sum.shape) / elementCount(x.shape));
}

type Attributes = Readonly<Record<string, number | string | readonly number[]>>;

/** How a golden case of each operation is built from its inputs; undefined where the graph has no such operation. */
export const builders: Readonly<
  Record<string, (inputs: readonly Tensor[], attributes: Attributes) => Tensor>
> = {
  MatMul: ([a, b]) => matMul(a!, b!),
  Gemm: ([a, b, c], { transA, transB, alpha, beta }) =>
    gemm(a!, b!, {
      ...(c === undefined ? {} : { c }),
      transA: transA === 1,
      transB: transB === 1,
      alpha: alpha as number,
      beta: beta as number,
    }),
  Add: ([a, b]) => add(a!, b!),
  Sub: ([a, b]) => sub(a!, b!),
  Mul: ([a, b]) => mul(a!, b!),
  Div: ([a, b]) => div(a!, b!),
  Exp: ([x]) => exp(x!),
  Sqrt: ([x]) => sqrt(x!),
  Pow: ([x]) => mul(x!, x!),
  Reciprocal: ([x]) => div(1, x!),
  Neg: ([x]) => neg(x!),
  Tanh: ([x]) => tanh(x!),
  Sigmoid: ([x]) => div(1, add(exp(neg(x!)), 1)),
  Erf: ([x]) => erf(x!),
  Relu: ([x]) => relu(x!),
  Gelu: ([x], { approximate }) => (approximate === 'tanh' ? geluTanh(x!) : gelu(x!)),
  Softmax: ([x]) => softmax(x!),
  MaskedSoftmax: ([x, mask]) => softmax(add(x!, mul(sub(1, mask!), -1e9))),
  LayerNormalization: ([x, gamma, beta], { epsilon }) => {
    const width = gamma!.shape[0]!;
    const rows = x!.shape.slice(0, -1).reduce((a, b) => a * b, 1);
    return reshape(layerNorm(reshape(x!, [rows, width]), gamma!, beta!, epsilon as number), x!.shape);
  },
  L2Normalize: ([x]) => div(x!, sqrt(reduceSum(mul(x!, x!), [-1], true))),
  ReduceSum: ([x], { axes, keepdims }) => reduceSum(x!, axes as readonly number[], keepdims === 1),
  ReduceMean: ([x], { axes, keepdims }) => mean(x!, axes as readonly number[], keepdims === 1),
  Transpose: ([x], { perm }) => transpose(x!, perm as readonly number[]),
  Reshape: ([x], { shape }) => reshape(x!, shape as readonly number[]),
  Expand: ([x], { shape }) => expand(x!, shape as readonly number[]),
  Slice: ([x], { axis, start, end }) => slice(x!, axis as number, start as number, end as number),
  Concat: (inputs, { axis }) => concat(inputs, axis as number),
  Pad: ([x], { axis, before, after }) => padAxis(x!, axis as number, before as number, after as number),
};
