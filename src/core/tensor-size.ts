export type DataType = 'float32' | 'int32' | 'int64' | 'bool';

const bytesPerElement: Readonly<Record<DataType, number>> = { float32: 4, int32: 4, int64: 8, bool: 1 };

/** How many elements an array of these sizes has. */
export function elementCount(shape: readonly number[]): number {
  return shape.reduce((product, size) => product * size, 1);
}

export function tensorBytes(tensor: {
  readonly shape: readonly number[];
  readonly dataType: DataType;
}): number {
  return elementCount(tensor.shape) * bytesPerElement[tensor.dataType];
}
