/**
 * Reads the tensors of a pytorch_model.bin and nothing else.
 *
 * Such a file is a zip with a pickle in it, and a pickle is a program. This is a machine for the part of that
 * language that a state dict needs: it knows the opcodes of dictionaries, tuples, texts and numbers, and the few
 * globals below. It calls nothing, so there is nothing for a hostile file to call.
 */
import { quoted } from '../core/shown.ts';
import { openStoredZip } from './zip.ts';
import { InputError } from '../core/errors.ts';
import type { SafetensorsType, StoredTensor } from './safetensors.ts';

const REMEDY =
  'Use a repository that has model.safetensors, or convert the file (if you trust it: model.save_pretrained(folder, safe_serialization=True))';

/** Bytes of data.pkl; that of a model with 1,000 layers stays below 3 MB. */
const MAX_PICKLE_BYTES = 16 * 1024 * 1024;

const STORAGE_TYPES: ReadonlyMap<string, { dtype: SafetensorsType; bytes: number }> = new Map([
  ['torch.FloatStorage', { dtype: 'F32', bytes: 4 }],
  ['torch.HalfStorage', { dtype: 'F16', bytes: 2 }],
  ['torch.BFloat16Storage', { dtype: 'BF16', bytes: 2 }],
  ['torch.DoubleStorage', { dtype: 'F64', bytes: 8 }],
  ['torch.LongStorage', { dtype: 'I64', bytes: 8 }],
  ['torch.IntStorage', { dtype: 'I32', bytes: 4 }],
  ['torch.ShortStorage', { dtype: 'I16', bytes: 2 }],
  ['torch.CharStorage', { dtype: 'I8', bytes: 1 }],
  ['torch.ByteStorage', { dtype: 'U8', bytes: 1 }],
  ['torch.BoolStorage', { dtype: 'BOOL', bytes: 1 }],
]);
const ORDERED_DICT = 'collections.OrderedDict';
const REBUILD_TENSOR = 'torch._utils._rebuild_tensor_v2';
const REBUILD_PARAMETER = 'torch._utils._rebuild_parameter';
const KNOWN_GLOBALS: ReadonlySet<string> = new Set([
  ORDERED_DICT,
  REBUILD_TENSOR,
  REBUILD_PARAMETER,
  ...STORAGE_TYPES.keys(),
]);

class Global {
  readonly name: string;
  constructor(name: string) {
    this.name = name;
  }
}
class Tuple {
  readonly items: readonly Value[];
  constructor(items: readonly Value[]) {
    this.items = items;
  }
}
class Dictionary {
  readonly entries = new Map<Value, Value>();
}
class Storage {
  readonly dtype: SafetensorsType;
  readonly elementBytes: number;
  readonly data: Uint8Array<ArrayBuffer>;
  constructor(dtype: SafetensorsType, elementBytes: number, data: Uint8Array<ArrayBuffer>) {
    this.dtype = dtype;
    this.elementBytes = elementBytes;
    this.data = data;
  }
}
class Tensor {
  readonly stored: StoredTensor;
  constructor(stored: StoredTensor) {
    this.stored = stored;
  }
}
type Value = null | boolean | number | string | Global | Tuple | Dictionary | Storage | Tensor;

/**
 * Reads a state dict that torch.save wrote (PyTorch 1.6 or later).
 * @returns The tensors by name; contiguous ones are views of `bytes`.
 * @throws InputError if the file holds anything but tensors by name; it names what it would have called.
 */
