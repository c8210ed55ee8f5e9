/**
 * Reads and writes safetensors: an 8-byte little-endian header length, a JSON header, then the tensors' bytes.
 * https://github.com/huggingface/safetensors#format
 *
 * The header is parsed by hand rather than by JSON.parse: its grammar is tiny, and a parser that knows it refuses
 * repeated names, numbers beyond 2^53 and nested junk at their byte offset, and allocates only the entries that it
 * accepts.
 */
import { quoted } from '../core/shown.ts';
import { InputError } from '../core/errors.ts';
import { isJsonObject, ownField, parseJsonFile } from './json-file.ts';

/** Bytes per element. The sub-byte types of recent files (F4, F6) have no place in an encoder. */
const BYTES_PER_ELEMENT = {
  BOOL: 1,
  U8: 1,
  I8: 1,
  F8_E5M2: 1,
  F8_E4M3: 1,
  F8_E8M0: 1,
  I16: 2,
  U16: 2,
  F16: 2,
  BF16: 2,
  I32: 4,
  U32: 4,
  F32: 4,
  C64: 8,
  I64: 8,
  U64: 8,
  F64: 8,
} as const;

export type SafetensorsType = keyof typeof BYTES_PER_ELEMENT;

/** A tensor as stored in a file, row-major and little-endian. */
export interface StoredTensor {
  readonly dtype: SafetensorsType;
  readonly dims: readonly number[];
  readonly data: Uint8Array<ArrayBuffer>;
}

export interface SafetensorsContent {
  readonly tensors: ReadonlyMap<string, StoredTensor>;
  readonly metadata: ReadonlyMap<string, string>;
}

/** Rules of the safetensors format; each violation has its own name. */
export type SafetensorsRule =
  | 'header too small'
  | 'header too large'
  | 'header truncated'
  | 'header start'
  | 'header not UTF-8'
  | 'header not JSON'
  | 'duplicate name'
  | 'duplicate field'
  | 'unknown field'
  | 'missing field'
  | 'unknown dtype'
  | 'too many tensors'
  | 'too many dimensions'
  | 'overflow'
  | 'bad offsets'
  | 'size mismatch'
  | 'overlap'
  | 'hole'
  | 'data truncated'
  | 'trailing data';

export class SafetensorsError extends InputError {
  override readonly name = 'SafetensorsError';
  readonly rule: SafetensorsRule;

  constructor(rule: SafetensorsRule, problem: string, file: string) {
    super(problem, {
      file,
      remedy:
        'Re-run after downloading or exporting the file again; if it still fails, the program that wrote it violates the format',
    });
    this.rule = rule;
  }
}

/** The format's own limit. */
const MAX_HEADER_BYTES = 100_000_000;
/** Far above any model's; keeps what a hostile header can make us allocate near the header's own size. */
const MAX_TENSORS = 200_000;
const MAX_DIMENSIONS = 32;

interface HeaderEntry {
  readonly dtype: SafetensorsType;
  readonly dims: readonly number[];
  readonly begin: number;
  readonly end: number;
}

/**
 * Reads a whole file. The tensors are views of `bytes`, not copies.
 * @param file Named in errors.
 * @throws SafetensorsError naming the rule that the file breaks.
 */
export function readSafetensors(bytes: Uint8Array<ArrayBuffer>, file: string): SafetensorsContent {
  if (bytes.length < 8) {
    throw new SafetensorsError(
      'header too small',
      `only ${bytes.length} bytes, too few for a safetensors header`,
      file,
    );
  }
  const length = new DataView(bytes.buffer, bytes.byteOffset, 8).getBigUint64(0, true);
  if (length < 2n) {
    throw new SafetensorsError('header too small', `the header claims ${String(length)} bytes`, file);
  }
  if (length > BigInt(MAX_HEADER_BYTES)) {
    throw new SafetensorsError(
      'header too large',
      `the header claims ${String(length)} bytes, above the format's limit of ${MAX_HEADER_BYTES}`,
      file,
    );
  }
  const dataStart = 8 + Number(length);
  if (dataStart > bytes.length) {
    throw new SafetensorsError(
      'header truncated',
      `the header claims ${String(length)} bytes, but only ${bytes.length - 8} follow`,
      file,
    );
  }
  const { entries, metadata } = new HeaderParser(bytes.subarray(8, dataStart), file).parse();
  checkLayout(entries, bytes.length - dataStart, file);
  const tensors = new Map<string, StoredTensor>();
  for (const [name, entry] of entries) {
    tensors.set(name, {
      dtype: entry.dtype,
      dims: entry.dims,
      data: bytes.subarray(dataStart + entry.begin, dataStart + entry.end),
    });
  }
  return { tensors, metadata };
}

