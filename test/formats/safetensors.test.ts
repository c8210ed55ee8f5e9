import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  fromFloat32,
  planSafetensors,
  readSafetensors,
  readShardIndex,
  safetensorsChunks,
  SafetensorsError,
  toFloat16,
  toFloat8,
  toFloat32,
  writeSafetensors,
  type SafetensorsRule,
  type SafetensorsType,
  type StoredTensor,
} from '../../src/formats/safetensors.ts';
import { InputError } from '../../src/core/errors.ts';

function bytesOf(data: ArrayBufferView<ArrayBuffer>): Uint8Array<ArrayBuffer> {
  return new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
}

/** A file with this header text, or with a header length of one's choice. */
function fileOf(header: string | Uint8Array, data = 0, length?: bigint): Uint8Array<ArrayBuffer> {
  const json = typeof header === 'string' ? new TextEncoder().encode(header) : header;
  const file = new Uint8Array(8 + json.length + data);
  new DataView(file.buffer).setBigUint64(0, length ?? BigInt(json.length), true);
  file.set(json, 8);
  return file;
}

function entry(dtype: string, shape: string, offsets: string): string {
  return `{"dtype":"${dtype}","shape":[${shape}],"data_offsets":[${offsets}]}`;
}

function sample(): Map<string, StoredTensor> {
  return new Map<string, StoredTensor>([
    ['b', fromFloat32([2, 3], new Float32Array([1, -2, 3.5, 0, -0, 1e-30]))],
    ['a', { dtype: 'I64', dims: [2], data: bytesOf(new BigInt64Array([1n, -1n])) }],
    ['half', { dtype: 'F16', dims: [3], data: bytesOf(new Uint16Array([0x3c00, 0xc000, 1])) }],
    ['empty', { dtype: 'F32', dims: [0, 4], data: new Uint8Array() }],
    ['scalar', fromFloat32([], new Float32Array([7]))],
  ]);
}

describe('writeSafetensors', () => {
  it('round-trips tensors and metadata, whatever their names', () => {
    const names = fc.string({ unit: 'binary', maxLength: 8 });
    const dims = fc.array(fc.nat(3), { maxLength: 3 });
    const types = fc.constantFrom<SafetensorsType>('F32', 'F16', 'BF16', 'I64', 'U8', 'F64');
    const size = { F32: 4, F16: 2, BF16: 2, I64: 8, U8: 1, F64: 8 } as Record<SafetensorsType, number>;
    fc.assert(
      fc.property(
        fc.array(fc.tuple(names, types, dims)),
        fc.array(fc.tuple(names, names)),
        (tensorList, metadataList) => {
          const tensors = new Map<string, StoredTensor>();
          for (const [name, dtype, shape] of tensorList) {
            if (name === '__metadata__') continue;
            const data = new Uint8Array(size[dtype] * shape.reduce((a, b) => a * b, 1));
            tensors.set(name, { dtype, dims: shape, data: data.map((_, i) => i * 37) });
          }
          const metadata = new Map(metadataList);
          const read = readSafetensors(writeSafetensors(tensors, metadata), 'f');
          expect(new Map([...read.tensors].sort())).toEqual(new Map([...tensors].sort()));
          expect(new Map([...read.metadata].sort())).toEqual(new Map([...metadata].sort()));
        },
      ),
    );
  });

  it('gives the same bytes for the same tensors in any order', () => {
    const metadata = new Map([
      ['z', '1'],
      ['a', '2'],
    ]);
    const forward = writeSafetensors(sample(), metadata);
    const backward = writeSafetensors(new Map([...sample()].reverse()), new Map([...metadata].reverse()));
    expect(backward).toEqual(forward);
  });

  it('aligns every tensor to its element size', () => {
    const file = writeSafetensors(sample());
    const { tensors } = readSafetensors(file, 'f');
    expect([...tensors.keys()]).toEqual(['a', 'b', 'empty', 'scalar', 'half']);
    expect(tensors.get('a')?.data.byteOffset).toSatisfy((at: number) => at % 8 === 0);
    expect(tensors.get('b')?.data.byteOffset).toSatisfy((at: number) => at % 4 === 0);
  });

  it('streams the same bytes', () => {
    const chunks = [...safetensorsChunks(sample())];
    const plan = planSafetensors(sample());
    expect(chunks[0]).toEqual(plan.header);
    expect(chunks).toHaveLength(1 + plan.order.length);
    expect(Buffer.concat(chunks)).toEqual(Buffer.from(writeSafetensors(sample())));
    expect(plan.totalBytes).toBe(Buffer.concat(chunks).length);
  });

  it('refuses a tensor whose bytes do not fill its shape', () => {
    const wrong = new Map([['w', { dtype: 'F32', dims: [2], data: new Uint8Array(4) } as const]]);
    expect(() => writeSafetensors(wrong)).toThrow(RangeError);
    expect(() => writeSafetensors(new Map([['__metadata__', fromFloat32([0], new Float32Array())]]))).toThrow(
      RangeError,
    );
  });
});