export async function readTorchCheckpoint(
  bytes: Uint8Array<ArrayBuffer>,
  file: string,
): Promise<ReadonlyMap<string, StoredTensor>> {
  const refuse = (problem: string): InputError => new InputError(problem, { file, remedy: REMEDY });
  if (bytes[0] === 0x80)
    throw refuse('the checkpoint is in the format of PyTorch before 1.6, which is not supported');
  if (bytes[0] !== 0x50 || bytes[1] !== 0x4b) throw refuse('the file is not a PyTorch checkpoint');

  const damaged = (cause: unknown): never => {
    if (!(cause instanceof InputError)) throw cause;
    const remedy = 'Download it again, or use the model in safetensors';
    throw new InputError('the checkpoint is truncated or damaged', { file, remedy, cause });
  };
  const archive = await openStoredZip(file, bytes).catch(damaged);
  const read = (path: string): Uint8Array<ArrayBuffer> | undefined => {
    try {
      return archive.get(path)?.();
    } catch (error) {
      return damaged(error);
    }
  };
  const pickle = [...archive.keys()].filter((name) => /^[^/]+\/data\.pkl$/.test(name));
  const [program, second] = pickle;
  if (program === undefined || second !== undefined) throw refuse('the file is not a PyTorch checkpoint');
  const folder = program.slice(0, -'data.pkl'.length);
  const order = read(`${folder}byteorder`);
  if (order && new TextDecoder().decode(order) !== 'little') throw refuse('the checkpoint is big-endian');
  const code = read(program);
  if (!code || code.length > MAX_PICKLE_BYTES) throw refuse('the checkpoint describes too many objects');

  const root = new PickleMachine(code, (key) => read(`${folder}data/${key}`), bytes.length, refuse).run();
  if (!(root instanceof Dictionary)) throw refuse('the checkpoint contains no named tensors');
  const tensors = new Map<string, StoredTensor>();
  for (const [name, value] of root.entries) {
    if (typeof name !== 'string' || !(value instanceof Tensor)) {
      throw refuse(
        `the checkpoint contains more than tensors (${typeof name === 'string' ? quoted(name) : 'not even by name'})`,
      );
    }
    tensors.set(name, value.stored);
  }
  return tensors;
}

/** Opcodes of pickle protocols 2 to 4 that state dicts use. */
const PROTO = 0x80;
const FRAME = 0x95;
const STOP = 0x2e;
const MARK = 0x28;
const NONE = 0x4e;
const NEWTRUE = 0x88;
const NEWFALSE = 0x89;
const BININT = 0x4a;
const BININT1 = 0x4b;
const BININT2 = 0x4d;
const LONG1 = 0x8a;
const BINFLOAT = 0x47;
const BINUNICODE = 0x58;
const SHORT_BINUNICODE = 0x8c;
const EMPTY_TUPLE = 0x29;
const TUPLE = 0x74;
const TUPLE1 = 0x85;
const TUPLE2 = 0x86;
const TUPLE3 = 0x87;
const EMPTY_DICT = 0x7d;
const SETITEM = 0x73;
const SETITEMS = 0x75;
const GLOBAL = 0x63;
const STACK_GLOBAL = 0x93;
const BINPERSID = 0x51;
const REDUCE = 0x52;
const BUILD = 0x62;
const BINPUT = 0x71;
const LONG_BINPUT = 0x72;
const MEMOIZE = 0x94;
const BINGET = 0x68;
const LONG_BINGET = 0x6a;

class PickleMachine {
  readonly #code: Uint8Array<ArrayBuffer>;
  readonly #view: DataView;
  readonly #readStorage: (key: string) => Uint8Array<ArrayBuffer> | undefined;
  readonly #refuse: (problem: string) => InputError;
  readonly #decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
  readonly #stack: Value[] = [];
  readonly #marks: number[] = [];
  readonly #memo = new Map<number, Value>();
  readonly #storages = new Map<string, Storage>();
  #position = 0;
  /** Bytes left for non-contiguous tensors: one copy of the file in all, so that views cannot multiply it. */
  #copyBudget: number;

  constructor(
    code: Uint8Array<ArrayBuffer>,
    readStorage: (key: string) => Uint8Array<ArrayBuffer> | undefined,
    copyBudget: number,
    refuse: (problem: string) => InputError,
  ) {
    this.#code = code;
    this.#view = new DataView(code.buffer, code.byteOffset, code.byteLength);
    this.#readStorage = readStorage;
    this.#copyBudget = copyBudget;
    this.#refuse = refuse;
  }

  run(): Value {
    for (;;) {
      const opcode = this.#code[this.#take(1)] as number;
      if (opcode === STOP) return this.#pop();
      this.#execute(opcode);
    }
  }

