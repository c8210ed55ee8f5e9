import {
  elementCount,
  only,
  sameShape,
  showShape,
  type Attributes,
  type Dimension,
  type Operation,
  type Tensor,
} from '../expression.ts';
import { broadcastShape, forEachBroadcast } from '../nd-array.ts';
import { reduceSum, reshape, sumTo } from './broadcasting.ts';
import { add, mul } from './elementwise.ts';
import { swapLastAxes } from './shape.ts';

const matMulOperation: Operation = {
  name: 'MatMul',
  infer: ([a, b]) => {
    const [left, right] = [(a as Tensor).dims, (b as Tensor).dims];
    const batch = broadcastShape(left.slice(0, -2), right.slice(0, -2));
    if (left.length < 2 || right.length < 2 || batch === undefined || left.at(-1) !== right.at(-2)) {
      throw new Error(`MatMul: ${showShape(left)} and ${showShape(right)} do not fit`);
    }
    return [{ dims: [...batch, left.at(-2) as Dimension, right.at(-1) as Dimension], dataType: 'float32' }];
  },
  evaluate: ([a, b], _, [type]) => {
    if (a === undefined || b === undefined || type === undefined) throw new Error('MatMul takes two');
    const [rows, inner] = a.shape.slice(-2) as [number, number];
    const columns = b.shape.at(-1) as number;
    const data = new Float64Array(elementCount(type.shape));
    const batch = type.shape.slice(0, -2);
    forEachBroadcast(batch, [a.shape.slice(0, -2), b.shape.slice(0, -2)], (flat, [i, j]) => {
      const left = (i as number) * rows * inner;
      const right = (j as number) * inner * columns;
      for (let r = 0; r < rows; r++) {
        for (let c = 0; c < columns; c++) {
          let sum = 0;
          for (let k = 0; k < inner; k++) {
            sum += (a.data[left + r * inner + k] as number) * (b.data[right + k * columns + c] as number);
          }
          data[(flat * rows + r) * columns + c] = sum;
        }
      }
    });
    return [{ shape: type.shape, data }];
  },
  gradient: (node, [upstream]) => {
    if (upstream === undefined) return [];
    const [a, b] = node.inputs as readonly [Tensor, Tensor];
    const da = matMul(upstream, swapLastAxes(b));
    // aᵀ·upstream, as (upstreamᵀ·a)ᵀ where a is the larger: attention probabilities are never transposed.
    const db =
      elementCount(a.shape) > elementCount(upstream.shape)
        ? swapLastAxes(matMul(swapLastAxes(upstream), a))
        : matMul(swapLastAxes(a), upstream);
    return [sumTo(da, a.shape), sumTo(db, b.shape)];
  },
  onnx: (node) => ({ type: 'MatMul', inputs: node.inputs }),
};

/** Matrix product of the last two axes, batch axes broadcast: [..., m, k] · [..., k, n] → [..., m, n]. */
export function matMul(a: Tensor, b: Tensor): Tensor {
  return only(a.node.graph.apply(matMulOperation, [a, b]));
}

interface GemmAttributes extends Attributes {
  readonly transA: number;
  readonly transB: number;
  readonly alpha: number;
  readonly beta: number;
}

function oriented<Size>(shape: readonly Size[], transposed: number): readonly [Size, Size] {
  const [rows, columns] = shape as readonly [Size, Size];
  return transposed === 1 ? [columns, rows] : [rows, columns];
}

