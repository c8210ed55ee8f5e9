import {
  elementCount,
  only,
  sameShape,
  showShape,
  type Operation,
  type Shape,
  type Tensor,
} from '../expression.ts';
import type { NdArray } from '../nd-array.ts';
import { reshape } from './broadcasting.ts';
import { equal, toFloat } from './elementwise.ts';
import { matMul } from './linear.ts';

const gatherOperation: Operation = {
  name: 'Gather',
  infer: ([table, ids]) => {
    const { shape } = table as Tensor;
    const list = (ids as Tensor).dims;
    const [rows] = list;
    if (shape.length !== 2 || list.length !== 1 || rows === undefined) {
      throw new Error(
        `Gather: takes a matrix and a list of rows, not ${showShape(shape)} and ${showShape(list)}`,
      );
    }
    return [{ dims: [rows, shape[1] as number], dataType: 'float32' }];
  },
  evaluate: ([table, ids], _, [type]) => {
    if (table === undefined || ids === undefined || type === undefined) throw new Error('Gather takes two');
    const width = table.shape[1] as number;
    const data = new Float64Array(elementCount(type.shape));
    ids.data.forEach((id, row) => data.set(table.data.subarray(id * width, (id + 1) * width), row * width));
    return [{ shape: type.shape, data }];
  },
  onnx: (node) => ({ type: 'Gather', inputs: node.inputs, attributes: { axis: 0 } }),
};

/**
 * Rows of a table [v, h] by int32 ids [n] → [n, h].
 *
 * It has no gradient of its own: a scatter with addition is a race on several threads and never the same twice
 * on WebGPU. {@link embeddingGradient} gives the table's gradient, from what the host knows of the ids.
 */
export function gather(table: Tensor, ids: Tensor): Tensor {
  return only(table.node.graph.apply(gatherOperation, [table, ids]));
}

/**
 * The gradient rows of the distinct ids in a batch of tokens, in an order of additions that is fixed on every
 * runtime: a one-hot matrix times the gradient. Work and memory grow with tokens times ids.
 * @param upstream ∂L/∂(gathered rows), [..., tokens, h]
 * @param slots int32 [..., tokens]: which of the distinct ids each token is; -1 for none
 * @param slotIds int32 [slots]: 0, 1, 2 …
 * @returns [..., slots, h]
 */
export function embeddingGradient(upstream: Tensor, slots: Tensor, slotIds: Tensor): Tensor {
  const tokens = slots.shape.at(-1) as number;
  const rows = elementCount(slotIds.shape);
  const each = reshape(slots, [...slots.shape.slice(0, -1), 1, tokens]);
  return matMul(toFloat(equal(reshape(slotIds, [rows, 1]), each)), upstream);
}

const scatterRowsOperation: Operation = {
  name: 'ScatterND',
  infer: ([table, ids, rows]) => {
    const [whole, list, part] = [table, ids, rows].map((tensor) => (tensor as Tensor).shape) as [
      Shape,
      Shape,
      Shape,
    ];
    if (!sameShape(list, [part[0] as number, 1]) || part.length !== 2 || part[1] !== whole[1]) {
      throw new Error(
        `ScatterND: ${showShape(list)} and ${showShape(part)} are not rows of ${showShape(whole)}`,
      );
    }
    return [{ dims: whole, dataType: 'float32' }];
  },
  evaluate: ([table, ids, rows]) => {
    const width = (table as NdArray).shape[1] as number;
    const data = (table as NdArray).data.slice();
    (ids as NdArray).data.forEach((id, row) =>
      data.set((rows as NdArray).data.subarray(row * width, (row + 1) * width), id * width),
    );
    return [{ shape: (table as NdArray).shape, data }];
  },
  onnx: (node) => ({ type: 'ScatterND', inputs: node.inputs }),
};

/**
 * The table [v, h] with some rows replaced: distinct int64 ids [n, 1], rows [n, h]. Without duplicates there is
 * no order to depend on.
 */
export function scatterRows(table: Tensor, ids: Tensor, rows: Tensor): Tensor {
  return only(table.node.graph.apply(scatterRowsOperation, [table, ids, rows]));
}