  #execute(opcode: number): void {
    switch (opcode) {
      case PROTO:
        this.#take(1);
        return;
      case FRAME:
        this.#take(8);
        return;
      case MARK:
        this.#marks.push(this.#stack.length);
        return;
      case NONE:
        this.#stack.push(null);
        return;
      case NEWTRUE:
        this.#stack.push(true);
        return;
      case NEWFALSE:
        this.#stack.push(false);
        return;
      case BININT:
        this.#stack.push(this.#view.getInt32(this.#take(4), true));
        return;
      case BININT1:
        this.#stack.push(this.#uint8());
        return;
      case BININT2:
        this.#stack.push(this.#view.getUint16(this.#take(2), true));
        return;
      case LONG1:
        this.#stack.push(this.#long(this.#uint8()));
        return;
      case BINFLOAT:
        this.#stack.push(this.#view.getFloat64(this.#take(8)));
        return;
      case BINUNICODE:
        this.#stack.push(this.#text(this.#uint32()));
        return;
      case SHORT_BINUNICODE:
        this.#stack.push(this.#text(this.#uint8()));
        return;
      case EMPTY_TUPLE:
        this.#stack.push(new Tuple([]));
        return;
      case TUPLE:
        this.#stack.push(new Tuple(this.#popToMark()));
        return;
      case TUPLE1:
      case TUPLE2:
      case TUPLE3: {
        const count = opcode - TUPLE1 + 1;
        const items: Value[] = [];
        for (let i = 0; i < count; i++) items.unshift(this.#pop());
        this.#stack.push(new Tuple(items));
        return;
      }
      case EMPTY_DICT:
        this.#stack.push(new Dictionary());
        return;
      case SETITEM: {
        const value = this.#pop();
        const key = this.#pop();
        this.#topDictionary().entries.set(key, value);
        return;
      }
      case SETITEMS: {
        const items = this.#popToMark();
        const { entries } = this.#topDictionary();
        if (items.length % 2 !== 0) throw this.#broken();
        for (let i = 0; i < items.length; i += 2) entries.set(items[i] as Value, items[i + 1] as Value);
        return;
      }
      case GLOBAL: {
        const module = this.#line();
        this.#stack.push(this.#global(module, this.#line()));
        return;
      }
      case STACK_GLOBAL: {
        const name = this.#pop();
        const module = this.#pop();
        if (typeof module !== 'string' || typeof name !== 'string') throw this.#broken();
        this.#stack.push(this.#global(module, name));
        return;
      }
      case BINPERSID:
        this.#stack.push(this.#storage(this.#pop()));
        return;
      case REDUCE: {
        const parameters = this.#pop();
        this.#stack.push(this.#call(this.#pop(), parameters));
        return;
      }
      case BUILD:
        // The _metadata of a module's state dict: version numbers, of no use here.
        if (!(this.#pop() instanceof Dictionary)) throw this.#broken();
        this.#topDictionary();
        return;
      case BINPUT:
        this.#memo.set(this.#uint8(), this.#top());
        return;
      case LONG_BINPUT:
        this.#memo.set(this.#uint32(), this.#top());
        return;
      case MEMOIZE:
        this.#memo.set(this.#memo.size, this.#top());
        return;
      case BINGET:
        this.#stack.push(this.#recall(this.#uint8()));
        return;
      case LONG_BINGET:
        this.#stack.push(this.#recall(this.#uint32()));
        return;
      default:
        throw this.#refuse(
          `the checkpoint uses the pickle opcode 0x${opcode.toString(16)}, which tensors do not require`,
        );
    }
  }

  #global(module: string, name: string): Global {
    const path = `${module}.${name}`;
    if (!KNOWN_GLOBALS.has(path)) {
      throw this.#refuse(`loading the checkpoint would use ${quoted(path)}, which is not a tensor`);
    }
    return new Global(path);
  }