/** The tensors must tile the data: no overlap, no hole, nothing missing, nothing left over. */
function checkLayout(entries: ReadonlyMap<string, HeaderEntry>, dataBytes: number, file: string): void {
  const inOrder = [...entries].sort(([, a], [, b]) => a.begin - b.begin || a.end - b.end);
  let position = 0;
  for (const [name, entry] of inOrder) {
    const tensor = `tensor ${quoted(name)}`;
    if (entry.begin < position) {
      throw new SafetensorsError('overlap', `${tensor} overlaps the tensor before it`, file);
    }
    if (entry.begin > position) {
      throw new SafetensorsError('hole', `${entry.begin - position} unused bytes before ${tensor}`, file);
    }
    if (entry.end > dataBytes) {
      throw new SafetensorsError(
        'data truncated',
        `${tensor} ends at byte ${entry.end} of the data, but the file contains ${dataBytes}`,
        file,
      );
    }
    position = entry.end;
  }
  if (position !== dataBytes) {
    throw new SafetensorsError(
      'trailing data',
      `${dataBytes - position} bytes after the last tensor belong to no tensor`,
      file,
    );
  }
}

const QUOTE = 0x22;
const COMMA = 0x2c;
const COLON = 0x3a;
const OPEN_BRACKET = 0x5b;
const BACKSLASH = 0x5c;
const CLOSE_BRACKET = 0x5d;
const OPEN_BRACE = 0x7b;
const CLOSE_BRACE = 0x7d;

/** One pass over the header's bytes, no recursion. */
class HeaderParser {
  readonly #bytes: Uint8Array<ArrayBuffer>;
  readonly #file: string;
  readonly #decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
  #position = 0;

  constructor(bytes: Uint8Array<ArrayBuffer>, file: string) {
    this.#bytes = bytes;
    this.#file = file;
  }

  parse(): { entries: Map<string, HeaderEntry>; metadata: Map<string, string> } {
    if (this.#bytes[0] !== OPEN_BRACE) {
      throw this.#error('header start', 'the header does not start with "{"');
    }
    const entries = new Map<string, HeaderEntry>();
    let metadata: Map<string, string> | undefined;
    this.#object((key) => {
      if (key === '__metadata__') {
        if (metadata) throw this.#error('duplicate name', 'the header has two "__metadata__" entries');
        metadata = this.#metadata();
        return;
      }
      if (entries.has(key)) {
        throw this.#error('duplicate name', `tensor ${quoted(key)} is listed twice`);
      }
      if (entries.size === MAX_TENSORS) {
        throw this.#error('too many tensors', `the header lists more than ${MAX_TENSORS} tensors`);
      }
      entries.set(key, this.#entry(key));
    });
    if (this.#peek() !== undefined) throw this.#notJson();
    return { entries, metadata: metadata ?? new Map<string, string>() };
  }

