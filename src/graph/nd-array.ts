/** The size of an axis; or the name of one that is left open, such as `batch` or `batch*length`. */
import { elementCount } from '../core/tensor-size.ts';

export type Dimension = number | string;
export type Dimensions = readonly Dimension[];

/** Sizes of the axes, outermost first. */
export type Shape = readonly number[];

/** A dense array in float64, row-major: the values of the reference evaluation. */
export interface NdArray {
  readonly shape: Shape;
  readonly data: Float64Array;
}

export function stridesOf(shape: Shape): number[] {
  const strides = new Array<number>(shape.length).fill(1);
  for (let axis = shape.length - 2; axis >= 0; axis--) {
    strides[axis] = (strides[axis + 1] as number) * (shape[axis + 1] as number);
  }
  return strides;
}

/** The shape two arrays broadcast to (NumPy's rule), or undefined if they do not. */
export function broadcastShape(a: Dimensions, b: Dimensions): Dimensions | undefined {
  const rank = Math.max(a.length, b.length);
  const result: Dimension[] = [];
  for (let i = 0; i < rank; i++) {
    const left = a[a.length - rank + i] ?? 1;
    const right = b[b.length - rank + i] ?? 1;
    if (left !== right && left !== 1 && right !== 1) return undefined;
    result.push(left === 1 ? right : left);
  }
  return result;
}

/** For each element of `shape`, in order, calls `visit` with the flat index into an array broadcast to it. */
export function forEachBroadcast(
  shape: Shape,
  sources: readonly Shape[],
  visit: (flat: number, sourceIndices: readonly number[]) => void,
): void {
  const steps = sources.map((source) => {
    const strides = stridesOf(source);
    return shape.map((_, axis) => {
      const own = axis - (shape.length - source.length);
      return own < 0 || source[own] === 1 ? 0 : (strides[own] as number);
    });
  });
  const position = new Array<number>(shape.length).fill(0);
  const indices = sources.map(() => 0);
  const total = elementCount(shape);
  for (let flat = 0; flat < total; flat++) {
    visit(flat, indices);
    for (let axis = shape.length - 1; axis >= 0; axis--) {
      const size = shape[axis] as number;
      const at = (position[axis] as number) + 1;
      if (at < size) {
        position[axis] = at;
        for (let s = 0; s < indices.length; s++) {
          indices[s] = (indices[s] as number) + ((steps[s] as number[])[axis] as number);
        }
        break;
      }
      position[axis] = 0;
      for (let s = 0; s < indices.length; s++) {
        indices[s] = (indices[s] as number) - ((steps[s] as number[])[axis] as number) * (size - 1);
      }
    }
  }
}