describe('readSafetensors', () => {
  it('reads names that would change an object', () => {
    const header = `{"__proto__":${entry('U8', '1', '0,1')},"constructor":${entry('U8', '1', '1,2')},"__metadata__":{"__proto__":"x"}}`;
    const { tensors, metadata } = readSafetensors(fileOf(header, 2), 'f');
    expect([...tensors.keys()]).toEqual(['__proto__', 'constructor']);
    expect(metadata.get('__proto__')).toBe('x');
    expect(Object.prototype).not.toHaveProperty('dtype');
  });

  it('reads escapes, white space and padding', () => {
    const header = `{ "\\u0061\\"" :\t${entry('F32', ' 1 , 1 ', '0 , 4')} }  \n `;
    expect(readSafetensors(fileOf(header, 4), 'f').tensors.get('a"')?.dims).toEqual([1, 1]);
    expect(readSafetensors(fileOf('{}'), 'f').tensors.size).toBe(0);
  });

  const broken: [SafetensorsRule, string, Uint8Array<ArrayBuffer>][] = [
    ['header too small', 'an empty file', new Uint8Array()],
    ['header too small', 'seven bytes', new Uint8Array(7)],
    ['header too small', 'a length of zero', new Uint8Array(64)],
    ['header too large', 'a length above 100 MB', fileOf('{}', 0, 100_000_001n)],
    ['header too large', 'a length of 2^64 - 1', fileOf('{}', 0, 0xffffffffffffffffn)],
    ['header truncated', 'a length beyond the file', fileOf('{}', 0, 3n)],
    ['header truncated', 'a length of 100 MB in a small file', fileOf('{}', 0, 100_000_000n)],
    ['header start', 'white space first', fileOf(' {}')],
    ['header start', 'an array', fileOf('[]')],
    ['header not UTF-8', 'a bad name', fileOf(new Uint8Array([0x7b, 0x22, 0xff, 0x22, 0x3a, 0x7d]))],
    ['header not JSON', 'an open brace', fileOf('{"')],
    ['header not JSON', 'a trailing comma', fileOf(`{"a":${entry('U8', '0', '0,0')},}`)],
    ['header not JSON', 'text after the end', fileOf('{}{}')],
    ['header not JSON', 'a negative number', fileOf(`{"a":${entry('U8', '-1', '0,0')}}`)],
    ['header not JSON', 'a fraction', fileOf(`{"a":${entry('U8', '1.0', '0,1')}}`, 1)],
    ['header not JSON', 'a leading zero', fileOf(`{"a":${entry('U8', '01', '0,1')}}`, 1)],
    ['header not JSON', 'a bad escape', fileOf(`{"\\x":${entry('U8', '0', '0,0')}}`)],
    ['header not JSON', 'a control character', fileOf(`{"\n":${entry('U8', '0', '0,0')}}`)],
    ['header not JSON', 'a tensor that is null', fileOf('{"a":null}')],
    ['header not JSON', 'metadata that is no text', fileOf('{"__metadata__":{"a":1}}')],
    ['header not JSON', 'a million brackets', fileOf(`{"a":${'['.repeat(1e6)}`)],
    [
      'duplicate name',
      'a tensor twice',
      fileOf(`{"a":${entry('U8', '0', '0,0')},"\\u0061":${entry('U8', '0', '0,0')}}`),
    ],
    ['duplicate name', 'metadata twice', fileOf('{"__metadata__":{},"__metadata__":{}}')],
    ['duplicate field', 'dtype twice', fileOf('{"a":{"dtype":"U8","dtype":"U8"}}')],
    ['duplicate field', 'a metadata key twice', fileOf('{"__metadata__":{"a":"","a":""}}')],
    ['unknown field', 'one more field', fileOf('{"a":{"strides":[1]}}')],
    ['missing field', 'no offsets', fileOf('{"a":{"dtype":"U8","shape":[0]}}')],
    ['unknown dtype', 'F42', fileOf(`{"a":${entry('F42', '0', '0,0')}}`)],
    ['unknown dtype', 'toString', fileOf(`{"a":${entry('toString', '0', '0,0')}}`)],
    ['too many dimensions', '33 of them', fileOf(`{"a":${entry('U8', Array(33).fill(0).join(), '0,0')}}`)],
    ['overflow', 'a dimension of 2^53', fileOf(`{"a":${entry('U8', '9007199254740992', '0,0')}}`)],
    ['overflow', 'a product of 2^60', fileOf(`{"a":${entry('U8', '1073741824,1073741824', '0,0')}}`)],
    ['overflow', 'a huge offset', fileOf(`{"a":${entry('U8', '0', `0,1${'0'.repeat(400)}`)}}`)],
    ['bad offsets', 'one', fileOf(`{"a":${entry('U8', '0', '0')}}`)],
    ['bad offsets', 'three', fileOf(`{"a":${entry('U8', '0', '0,0,0')}}`)],
    ['bad offsets', 'end before begin', fileOf(`{"a":${entry('U8', '0', '1,0')}}`, 1)],
    ['size mismatch', 'too short', fileOf(`{"a":${entry('F32', '2', '0,4')}}`, 4)],
    [
      'overlap',
      'two tensors on one byte',
      fileOf(`{"a":${entry('U8', '2', '0,2')},"b":${entry('U8', '1', '1,2')}}`, 2),
    ],
    ['hole', 'before the first', fileOf(`{"a":${entry('U8', '1', '1,2')}}`, 2)],
    ['hole', 'between two', fileOf(`{"a":${entry('U8', '1', '0,1')},"b":${entry('U8', '1', '2,3')}}`, 3)],
    ['data truncated', 'a tensor beyond the file', fileOf(`{"a":${entry('U8', '4', '0,4')}}`, 3)],
    ['trailing data', 'bytes of no tensor', fileOf(`{"a":${entry('U8', '1', '0,1')}}`, 2)],
    ['trailing data', 'no tensor at all', fileOf('{}', 1)],
  ];
  it.each(broken)('names the rule "%s": %s', (rule, _, file) => {
    const read = (): unknown => readSafetensors(file, 'weights.safetensors');
    expect(read).toThrow(SafetensorsError);
    expect(read).toThrow(expect.objectContaining({ rule, file: 'weights.safetensors' }));
    expect(read).toThrow(/^weights\.safetensors: [^\n]{1,500}$/);
  });

  it('stops a header that lists more tensors than any model has', () => {
    const many = Array.from({ length: 200_001 }, (_, i) => `"${i}":${entry('U8', '0', '0,0')}`);
    expect(() => readSafetensors(fileOf(`{${many.join()}}`), 'f')).toThrow(
      expect.objectContaining({ rule: 'too many tensors' }),
    );
  });
});