  #metadata(): Map<string, string> {
    const metadata = new Map<string, string>();
    this.#object((key) => {
      if (metadata.has(key)) {
        throw this.#error('duplicate field', `metadata ${quoted(key)} is given twice`);
      }
      metadata.set(key, this.#string());
    });
    return metadata;
  }

  #entry(name: string): HeaderEntry {
    const tensor = `tensor ${quoted(name)}`;
    let dtype: string | undefined;
    let dims: number[] | undefined;
    let offsets: number[] | undefined;
    this.#object((key) => {
      if (key === 'dtype' && dtype === undefined) dtype = this.#string();
      else if (key === 'shape' && dims === undefined) dims = this.#integers(tensor);
      else if (key === 'data_offsets' && offsets === undefined) offsets = this.#integers(tensor);
      else if (key === 'dtype' || key === 'shape' || key === 'data_offsets') {
        throw this.#error('duplicate field', `${tensor} gives ${key} twice`);
      } else {
        throw this.#error('unknown field', `${tensor} has the unknown field ${quoted(key)}`);
      }
    });
    if (dtype === undefined || dims === undefined || offsets === undefined) {
      throw this.#error('missing field', `${tensor} lacks dtype, shape or data_offsets`);
    }
    if (!isSafetensorsType(dtype)) {
      throw this.#error('unknown dtype', `${tensor} has the unknown type ${quoted(dtype)}`);
    }
    const [begin, end] = offsets;
    if (begin === undefined || end === undefined || offsets.length !== 2 || begin > end) {
      throw this.#error('bad offsets', `${tensor} has data_offsets [${offsets.join(', ')}]`);
    }
    const size = byteSize(dtype, dims);
    if (size === undefined) {
      throw this.#error(
        'overflow',
        `${tensor} of shape [${dims.join(', ')}] has more bytes than can be counted`,
      );
    }
    if (size !== end - begin) {
      throw this.#error(
        'size mismatch',
        `${tensor} is ${dtype} of shape [${dims.join(', ')}], ${size} bytes, but its offsets span ${end - begin}`,
      );
    }
    return { dtype, dims, begin, end };
  }

  /** `{"key": value, …}`; `value` must consume the value. */
  #object(value: (key: string) => void): void {
    this.#expect(OPEN_BRACE);
    if (this.#peek() === CLOSE_BRACE) {
      this.#position++;
      return;
    }
    for (;;) {
      const key = this.#string();
      this.#expect(COLON);
      value(key);
      if (this.#peek() !== COMMA) break;
      this.#position++;
    }
    this.#expect(CLOSE_BRACE);
  }

  #integers(tensor: string): number[] {
    const values: number[] = [];
    this.#expect(OPEN_BRACKET);
    if (this.#peek() === CLOSE_BRACKET) {
      this.#position++;
      return values;
    }
    for (;;) {
      if (values.length === MAX_DIMENSIONS) {
        throw this.#error('too many dimensions', `${tensor} has more than ${MAX_DIMENSIONS} dimensions`);
      }
      values.push(this.#integer(tensor));
      if (this.#peek() !== COMMA) break;
      this.#position++;
    }
    this.#expect(CLOSE_BRACKET);
    return values;
  }

  #integer(tensor: string): number {
    this.#peek();
    const start = this.#position;
    let value = 0;
    for (;;) {
      const digit = (this.#bytes[this.#position] ?? 0) - 0x30;
      if (digit < 0 || digit > 9) break;
      value = value * 10 + digit;
      if (value > Number.MAX_SAFE_INTEGER) {
        throw this.#error('overflow', `${tensor} has a number beyond ${Number.MAX_SAFE_INTEGER}`);
      }
      this.#position++;
    }
    const digits = this.#position - start;
    if (digits === 0 || (digits > 1 && this.#bytes[start] === 0x30)) throw this.#notJson();
    return value;
  }

  #string(): string {
    this.#expect(QUOTE);
    const start = this.#position;
    let escaped = false;
    let byte = this.#bytes[this.#position];
    while (byte !== QUOTE) {
      if (byte === undefined || byte < 0x20) throw this.#notJson();
      if (byte === BACKSLASH) {
        escaped = true;
        this.#position++;
      }
      byte = this.#bytes[++this.#position];
    }
    const raw = this.#bytes.subarray(start, this.#position++);
    let text: string;
    try {
      text = this.#decoder.decode(raw);
    } catch {
      throw this.#error('header not UTF-8', `the header is not UTF-8 text at byte ${start}`);
    }
    if (!escaped) return text;
    try {
      return JSON.parse(`"${text}"`) as string;
    } catch {
      throw this.#notJson();
    }
  }

  /** The next byte that is not white space, undefined at the end. */
  #peek(): number | undefined {
    for (;;) {
      const byte = this.#bytes[this.#position];
      if (byte !== 0x20 && byte !== 0x0a && byte !== 0x0d && byte !== 0x09) return byte;
      this.#position++;
    }
  }

  #expect(byte: number): void {
    if (this.#peek() !== byte) throw this.#notJson();
    this.#position++;
  }

  #notJson(): SafetensorsError {
    return this.#error(
      'header not JSON',
      `the header is not the JSON of a safetensors file at byte ${this.#position}`,
    );
  }

  #error(rule: SafetensorsRule, problem: string): SafetensorsError {
    return new SafetensorsError(rule, problem, this.#file);
  }
}

