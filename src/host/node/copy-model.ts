import { elementCount } from '../../core/tensor-size.ts';
import type { DataType } from '../../core/tensor-size.ts';
import { ProtobufWriter } from '../../formats/protobuf.ts';

/** TensorProto.DataType of the ONNX specification. */
const dataTypes: Readonly<Record<DataType, number>> = { float32: 1, int32: 6, int64: 7, bool: 9 };

/** An ONNX model of one node, y = Identity(x): run on a GPU, it leaves a copy of host data there. */
export function copyModel(dataType: DataType, dims: readonly number[]): Uint8Array<ArrayBuffer> {
  const graph = new ProtobufWriter()
    .message(1, new ProtobufWriter().text(1, 'x').text(2, 'y').text(4, 'Identity'))
    .text(2, 'copy')
    .message(11, valueInfo('x', dataType, dims))
    .message(12, valueInfo('y', dataType, dims));
  return model(graph);
}

/** An ONNX model that puts its inputs `x0`, `x1` … behind one another, as one vector `y`. */
export function joinModel(
  dataType: DataType,
  shapes: readonly (readonly number[])[],
): Uint8Array<ArrayBuffer> {
  const graph = new ProtobufWriter();
  const concat = new ProtobufWriter();
  shapes.forEach((_, i) => {
    const reshape = new ProtobufWriter().text(1, `x${i}`).text(1, 'flat').text(2, `flat.${i}`);
    graph.message(1, reshape.text(4, 'Reshape'));
    concat.text(1, `flat.${i}`);
  });
  const axis = new ProtobufWriter().text(1, 'axis').integer(3, 0).integer(20, 2);
  graph.message(1, concat.text(2, 'y').text(4, 'Concat').message(5, axis)).text(2, 'join');
  // The shape [-1], one int64.
  const minusOne = new Uint8Array(8).fill(255);
  const flat = new ProtobufWriter().integer(1, 1).integer(2, 7).text(8, 'flat').bytes(9, minusOne);
  graph.message(5, flat);
  shapes.forEach((dims, i) => graph.message(11, valueInfo(`x${i}`, dataType, dims)));
  const total = shapes.reduce((sum, dims) => sum + elementCount(dims), 0);
  return model(graph.message(12, valueInfo('y', dataType, [total])));
}

function valueInfo(name: string, dataType: DataType, dims: readonly number[]): ProtobufWriter {
  const shape = new ProtobufWriter();
  for (const dim of dims) shape.message(1, new ProtobufWriter().integer(1, dim));
  const type = new ProtobufWriter().integer(1, dataTypes[dataType]).message(2, shape);
  return new ProtobufWriter().text(1, name).message(2, new ProtobufWriter().message(1, type));
}

function model(graph: ProtobufWriter): Uint8Array<ArrayBuffer> {
  return new ProtobufWriter()
    .integer(1, 10)
    .message(7, graph)
    .message(8, new ProtobufWriter().text(1, '').integer(2, 20))
    .finish();
}
