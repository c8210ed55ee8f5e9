import { ProtobufWriter } from '../../../src/formats/protobuf.ts';

/** TensorProto.DataType of the ONNX specification. */
const types = { float32: 1, float16: 10 } as const;
export type ProductType = keyof typeof types;

/**
 * An ONNX model of `count` products a·b·b·…, [size, size] each, in one type, and of one with a vector: only that comes
 * back, for a read of a whole product would take longer than the product. Input `a`, `b` [size, size] and `v`
 * [size, 1] and output `y` [size, 1] are float32.
 */
export function productChain(type: ProductType, size: number, count: number): Uint8Array<ArrayBuffer> {
  const graph = new ProtobufWriter();
  const node = (op: string, inputs: readonly string[], output: string, to?: number): void => {
    const message = new ProtobufWriter();
    for (const input of inputs) message.text(1, input);
    message.text(2, output).text(3, output).text(4, op);
    if (to !== undefined) {
      message.message(5, new ProtobufWriter().text(1, 'to').integer(3, to).integer(20, 2));
    }
    graph.message(1, message);
  };
  const converted = (name: string): string => {
    if (type === 'float32') return name;
    node('Cast', [name], `${name}.converted`, types[type]);
    return `${name}.converted`;
  };
  const [b, v] = [converted('b'), converted('v')] as const;
  let last = converted('a');
  for (let i = 0; i < count; i++) {
    node('MatMul', [last, b], `product.${i}`);
    last = `product.${i}`;
  }
  if (type === 'float32') node('MatMul', [last, v], 'y');
  else {
    node('MatMul', [last, v], 'y.converted');
    node('Cast', ['y.converted'], 'y', types.float32);
  }
  graph.text(2, 'products');
  const value = (name: string, dims: readonly number[]): ProtobufWriter => {
    const shape = new ProtobufWriter();
    for (const dim of dims) shape.message(1, new ProtobufWriter().integer(1, dim));
    const tensor = new ProtobufWriter().integer(1, types.float32).message(2, shape);
    return new ProtobufWriter().text(1, name).message(2, new ProtobufWriter().message(1, tensor));
  };
  for (const name of ['a', 'b']) graph.message(11, value(name, [size, size]));
  graph.message(11, value('v', [size, 1])).message(12, value('y', [size, 1]));
  return new ProtobufWriter()
    .integer(1, 10)
    .message(7, graph)
    .message(8, new ProtobufWriter().text(1, '').integer(2, 20))
    .finish();
}