function isSafetensorsType(name: string): name is SafetensorsType {
  return Object.hasOwn(BYTES_PER_ELEMENT, name);
}

/** Undefined where the count leaves the integers that a number can hold. */
function byteSize(dtype: SafetensorsType, dims: readonly number[]): number | undefined {
  let bytes: number = BYTES_PER_ELEMENT[dtype];
  for (const dim of dims) {
    bytes *= dim;
    if (bytes > Number.MAX_SAFE_INTEGER) return undefined;
  }
  return bytes;
}

/**
 * A tensor's values as fp32, always a copy. F64 is rounded; F16 and BF16 are exact.
 * @param name Named in errors, with `file`.
 * @throws InputError for types that hold no weights.
 */
export function toFloat32(tensor: StoredTensor, name: string, file: string): Float32Array<ArrayBuffer> {
  // The copy is aligned, which the view of the file need not be.
  const { buffer } = tensor.data.slice();
  switch (tensor.dtype) {
    case 'F32':
      return new Float32Array(buffer);
    case 'F64':
      return Float32Array.from(new Float64Array(buffer));
    case 'F16':
      return float16ToFloat32(new Uint16Array(buffer));
    case 'BF16': {
      const halves = new Uint16Array(buffer);
      const bits = new Uint32Array(halves.length);
      for (let i = 0; i < halves.length; i++) bits[i] = (halves[i] as number) << 16;
      return new Float32Array(bits.buffer);
    }
    case 'F8_E4M3':
      return Float32Array.from(new Uint8Array(buffer), (byte) => float8Values[byte] as number);
    default:
      throw new InputError(
        `tensor ${quoted(name)} has type ${tensor.dtype}, which cannot be used for weights`,
        {
          file,
          remedy:
            'Use a checkpoint in F32, F16, BF16 or F8_E4M3 (weights quantized to integers cannot be trained)',
        },
      );
  }
}

/** {@link toFloat32} that also reads integers and keeps float64. @throws InputError naming the tensor */
export function numbersOf(
  tensor: StoredTensor,
  name: string,
  file: string,
): Float32Array<ArrayBuffer> | Float64Array<ArrayBuffer> {
  const { buffer } = tensor.data.slice();
  switch (tensor.dtype) {
    case 'I8':
      return Float32Array.from(new Int8Array(buffer));
    case 'I32':
      return Float64Array.from(new Int32Array(buffer));
    case 'I64':
      return Float64Array.from(new BigInt64Array(buffer), Number);
    case 'F64':
      return new Float64Array(buffer);
    default:
      return toFloat32(tensor, name, file);
  }
}

function float16ToFloat32(halves: Uint16Array<ArrayBuffer>): Float32Array<ArrayBuffer> {
  const bits = new Uint32Array(halves.length);
  for (let i = 0; i < halves.length; i++) {
    const half = halves[i] as number;
    const sign = (half & 0x8000) << 16;
    const exponent = (half >>> 10) & 0x1f;
    const mantissa = half & 0x3ff;
    if (exponent === 0x1f) {
      bits[i] = sign | 0x7f800000 | (mantissa << 13);
    } else if (exponent !== 0) {
      bits[i] = sign | ((exponent + 112) << 23) | (mantissa << 13);
    } else if (mantissa === 0) {
      bits[i] = sign;
    } else {
      // A subnormal half is a normal float: shift its leading one to the hidden bit.
      const shift = Math.clz32(mantissa) - 21;
      bits[i] = sign | ((113 - shift) << 23) | (((mantissa << shift) & 0x3ff) << 13);
    }
  }
  return new Float32Array(bits.buffer);
}

/**
 * The values of float8 E4M3 by their bytes: 4 bits of exponent with bias 7, 3 of mantissa, up to 448, no infinities
 * (Micikevicius et al. 2022).
 */