const gemmOperation: Operation = {
  name: 'Gemm',
  infer: ([a, b, c], attributes) => {
    const { transA, transB } = attributes as GemmAttributes;
    const [left, right] = [(a as Tensor).dims, (b as Tensor).dims];
    const [rows, inner] = oriented(left, transA);
    const [inner2, columns] = oriented(right, transB);
    if (left.length !== 2 || right.length !== 2 || inner !== inner2) {
      throw new Error(
        `Gemm: ${showShape(left)} (transA ${transA}) and ${showShape(right)} (transB ${transB}) do not fit`,
      );
    }
    const dims = [rows, columns];
    const joint = c === undefined ? dims : broadcastShape(c.dims, dims);
    if (joint === undefined || !sameShape(joint, dims)) {
      throw new Error(`Gemm: C ${showShape((c as Tensor).dims)} does not broadcast to ${showShape(dims)}`);
    }
    return [{ dims, dataType: 'float32' }];
  },
  evaluate: ([a, b, c], attributes, [type]) => {
    if (a === undefined || b === undefined || type === undefined) throw new Error('Gemm takes two or three');
    const { transA, transB, alpha, beta } = attributes as GemmAttributes;
    const [rows, inner] = oriented(a.shape, transA);
    const [, columns] = oriented(b.shape, transB);
    const data = new Float64Array(rows * columns);
    for (let r = 0; r < rows; r++) {
      for (let col = 0; col < columns; col++) {
        let sum = 0;
        for (let k = 0; k < inner; k++) {
          const left = a.data[transA === 1 ? k * rows + r : r * inner + k] as number;
          const right = b.data[transB === 1 ? col * inner + k : k * columns + col] as number;
          sum += left * right;
        }
        data[r * columns + col] = alpha * sum;
      }
    }
    if (c !== undefined) {
      forEachBroadcast(type.shape, [c.shape], (flat, [i]) => {
        data[flat] = (data[flat] as number) + beta * (c.data[i as number] as number);
      });
    }
    return [{ shape: type.shape, data }];
  },
  gradient: (node, [upstream]) => {
    if (upstream === undefined) return [];
    const [a, b, c] = node.inputs as readonly [Tensor, Tensor, Tensor | undefined];
    const { transA, transB, alpha, beta } = node.attributes as GemmAttributes;
    // With A' and B' as they enter the product: ∂A' = α·∂Y·B'ᵀ, ∂B' = α·A'ᵀ·∂Y.
    const da =
      transA === 1
        ? gemm(b, upstream, { transA: transB === 1, transB: true, alpha })
        : gemm(upstream, b, { transB: transB === 0, alpha });
    const db =
      transB === 1
        ? gemm(upstream, a, { transA: true, transB: transA === 1, alpha })
        : gemm(a, upstream, { transA: transA === 0, alpha });
    const dc = c === undefined ? undefined : mul(sumTo(upstream, c.shape), beta);
    return [da, db, dc];
  },
  onnx: (node) => {
    const { transA, transB, alpha, beta } = node.attributes as GemmAttributes;
    return { type: 'Gemm', inputs: node.inputs, attributes: { transA, transB }, floats: { alpha, beta } };
  },
};

export interface GemmOptions {
  readonly c?: Tensor;
  readonly transA?: boolean;
  readonly transB?: boolean;
  readonly alpha?: number;
  readonly beta?: number;
}

/** α·A'·B' + β·C for matrices, A' and B' transposed on request; C is broadcast. */
export function gemm(a: Tensor, b: Tensor, options: GemmOptions = {}): Tensor {
  const attributes: GemmAttributes = {
    transA: options.transA === true ? 1 : 0,
    transB: options.transB === true ? 1 : 0,
    alpha: options.alpha ?? 1,
    beta: options.beta ?? 1,
  };
  const inputs = options.c === undefined ? [a, b] : [a, b, options.c];
  return only(a.node.graph.apply(gemmOperation, inputs, attributes));
}

/**
 * A gradient added to what came before. A matrix product takes the earlier sum as its C, so the addition costs no
 * pass of its own.
 */
export function accumulate(earlier: Tensor, gradient: Tensor): Tensor {
  const { operation, inputs, attributes } = gradient.node;
  const [a, b, c] = inputs;
  if (operation !== gemmOperation || a === undefined || b === undefined || c !== undefined) {
    return add(earlier, gradient);
  }
  const { transA, transB, alpha } = attributes as GemmAttributes;
  return gemm(a, b, { c: earlier, transA: transA === 1, transB: transB === 1, alpha });
}

/** Column sums of a matrix: [r, c] → [c]. */
export function columnSum(x: Tensor): Tensor {
  return reduceSum(x, [0]);
}

/** Each row of a matrix times a vector: [r, c] · [c] → [r, 1]. */
export function rowDot(x: Tensor, vector: Tensor): Tensor {
  return matMul(x, reshape(vector, [elementCount(vector.shape), 1]));
}
