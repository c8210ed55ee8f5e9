/** A checkpoint of a table keeps the rows that have changed, as two tensors: which they are, and what they are now. */
import type { Weights, WeightTensor } from '../encoders/types.ts';

export function rowNames(table: string): { readonly ids: string; readonly rows: string } {
  return { ids: `${table}.changed_ids`, rows: `${table}.changed_rows` };
}

/** The encoder's weights with the rows of a checkpoint; those that it keeps whole replace them. */
export function withChangedRows(base: Weights, stored: Weights): Weights {
  return new Map(
    [...base].map(([name, tensor]): [string, WeightTensor] => {
      const { ids, rows } = rowNames(name);
      const [changed, values] = [stored.get(ids), stored.get(rows)];
      if (changed === undefined || values === undefined) return [name, stored.get(name) ?? tensor];
      const data = tensor.data.slice();
      scatterRows(data, changed.data, values.data);
      return [name, { dims: tensor.dims, data }];
    }),
  );
}

/** Writes rows to where they belong. @param ids whole numbers, which float32 holds up to 2^24 */
export function scatterRows(table: Float32Array, ids: Float32Array, rows: Float32Array): void {
  const width = rows.length / Math.max(1, ids.length);
  ids.forEach((id, i) => table.set(rows.subarray(i * width, (i + 1) * width), id * width));
}

export function gatherRows(table: Float32Array, ids: Float32Array, width: number): Float32Array<ArrayBuffer> {
  const rows = new Float32Array(ids.length * width);
  ids.forEach((id, i) => rows.set(table.subarray(id * width, (id + 1) * width), i * width));
  return rows;
}
