/** Tables of texts and whole numbers as tensors of a safetensors file that the studio writes and reads itself. */
import { toFloat32, type StoredTensor } from './safetensors.ts';

type Tensors = ReadonlyMap<string, StoredTensor>;

/** Something that JSON holds, as text. */
export function jsonTensor(value: unknown): StoredTensor {
  const data = new TextEncoder().encode(JSON.stringify(value));
  return { dtype: 'U8', dims: [data.length], data };
}

export function integerTensor(values: Uint32Array<ArrayBuffer>): StoredTensor {
  const { buffer, byteOffset, byteLength } = values;
  return { dtype: 'U32', dims: [values.length], data: new Uint8Array(buffer, byteOffset, byteLength) };
}

/** What {@link jsonTensor} made. @param file named in errors */
export function jsonOf(tensors: Tensors, name: string, file: string): unknown {
  return JSON.parse(new TextDecoder().decode(tensorOf(tensors, name, file).data));
}

export function integersOf(tensors: Tensors, name: string, file: string): Uint32Array<ArrayBuffer> {
  // A copy, which is aligned wherever the bytes lay.
  return new Uint32Array(tensorOf(tensors, name, file).data.slice().buffer);
}

export function floatsOf(tensors: Tensors, name: string, file: string): Float32Array<ArrayBuffer> {
  return toFloat32(tensorOf(tensors, name, file), name, file);
}

function tensorOf(tensors: Tensors, name: string, file: string): StoredTensor {
  const tensor = tensors.get(name);
  if (tensor === undefined) throw new Error(`${file} lacks ${name}`);
  return tensor;
}
