import { elementCount } from '../../core/tensor-size.ts';
import type { DataType } from '../../core/tensor-size.ts';
import type { DeviceTensor, TensorData } from '../contract.ts';

const emptyArrays: Readonly<Record<DataType, (size: number) => TensorData>> = {
  float32: (size) => new Float32Array(size),
  int32: (size) => new Int32Array(size),
  int64: (size) => new BigInt64Array(size),
  bool: (size) => new Uint8Array(size),
};

/** A tensor in JavaScript memory, which is the garbage collector's. */
export class HostTensor implements DeviceTensor {
  readonly dataType: DataType;
  readonly dims: readonly number[];
  readonly data: TensorData;

  constructor(dataType: DataType, dims: readonly number[], data?: TensorData) {
    this.dataType = dataType;
    this.dims = dims;
    this.data = data ?? emptyArrays[dataType](elementCount(dims));
  }

  dispose(): void {
    // Nothing is held that would not go by itself.
  }
}