describe('toFloat32', () => {
  it('widens every half exactly', () => {
    const halves = Uint16Array.from({ length: 65536 }, (_, i) => i);
    const values = toFloat32({ dtype: 'F16', dims: [65536], data: bytesOf(halves) }, 'w', 'f');
    for (let bits = 0; bits < 65536; bits++) {
      const sign = bits >= 0x8000 ? -1 : 1;
      const exponent = (bits >> 10) & 31;
      const fraction = (bits & 1023) / 1024;
      const expected =
        exponent === 31
          ? fraction === 0
            ? sign * Infinity
            : NaN
          : exponent === 0
            ? sign * fraction * 2 ** -14
            : sign * (1 + fraction) * 2 ** (exponent - 15);
      if (!Object.is(values[bits], expected)) expect([bits, values[bits]]).toEqual([bits, expected]);
    }
  });

  it('widens BF16 exactly and rounds F64', () => {
    const brain = bytesOf(new Uint16Array([0x3f80, 0xc049, 0x0001]));
    expect([...toFloat32({ dtype: 'BF16', dims: [3], data: brain }, 'w', 'f')]).toEqual([
      1,
      -3.140625,
      2 ** -133,
    ]);
    const double = bytesOf(new Float64Array([Math.PI]));
    expect([...toFloat32({ dtype: 'F64', dims: [1], data: double }, 'w', 'f')]).toEqual([
      Math.fround(Math.PI),
    ]);
  });

  it('copies, also from an address that is not aligned', () => {
    const file = new Uint8Array(9);
    new DataView(file.buffer).setFloat32(1, 2.5, true);
    const values = toFloat32({ dtype: 'F32', dims: [1], data: file.subarray(1, 5) }, 'w', 'f');
    expect([...values]).toEqual([2.5]);
    values[0] = 0;
    expect(new DataView(file.buffer).getFloat32(1, true)).toBe(2.5);
  });

  it('refuses integers', () => {
    expect(() =>
      toFloat32({ dtype: 'I8', dims: [1], data: new Uint8Array(1) }, 'w', 'q.safetensors'),
    ).toThrow(/q\.safetensors: tensor "w" has type I8.*F32, F16, BF16 or F8_E4M3/);
  });
});