const float8Values = Float32Array.from({ length: 256 }, (_, byte) => {
  const exponent = (byte >>> 3) & 0xf;
  const mantissa = byte & 7;
  const size = exponent === 0 ? mantissa * 2 ** -9 : (8 + mantissa) * 2 ** (exponent - 10);
  return (byte & 0x7f) === 0x7f ? NaN : byte < 0x80 ? size : -size;
});

/** A tensor to write as float8 E4M3, each value rounded to the nearest, ties to even; beyond 448 to NaN, as in PyTorch. */
export function toFloat8(dims: readonly number[], data: Float32Array): StoredTensor {
  const bytes = new Uint8Array(data.length);
  const single = new Float32Array(1);
  const bits = new Uint32Array(single.buffer);
  data.forEach((value, i) => {
    single[0] = value;
    const size = Math.abs(value);
    // The spacing is 2^-9 below 2^-6, and an eighth of the power of two below the value above that.
    const exponent = Math.max((((bits[0] as number) >>> 23) & 0xff) - 127, -6);
    const steps = roundToEven(size / 2 ** (exponent - 3));
    // The bits of exponent and mantissa are one number: 8 steps more are one exponent more.
    const code = size < 512 ? (exponent + 6) * 8 + steps : 0x7f;
    bytes[i] = (value < 0 || Object.is(value, -0) ? 0x80 : 0) | (code < 0x7f ? code : 0x7f);
  });
  return { dtype: 'F8_E4M3', dims, data: bytes };
}

/** An fp32 tensor to write; the data is not copied. */
export function fromFloat32(dims: readonly number[], data: Float32Array<ArrayBuffer>): StoredTensor {
  return { dtype: 'F32', dims, data: new Uint8Array(data.buffer, data.byteOffset, data.byteLength) };
}

/** A tensor to write as fp16, each value rounded to the nearest, ties to even; beyond 65,504 to infinity. */
export function toFloat16(dims: readonly number[], data: Float32Array<ArrayBuffer>): StoredTensor {
  const halves = new Uint16Array(data.length);
  const single = new Float32Array(1);
  const bits = new Uint32Array(single.buffer);
  for (let i = 0; i < data.length; i++) {
    const value = data[i] as number;
    const size = Math.abs(value);
    single[0] = value;
    const sign = ((bits[0] as number) >>> 16) & 0x8000;
    // The spacing of halves is 2^-24 below 2^-14, and 2^-10 of the power of two below the value above that.
    const exponent = (((bits[0] as number) >>> 23) & 0xff) - 127;
    const spacing = 2 ** Math.max(exponent - 10, -24);
    const rounded = size < 65536 ? roundToEven(size / spacing) * spacing : Infinity;
    if (Number.isNaN(value)) halves[i] = 0x7e00;
    else if (rounded > 65504) halves[i] = sign | 0x7c00;
    else if (rounded < 2 ** -14) halves[i] = sign | (rounded * 2 ** 24);
    else {
      single[0] = rounded;
      halves[i] = sign | (((bits[0] as number) - 0x38000000) >>> 13);
    }
  }
  return { dtype: 'F16', dims, data: new Uint8Array(halves.buffer) };
}

/**
 * A tensor to write as int8: the largest value becomes 127, and the scale is lost, as in model2vec.
 * @param scaled how many values share a scale, such as those of a row; all by default
 */
export function toInt8(dims: readonly number[], data: Float32Array, scaled = data.length): StoredTensor {
  const bytes = new Int8Array(data.length);
  for (let start = 0; start < data.length; start += scaled) {
    const part = data.subarray(start, start + scaled);
    const largest = part.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
    const scale = largest === 0 ? 0 : 127 / largest;
    part.forEach((value, i) => (bytes[start + i] = Math.sign(value) * roundToEven(Math.abs(value) * scale)));
  }
  return { dtype: 'I8', dims, data: new Uint8Array(bytes.buffer) };
}

function roundToEven(value: number): number {
  const below = Math.floor(value);
  const rest = value - below;
  if (rest !== 0.5) return Math.round(value);
  return below % 2 === 0 ? below : below + 1;
}

export interface SafetensorsPlan {
  /** Length and header: the first bytes of the file. */
  readonly header: Uint8Array<ArrayBuffer>;
  /** The tensors in the order in which their bytes follow the header. */
  readonly order: readonly string[];
  /** Size of the whole file. */
  readonly totalBytes: number;
}