  #call(callable: Value, parameters: Value): Value {
    if (!(callable instanceof Global) || !(parameters instanceof Tuple)) throw this.#broken();
    const { items } = parameters;
    switch (callable.name) {
      case ORDERED_DICT:
        if (items.length > 0) throw this.#broken();
        return new Dictionary();
      case REBUILD_PARAMETER:
        if (!(items[0] instanceof Tensor)) throw this.#broken();
        return items[0];
      case REBUILD_TENSOR:
        return this.#tensor(items);
      default:
        throw this.#broken();
    }
  }

  /** ('storage', type, key, location, number of elements) */
  #storage(id: Value): Storage {
    if (!(id instanceof Tuple)) throw this.#broken();
    const [kind, type, key, , count] = id.items;
    if (kind !== 'storage' || !(type instanceof Global) || typeof key !== 'string') throw this.#broken();
    const known = STORAGE_TYPES.get(type.name);
    if (!known) throw this.#broken();
    const place = `${type.name} ${key}`;
    const present = this.#storages.get(place);
    if (present) return present;
    const data = this.#readStorage(key);
    if (!data || typeof count !== 'number' || data.length !== count * known.bytes) {
      throw this.#refuse(`the storage ${quoted(key)} is missing or has the wrong size`);
    }
    const storage = new Storage(known.dtype, known.bytes, data);
    this.#storages.set(place, storage);
    return storage;
  }

  /** (storage, offset, size, stride, …): a strided view of the storage, in elements. */
  #tensor(items: readonly Value[]): Tensor {
    const [storage, offset, size, stride] = items;
    if (!(storage instanceof Storage) || typeof offset !== 'number') throw this.#broken();
    const dims = this.#counts(size);
    const steps = this.#counts(stride);
    const total = storage.data.length / storage.elementBytes;
    let elements = 1;
    let last = offset;
    for (let i = 0; i < dims.length; i++) {
      elements *= dims[i] as number;
      last += ((dims[i] as number) - 1) * (steps[i] ?? 0);
    }
    const fits =
      Number.isInteger(offset) &&
      offset >= 0 &&
      steps.length === dims.length &&
      elements <= total &&
      (elements === 0 || last < total);
    if (!fits) throw this.#refuse('a tensor extends beyond its storage');
    return new Tensor({
      dtype: storage.dtype,
      dims,
      data: this.#gather(storage, offset, dims, steps, elements),
    });
  }

  #counts(value: Value | undefined): readonly number[] {
    if (!(value instanceof Tuple) || value.items.length > 32) throw this.#broken();
    return value.items.map((item) => {
      if (typeof item !== 'number' || !Number.isInteger(item) || item < 0) throw this.#broken();
      return item;
    });
  }

  /** The tensor's elements in row-major order: a view if they are already in that order. */
  #gather(
    storage: Storage,
    offset: number,
    dims: readonly number[],
    steps: readonly number[],
    elements: number,
  ): Uint8Array<ArrayBuffer> {
    const width = storage.elementBytes;
    let contiguous = true;
    let expected = 1;
    for (let i = dims.length - 1; i >= 0; i--) {
      if (dims[i] !== 1 && steps[i] !== expected) contiguous = false;
      expected *= dims[i] as number;
    }
    if (elements === 0) return new Uint8Array();
    if (contiguous) return storage.data.subarray(offset * width, (offset + elements) * width);

    this.#copyBudget -= elements * width;
    if (this.#copyBudget < 0) throw this.#refuse('the checkpoint expands to more than its own size');
    const data = new Uint8Array(elements * width);
    const index = dims.map(() => 0);
    let from = offset;
    for (let element = 0; element < elements; element++) {
      data.set(storage.data.subarray(from * width, (from + 1) * width), element * width);
      for (let axis = dims.length - 1; axis >= 0; axis--) {
        const step = steps[axis] as number;
        const next = (index[axis] as number) + 1;
        if (next < (dims[axis] as number)) {
          index[axis] = next;
          from += step;
          break;
        }
        index[axis] = 0;
        from -= step * (next - 1);
      }
    }
    return data;
  }

  #pop(): Value {
    const value = this.#stack.pop();
    const floor = this.#marks.at(-1) ?? 0;
    if (value === undefined || this.#stack.length < floor) throw this.#broken();
    return value;
  }

  #popToMark(): Value[] {
    const mark = this.#marks.pop();
    if (mark === undefined) throw this.#broken();
    return this.#stack.splice(mark);
  }

  #top(): Value {
    const value = this.#stack.at(-1);
    if (value === undefined) throw this.#broken();
    return value;
  }

  #topDictionary(): Dictionary {
    const value = this.#top();
    if (!(value instanceof Dictionary)) throw this.#broken();
    return value;
  }

  #recall(index: number): Value {
    const value = this.#memo.get(index);
    if (value === undefined) throw this.#broken();
    return value;
  }

  /** Moves over `count` bytes. @returns Where they start. */
  #take(count: number): number {
    const start = this.#position;
    if (start + count > this.#code.length) throw this.#broken();
    this.#position += count;
    return start;
  }

  #uint8(): number {
    return this.#view.getUint8(this.#take(1));
  }

  #uint32(): number {
    return this.#view.getUint32(this.#take(4), true);
  }

  #long(count: number): number {
    const start = this.#take(count);
    if (count > 8) throw this.#broken();
    let value = 0n;
    for (let i = count - 1; i >= 0; i--) value = (value << 8n) | BigInt(this.#code[start + i] as number);
    return Number(BigInt.asIntN(8 * count, value));
  }

  #text(count: number): string {
    const start = this.#take(count);
    try {
      return this.#decoder.decode(this.#code.subarray(start, start + count));
    } catch {
      throw this.#broken();
    }
  }

  #line(): string {
    const end = this.#code.indexOf(0x0a, this.#position);
    if (end < 0) throw this.#broken();
    const text = this.#text(end - this.#position);
    this.#take(1);
    return text;
  }

  #broken(): InputError {
    return this.#refuse(`the pickle of the checkpoint is broken near byte ${this.#position}`);
  }
}
