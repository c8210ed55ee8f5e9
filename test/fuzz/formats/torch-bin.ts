import { crc32 } from '../../../src/formats/crc32.ts';
import { readTorchCheckpoint } from '../../../src/formats/torch-pickle.ts';
import type { RandomStream } from '../../../src/core/random.ts';
import { rawZip, type RawEntry } from '../../corpus/raw-zip.ts';
import { byteMutations, concatenate, pick, rebuilt, repeatMutation, type Bytes } from '../mutate.ts';
import { SilentDifference, utf8, type FuzzFormat } from '../format.ts';

// A state dict as torch.save writes it (protocol 2).

const text = (value: string): Uint8Array => {
  const bytes = utf8(value);
  return concatenate([Uint8Array.of(0x58, bytes.length, 0, 0, 0), bytes]);
};
const global = (module: string, name: string): Uint8Array => utf8(`c${module}\n${name}\n`);
const integer = (value: number): Uint8Array => Uint8Array.of(0x4b, value);
const tuple = (...items: readonly Uint8Array[]): Uint8Array =>
  concatenate([Uint8Array.of(0x28), ...items, Uint8Array.of(0x74)]);

interface Saved {
  readonly name: string;
  readonly type: 'FloatStorage' | 'HalfStorage' | 'LongStorage';
  readonly dims: readonly number[];
  readonly stride: readonly number[];
  readonly data: Uint8Array;
  readonly elements: number;
}

const float = (
  name: string,
  dims: readonly number[],
  stride: readonly number[],
  values: readonly number[],
): Saved => ({
  name,
  type: 'FloatStorage',
  dims,
  stride,
  data: new Uint8Array(Float32Array.from(values).buffer),
  elements: values.length,
});

const saved: readonly Saved[] = [
  float('a.weight', [2, 3], [3, 1], [1, 2, 3, 4, 5, 6]),
  float('transposed', [3, 2], [1, 3], [6, 5, 4, 3, 2, 1]),
  float('a.bias', [4], [1], [0.5, -1, 1e30, 7]),
  {
    name: 'half',
    type: 'HalfStorage',
    dims: [2],
    stride: [1],
    data: new Uint8Array(Uint16Array.of(0x3c00, 0xc000).buffer),
    elements: 2,
  },
  {
    name: 'ids',
    type: 'LongStorage',
    dims: [1, 3],
    stride: [3, 1],
    data: new Uint8Array(BigInt64Array.of(0n, 1n, 2n).buffer),
    elements: 3,
  },
];

function pickled(): Bytes {
  const tensors = saved.flatMap(({ name, type, dims, stride, elements }, key) => [
    text(name),
    global('torch._utils', '_rebuild_tensor_v2'),
    tuple(
      concatenate([
        tuple(text('storage'), global('torch', type), text(String(key)), text('cpu'), integer(elements)),
        Uint8Array.of(0x51),
      ]),
      integer(0),
      tuple(...dims.map(integer)),
      tuple(...stride.map(integer)),
      Uint8Array.of(0x89),
      concatenate([global('collections', 'OrderedDict'), Uint8Array.of(0x29, 0x52)]),
    ),
    Uint8Array.of(0x52),
  ]);
  return concatenate([Uint8Array.of(0x80, 2, 0x7d, 0x28), ...tensors, Uint8Array.of(0x75, 0x2e)]);
}

const code = pickled();

function entriesWith(program: Uint8Array): RawEntry[] {
  return [
    { name: 'archive/data.pkl', packed: program },
    { name: 'archive/byteorder', packed: utf8('little') },
    ...saved.map(({ data }, key) => ({ name: `archive/data/${key}`, packed: data })),
    { name: 'archive/version', packed: utf8('3\n') },
  ];
}

const OPCODES = [
  ...[
    0x80, 0x95, 0x2e, 0x28, 0x4e, 0x88, 0x89, 0x4a, 0x4b, 0x4d, 0x8a, 0x47, 0x58, 0x8c, 0x29, 0x74, 0x85,
    0x86, 0x87,
  ],
  ...[0x7d, 0x73, 0x75, 0x63, 0x93, 0x51, 0x52, 0x62, 0x71, 0x72, 0x94, 0x68, 0x6a],
];

/** Another program, with its checksum. */
function otherProgram(random: RandomStream): Uint8Array {
  let program: Bytes = code;
  const changes = 1 + random.integer(4);
  for (let i = 0; i < changes; i++) {
    const at = random.integer(program.length);
    if (random.uniform() < 0.5) {
      program = program.with(at, pick(OPCODES, random));
      continue;
    }
    program = pick(byteMutations, random).apply(program, random, [code]) ?? program;
    if (program.length === 0) break;
  }
  return rawZip(entriesWith(program));
}

/** One entry of which a field lies. */
function lyingZip(random: RandomStream): Uint8Array {
  const entries = entriesWith(code);
  const at = random.integer(entries.length);
  const entry = entries[at] as RawEntry;
  const field = pick(
    ['method', 'flags', 'checksum', 'packedBytes', 'bytes', 'offset', 'localBytes'] as const,
    random,
  );
  const value = pick([0, 1, 2, 24, 0xffff, 0x7fffffff, 0xfffffffe, 0xffffffff, random.integer(2000)], random);
  return rawZip(entries.with(at, { ...entry, [field]: value }));
}

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex');
/** What any of the tensors holds; a transposed one is gathered in the order of its rows. */
const contents: ReadonlySet<string> = new Set([
  ...saved.map(({ data }) => hex(data)),
  hex(new Uint8Array(Float32Array.of(6, 3, 5, 2, 4, 1).buffer)),
]);

export const torchFormat: FuzzFormat = {
  name: 'pytorch-bin',
  what: 'weights as torch.save writes them (pytorch_model.bin)',
  readers: ['src/formats/torch-pickle.ts', 'src/formats/zip.ts'],
  examples: [new Uint8Array(rawZip(entriesWith(code)))],
  mutations: [
    repeatMutation,
    rebuilt('another program', 10, otherProgram, true),
    rebuilt('a field of the zip that lies', 5, lyingZip),
  ],
  read: async ({ bytes, resealed }) => {
    const tensors = await readTorchCheckpoint(bytes, 'pytorch_model.bin');
    if (resealed) return;
    for (const [name, { data }] of tensors) {
      if (!contents.has(hex(data)))
        throw new SilentDifference(`the tensor ${name} has other values (CRC ${crc32(data)})`);
    }
  },
};