/**
 * Lays a file out before any of its tensors is available, for writers that stream. The same tensors and metadata
 * always give the same bytes: wide types first (so that every tensor is aligned), then by name.
 */
export function planSafetensors(
  tensors: ReadonlyMap<string, Pick<StoredTensor, 'dtype' | 'dims'>>,
  metadata: ReadonlyMap<string, string> = new Map(),
): SafetensorsPlan {
  const sorted = [...tensors].sort(
    ([a, x], [b, y]) =>
      BYTES_PER_ELEMENT[y.dtype] - BYTES_PER_ELEMENT[x.dtype] || (a < b ? -1 : a > b ? 1 : 0),
  );
  const fields: string[] = [];
  if (metadata.size > 0) {
    const pairs = [...metadata].sort(([a], [b]) => (a < b ? -1 : 1));
    fields.push(
      `"__metadata__":{${pairs.map(([key, value]) => `${JSON.stringify(key)}:${JSON.stringify(value)}`).join(',')}}`,
    );
  }
  let position = 0;
  for (const [name, { dtype, dims }] of sorted) {
    const size = byteSize(dtype, dims);
    if (name === '__metadata__' || size === undefined) {
      throw new RangeError(`safetensors cannot hold tensor ${quoted(name)} of shape [${dims.join(', ')}]`);
    }
    const end = position + size;
    fields.push(
      `${JSON.stringify(name)}:${JSON.stringify({ dtype, shape: dims, data_offsets: [position, end] })}`,
    );
    position = end;
  }
  const json = new TextEncoder().encode(`{${fields.join(',')}}`);
  const length = Math.ceil(json.length / 8) * 8;
  const header = new Uint8Array(8 + length).fill(0x20);
  new DataView(header.buffer).setBigUint64(0, BigInt(length), true);
  header.set(json, 8);
  return { header, order: sorted.map(([name]) => name), totalBytes: header.length + position };
}

/** A file in pieces: the header, then each tensor's own bytes, uncopied. */
export function* safetensorsChunks(
  tensors: ReadonlyMap<string, StoredTensor>,
  metadata?: ReadonlyMap<string, string>,
): Generator<Uint8Array<ArrayBuffer>, void> {
  const plan = planSafetensors(tensors, metadata);
  yield plan.header;
  for (const name of plan.order) {
    const tensor = tensors.get(name);
    if (!tensor || tensor.data.length !== byteSize(tensor.dtype, tensor.dims)) {
      throw new RangeError(`tensor ${quoted(name)} does not hold as many bytes as its shape needs`);
    }
    yield tensor.data;
  }
}

/** A whole file in memory. */
export function writeSafetensors(
  tensors: ReadonlyMap<string, StoredTensor>,
  metadata?: ReadonlyMap<string, string>,
): Uint8Array<ArrayBuffer> {
  const file = new Uint8Array(planSafetensors(tensors, metadata).totalBytes);
  let position = 0;
  for (const chunk of safetensorsChunks(tensors, metadata)) {
    file.set(chunk, position);
    position += chunk.length;
  }
  return file;
}

/**
 * Reads `model.safetensors.index.json`: which shard holds which tensor.
 * @returns tensor name → shard file, a plain name in the same folder.
 */
export function readShardIndex(bytes: Uint8Array<ArrayBuffer>, file: string): ReadonlyMap<string, string> {
  const fail = (problem: string): InputError =>
    new InputError(problem, {
      file,
      remedy: 'Save the model as one model.safetensors, or download it again',
    });
  const index = parseJsonFile(bytes, file);
  const map = isJsonObject(index) ? ownField(index, 'weight_map') : undefined;
  if (!isJsonObject(map)) throw fail('the shard index has no weight_map');
  const shards = new Map<string, string>();
  for (const [name, shard] of Object.entries(map)) {
    if (typeof shard !== 'string' || !/^[\w-][\w.-]*\.safetensors$/.test(shard)) {
      throw fail(`the shard index places tensor ${quoted(name)} in a file with an unsafe or invalid name`);
    }
    shards.set(name, shard);
  }
  return shards;
}