describe('readShardIndex', () => {
  const index = (value: unknown): Uint8Array<ArrayBuffer> => new TextEncoder().encode(JSON.stringify(value));

  it('maps names to shards', () => {
    const shards = readShardIndex(
      index({ metadata: { total_size: 4 }, weight_map: { w: 'model-00001-of-00002.safetensors' } }),
      'index.json',
    );
    expect([...shards]).toEqual([['w', 'model-00001-of-00002.safetensors']]);
  });

  it.each([
    ['no JSON', new TextEncoder().encode('{')],
    ['no map', index({})],
    ['a list', index({ weight_map: [] })],
    ['a path', index({ weight_map: { w: '../secret.safetensors' } })],
    ['another folder', index({ weight_map: { w: 'a/b.safetensors' } })],
    ['another format', index({ weight_map: { w: 'pytorch_model.bin' } })],
    ['a number', index({ weight_map: { w: 1 } })],
  ])('refuses %s', (_, bytes) => {
    expect(() => readShardIndex(bytes, 'index.json')).toThrow(InputError);
  });
});

describe('toFloat16', () => {
  const halvesOf = (values: Float32Array<ArrayBuffer>): Uint16Array =>
    new Uint16Array(toFloat16([values.length], values).data.slice().buffer);

  it('gives every half back that toFloat32 read', () => {
    const halves = Uint16Array.from({ length: 65536 }, (_, bits) => bits).filter(
      (bits) => (bits & 0x7fff) <= 0x7c00,
    );
    const read = toFloat32({ dtype: 'F16', dims: [halves.length], data: bytesOf(halves) }, 'w', 'file');
    expect(halvesOf(read)).toEqual(halves);
    expect(halvesOf(Float32Array.of(NaN))[0]).toBe(0x7e00);
  });

  it('rounds to the nearest, ties to even', () => {
    const next = 1 + 2 ** -10;
    const values = Float32Array.of(
      1 + 2 ** -11,
      next + 2 ** -11,
      1 + 1.5 * 2 ** -11,
      -(2 ** -25),
      3 * 2 ** -25,
      65519,
      65520,
    );
    expect([...halvesOf(values)]).toEqual([0x3c00, 0x3c02, 0x3c01, 0x8000, 2, 0x7bff, 0x7c00]);
  });
});

describe('toFloat8', () => {
  const bytesOfValues = (values: Float32Array): number[] => [...toFloat8([values.length], values).data];

  it('gives every byte back that toFloat32 read', () => {
    const bytes = Uint8Array.from({ length: 256 }, (_, byte) => byte);
    const read = toFloat32({ dtype: 'F8_E4M3', dims: [256], data: bytes }, 'w', 'file');
    // As torch.float8_e4m3fn has them.
    expect([read[0x01], read[0x08], read[0x38], read[0x7e], read[0x7f], read[0xb8]]).toEqual([
      ...[2 ** -9, 2 ** -6, 1, 448, NaN, -1],
    ]);
    expect(bytesOfValues(read)).toEqual([...bytes].map((byte) => (byte === 0xff ? 0x7f : byte)));
  });

  it('rounds to the nearest, ties to even', () => {
    const values = Float32Array.of(
      1 + 1 / 16,
      1 + 3 / 16,
      2 - 1 / 16,
      -(2 ** -10),
      3 * 2 ** -10,
      464,
      465,
      1e9,
    );
    expect(bytesOfValues(values)).toEqual([0x38, 0x3a, 0x40, 0x80, 2, 0x7e, 0x7f, 0x7f]);
  });
});
