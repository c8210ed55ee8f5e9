import type { DataType } from '../contract.ts';
import { ProtobufWriter } from '../protobuf.ts';

/** TensorProto.DataType of the ONNX specification. */
const dataTypes: Readonly<Record<DataType, number>> = { float32: 1, int32: 6, int64: 7, bool: 9 };

/** An ONNX model of one node, y = Identity(x): run on a GPU, it leaves a copy of host data there. */
export function copyModel(dataType: DataType, dims: readonly number[]): Uint8Array<ArrayBuffer> {
  const shape = new ProtobufWriter();
  for (const dim of dims) shape.message(1, new ProtobufWriter().integer(1, dim));
  const type = new ProtobufWriter().integer(1, dataTypes[dataType]).message(2, shape);
  const value = (name: string): ProtobufWriter =>
    new ProtobufWriter().text(1, name).message(2, new ProtobufWriter().message(1, type));
  const graph = new ProtobufWriter()
    .message(1, new ProtobufWriter().text(1, 'x').text(2, 'y').text(4, 'Identity'))
    .text(2, 'copy')
    .message(11, value('x'))
    .message(12, value('y'));
  return new ProtobufWriter()
    .integer(1, 10)
    .message(7, graph)
    .message(8, new ProtobufWriter().text(1, '').integer(2, 20))
    .finish();
}
