import type { DataType } from '../host/contract.ts';
import {
  isConstant,
  isInput,
  nodesBehind,
  type Attributes,
  type Node,
  type OnnxInput,
  type Shape,
  type Tensor,
} from './expression.ts';
import type { NdArray } from './nd-array.ts';
import { ProtobufWriter } from '../host/protobuf.ts';

/** TensorProto.DataType of the ONNX specification. */
const dataTypes: Readonly<Record<DataType, number>> = { float32: 1, int32: 6, int64: 7, bool: 9 };
/** AttributeProto.AttributeType. */
const attributeTypes = { float: 1, int: 2, string: 3, ints: 7 } as const;
const irVersion = 10;
/** Gelu came with opset 20. */
const opsetVersion = 20;

/** Weights to store in the file instead of asking for them as inputs, by input name. */
export type EmbeddedWeights = ReadonlyMap<string, Float32Array>;

/** A dimension whose size is left open in the file, by input or output name and axis. */
export type FreeDimensions = Readonly<Record<string, Readonly<Record<number, string>>>>;

export interface OnnxOptions {
  readonly embed?: EmbeddedWeights;
  readonly freeDimensions?: FreeDimensions;
}

/**
 * Serializes what the outputs depend on as an ONNX model (IR version 10, opset 20, no other domain).
 * @param outputs by name; an output may be an intermediate value of another
 * @returns the bytes, and the names of the inputs that the outputs really depend on
 */
export function toOnnx(
  name: string,
  outputs: Readonly<Record<string, Tensor>>,
  options: OnnxOptions = {},
): { readonly model: Uint8Array<ArrayBuffer>; readonly inputNames: readonly string[] } {
  const graph = new OnnxGraph(name, outputs, options);
  const model = new ProtobufWriter()
    .integer(1, irVersion)
    .text(2, 'retriever-studio')
    .message(7, graph.message)
    .message(8, new ProtobufWriter().text(1, '').integer(2, opsetVersion))
    .finish();
  return { model, inputNames: graph.inputNames };
}

class OnnxGraph {
  readonly message = new ProtobufWriter();
  readonly inputNames: string[] = [];
  readonly #names = new Map<Tensor, string>();
  readonly #lists = new Map<string, string>();
  readonly #options: OnnxOptions;

  constructor(name: string, outputs: Readonly<Record<string, Tensor>>, options: OnnxOptions) {
    this.#options = options;
    const aliases: (readonly [string, Tensor])[] = [];
    for (const [outputName, tensor] of Object.entries(outputs)) {
      const plain = !isInput(tensor) && !isConstant(tensor) && !this.#names.has(tensor);
      if (plain) this.#names.set(tensor, outputName);
      else aliases.push([outputName, tensor]);
    }
    for (const node of nodesBehind(Object.values(outputs))) this.#node(node);
    for (const [alias, tensor] of aliases) {
      this.message.message(
        1,
        new ProtobufWriter().text(1, this.#nameOf(tensor)).text(2, alias).text(3, alias).text(4, 'Identity'),
      );
    }
    this.message.text(2, name);
    for (const [outputName, tensor] of Object.entries(outputs)) {
      this.message.message(12, this.#valueInfo(outputName, tensor));
    }
  }

  #nameOf(tensor: Tensor): string {
    const known = this.#names.get(tensor);
    if (known !== undefined) return known;
    const name = `${tensor.node.operation.name}_${tensor.node.id}${tensor.index === 0 ? '' : `_${tensor.index}`}`;
    this.#names.set(tensor, name);
    return name;
  }

  #node(node: Node): void {
    const [first] = node.outputs;
    if (first === undefined) return;
    if (isInput(first)) {
      this.#input(first, node.attributes.name as string);
      return;
    }
    if (isConstant(first)) {
      this.#initializer(
        this.#nameOf(first),
        first.shape,
        encode(node.graph.valueOf(first), first.dataType),
        first.dataType,
      );
      return;
    }
    const onnx = node.operation.onnx(node);
    const message = new ProtobufWriter();
    for (const input of onnx.inputs) message.text(1, this.#inputName(input));
    for (const output of node.outputs) message.text(2, this.#nameOf(output));
    message.text(3, `${node.operation.name}_${node.id}`).text(4, onnx.type);
    writeAttributes(message, onnx.attributes ?? {});
    for (const [key, value] of Object.entries(onnx.floats ?? {})) {
      message.message(5, new ProtobufWriter().text(1, key).float(2, value).integer(20, attributeTypes.float));
    }
    this.message.message(1, message);
  }

  #input(tensor: Tensor, name: string): void {
    this.#names.set(tensor, name);
    const weights = this.#options.embed?.get(name);
    if (weights !== undefined) {
      this.#initializer(name, tensor.shape, bytesOf(weights), 'float32');
      return;
    }
    this.inputNames.push(name);
    this.message.message(11, this.#valueInfo(name, tensor));
  }

  #inputName(input: OnnxInput): string {
    if (!('int64' in input)) return this.#nameOf(input);
    const key = input.int64.join(',');
    const known = this.#lists.get(key);
    if (known !== undefined) return known;
    const name = `list_${this.#lists.size}`;
    this.#lists.set(key, name);
    this.#initializer(name, [input.int64.length], bytesOf(BigInt64Array.from(input.int64, BigInt)), 'int64');
    return name;
  }

  #initializer(name: string, shape: Shape, data: Uint8Array, dataType: DataType): void {
    this.message.message(
      5,
      new ProtobufWriter().integers(1, shape).integer(2, dataTypes[dataType]).text(8, name).bytes(9, data),
    );
  }

  #valueInfo(name: string, tensor: Tensor): ProtobufWriter {
    const free = this.#options.freeDimensions?.[name];
    const shape = new ProtobufWriter();
    tensor.shape.forEach((size, axis) => {
      const open = free?.[axis];
      const dimension = new ProtobufWriter();
      shape.message(1, open === undefined ? dimension.integer(1, size) : dimension.text(2, open));
    });
    const type = new ProtobufWriter().integer(1, dataTypes[tensor.dataType]).message(2, shape);
    return new ProtobufWriter().text(1, name).message(2, new ProtobufWriter().message(1, type));
  }
}

function writeAttributes(message: ProtobufWriter, attributes: Attributes): void {
  for (const [key, value] of Object.entries(attributes)) {
    const attribute = new ProtobufWriter().text(1, key);
    if (typeof value === 'number') attribute.integer(3, value).integer(20, attributeTypes.int);
    else if (typeof value === 'string') attribute.text(4, value).integer(20, attributeTypes.string);
    else attribute.integers(8, value).integer(20, attributeTypes.ints);
    message.message(5, attribute);
  }
}

function encode(value: NdArray, dataType: DataType): Uint8Array {
  switch (dataType) {
    case 'float32':
      return bytesOf(Float32Array.from(value.data));
    case 'int32':
      return bytesOf(Int32Array.from(value.data));
    case 'int64':
      return bytesOf(BigInt64Array.from(value.data, BigInt));
    case 'bool':
      return Uint8Array.from(value.data);
  }
}

/** Little-endian bytes, as raw_data wants them; every platform the studio runs on is little-endian. */
function bytesOf(array: Float32Array | Int32Array | BigInt64Array): Uint8Array {
  return new Uint8Array(array.buffer, array.byteOffset, array.byteLength);
}
