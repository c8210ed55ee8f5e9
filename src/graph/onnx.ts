import type { DataType } from '../core/tensor-size.ts';
import {
  isConstant,
  isInput,
  isStatic,
  nodesBehind,
  type Dimensions,
  type Node,
  type OnnxAttributes,
  type OnnxInput,
  type Shape,
  type Tensor,
} from './expression.ts';
import type { NdArray } from './nd-array.ts';
import { ProtobufWriter } from '../formats/protobuf.ts';

/** TensorProto.DataType of the ONNX specification. */
const dataTypes: Readonly<Record<DataType, number>> = { float32: 1, int32: 6, int64: 7, bool: 9 };
/** AttributeProto.AttributeType. */
const attributeTypes = { float: 1, int: 2, string: 3, ints: 7 } as const;
const irVersion = 10;
/** Gelu came with opset 20. */
const opsetVersion = 20;

/** Weights to store in the file instead of asking for them as inputs, by input name. */
export type EmbeddedWeights = ReadonlyMap<string, Float32Array>;

/**
 * Serializes what the outputs depend on as an ONNX model (IR version 10, opset 20, no other domain).
 * @param outputs by name; an output may be an intermediate value of another
 * @returns the bytes, and the names of the inputs that the outputs really depend on
 */
export function toOnnx(
  name: string,
  outputs: Readonly<Record<string, Tensor>>,
  embed: EmbeddedWeights = new Map(),
): { readonly model: Uint8Array<ArrayBuffer>; readonly inputNames: readonly string[] } {
  const graph = new OnnxGraph(name, outputs, embed);
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
  /** Where the size of a named dimension is read when the model runs: an axis of an input. */
  readonly #sizes = new Map<string, { readonly input: string; readonly axis: number }>();
  readonly #embed: EmbeddedWeights;

  constructor(name: string, outputs: Readonly<Record<string, Tensor>>, embed: EmbeddedWeights) {
    this.#embed = embed;
    const aliases: (readonly [string, Tensor])[] = [];
    for (const [outputName, tensor] of Object.entries(outputs)) {
      const plain = !isInput(tensor) && !isConstant(tensor) && !this.#names.has(tensor);
      if (plain) this.#names.set(tensor, outputName);
      else aliases.push([outputName, tensor]);
    }
    const nodes = nodesBehind(Object.values(outputs));
    for (const input of nodes.flatMap((node) => node.outputs).filter(isInput)) {
      input.dims.forEach((size, axis) => {
        if (typeof size === 'string') this.#sizes.set(size, { input: inputNameOf(input), axis });
      });
    }
    for (const node of nodes) this.#node(node);
    for (const [alias, tensor] of aliases) this.#helper('Identity', [this.#nameOf(tensor)], alias);
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
      this.#input(first, inputNameOf(first));
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
    const weights = this.#embed.get(name);
    if (weights !== undefined) {
      this.#initializer(name, tensor.shape, bytesOf(weights), 'float32');
      return;
    }
    this.inputNames.push(name);
    this.message.message(11, this.#valueInfo(name, tensor));
  }

  #inputName(input: OnnxInput): string {
    return 'int64' in input ? this.#list(input.int64) : this.#nameOf(input);
  }

  /** The name of an int64 list: stored, or where it has open sizes, put together when the model runs. */
  #list(values: Dimensions): string {
    const key = values.join(',');
    const known = this.#lists.get(key);
    if (known !== undefined) return known;
    const open = !isStatic(values);
    const parts = open && values.length > 1 ? values.map((value) => this.#list([value])) : [];
    const name = `list_${this.#lists.size}`;
    this.#lists.set(key, name);
    if (!open) {
      this.#initializer(name, [values.length], bytesOf(BigInt64Array.from(values, BigInt)), 'int64');
    } else if (parts.length > 0) {
      this.#helper('Concat', parts, name, { axis: 0 });
    } else {
      const size = this.#sizes.get(key);
      if (size === undefined) throw new Error(`no input has an axis of the size ${key}`);
      this.#helper('Shape', [size.input], name, { start: size.axis, end: size.axis + 1 });
    }
    return name;
  }

  /** A node without a counterpart in the expression. */
  #helper(type: string, inputs: readonly string[], output: string, attributes: OnnxAttributes = {}): void {
    const message = new ProtobufWriter();
    for (const input of inputs) message.text(1, input);
    message.text(2, output).text(3, output).text(4, type);
    writeAttributes(message, attributes);
    this.message.message(1, message);
  }

  #initializer(name: string, shape: Shape, data: Uint8Array, dataType: DataType): void {
    this.message.message(
      5,
      new ProtobufWriter().integers(1, shape).integer(2, dataTypes[dataType]).text(8, name).bytes(9, data),
    );
  }

  #valueInfo(name: string, tensor: Tensor): ProtobufWriter {
    const shape = new ProtobufWriter();
    for (const size of tensor.dims) {
      const dimension = new ProtobufWriter();
      shape.message(1, typeof size === 'number' ? dimension.integer(1, size) : dimension.text(2, size));
    }
    const type = new ProtobufWriter().integer(1, dataTypes[tensor.dataType]).message(2, shape);
    return new ProtobufWriter().text(1, name).message(2, new ProtobufWriter().message(1, type));
  }
}

function inputNameOf(input: Tensor): string {
  return input.node.attributes.name as string;
}

function writeAttributes(message: ProtobufWriter, attributes: OnnxAttributes): void {
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

/** Little-endian bytes, as raw_data requires them; every platform the studio runs on is little-endian. */
function bytesOf(array: Float32Array | Int32Array | BigInt64Array): Uint8Array {
  return new Uint8Array(array.buffer, array.byteOffset, array.byteLength);
}
