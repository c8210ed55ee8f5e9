/**
 * Changes valid files a little or a lot. Everything random comes from the stream that is passed in, so an input is a
 * function of (format, seed, number).
 */

import type { RandomStream } from '../../src/core/random.ts';

export type Bytes = Uint8Array<ArrayBuffer>;

export interface Mutation {
  readonly name: string;
  /** How often, relative to the others. Default 1. */
  readonly weight?: number;
  /** Whether it puts checksums right, so that changed contents are valid. */
  readonly reseals?: boolean;
  /** @returns undefined where it does not apply, as to JSON that is none any more */
  apply(bytes: Bytes, random: RandomStream, others: readonly Bytes[]): Bytes | undefined;
}

/** No input grows beyond this: a format's limit on size is not what this looks for. */
const MAX_BYTES = 4 * 1024 * 1024;

export function concatenate(parts: readonly Uint8Array[]): Bytes {
  const bytes = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    bytes.set(part, at);
    at += part.length;
  }
  return bytes;
}

export function pick<T>(items: readonly T[], random: RandomStream): T {
  return items[random.integer(items.length)] as T;
}

/** A position anywhere, or, as often, near the start or the end, where headers are. */
function position(bytes: Uint8Array, random: RandomStream): number {
  const near = Math.min(bytes.length, 120);
  switch (random.integer(4)) {
    case 0:
      return random.integer(near);
    case 1:
      return bytes.length - 1 - random.integer(near);
    default:
      return random.integer(bytes.length);
  }
}

export function spliced(bytes: Uint8Array, at: number, removed: number, inserted: Uint8Array): Bytes {
  return concatenate([bytes.subarray(0, at), inserted, bytes.subarray(Math.min(bytes.length, at + removed))]);
}

const INTEGERS = [0, 1, 2, 0x7f, 0x80, 0xff, 0xffff, 0x10000, 0x7fffffff, 0x80000000, 0xfffffffe, 0xffffffff];
const MAGIC = [
  ...INTEGERS.flatMap((value) => [
    Uint8Array.of(value),
    Uint8Array.of(value, value >>> 8),
    Uint8Array.of(value, value >>> 8, value >>> 16, value >>> 24),
    Uint8Array.of(value, value >>> 8, value >>> 16, value >>> 24, 0, 0, 0, 0),
  ]),
  ...['PK\u0001\u0002', 'PK\u0003\u0004', 'PK\u0005\u0006', 'PK\u0006\u0007', 'GGUF', '../', '__proto__'].map(
    (token) => new TextEncoder().encode(token),
  ),
];

/** Mutations of bytes, whatever they mean. Every format gets them. */
export const byteMutations: readonly Mutation[] = [
  {
    name: 'flip a bit',
    weight: 3,
    apply: (bytes, random) => {
      const at = position(bytes, random);
      return bytes.with(at, (bytes[at] ?? 0) ^ (1 << random.integer(8)));
    },
  },
  {
    name: 'set a byte',
    weight: 2,
    apply: (bytes, random) => bytes.with(position(bytes, random), random.integer(256)),
  },
  {
    name: 'insert bytes',
    apply: (bytes, random) => {
      const inserted = Uint8Array.from({ length: 1 + random.integer(12) }, () => random.integer(256));
      return spliced(bytes, position(bytes, random), 0, inserted);
    },
  },
  {
    name: 'delete bytes',
    apply: (bytes, random) =>
      spliced(bytes, position(bytes, random), 1 + random.integer(40), new Uint8Array(0)),
  },
  {
    name: 'duplicate bytes',
    apply: (bytes, random) => {
      const from = position(bytes, random);
      const part = bytes.slice(from, from + 1 + random.integer(60));
      return spliced(bytes, position(bytes, random), 0, part);
    },
  },
  { name: 'truncate', apply: (bytes, random) => bytes.slice(0, position(bytes, random)) },
  {
    name: 'splice with another file',
    apply: (bytes, random, others) => {
      const other = pick(others, random);
      return concatenate([
        bytes.subarray(0, position(bytes, random)),
        other.subarray(position(other, random)),
      ]);
    },
  },
  {
    name: 'magic number',
    weight: 2,
    apply: (bytes, random) => {
      const token = pick(MAGIC, random);
      return spliced(bytes, position(bytes, random), random.integer(4) === 0 ? 0 : token.length, token);
    },
  },
];

const encoder = new TextEncoder();
const TOKENS = [
  ...'" "" , ; { } [ ] : \\ \\u0000 \\ud800 null NaN Infinity 1e999 -0 1.0 3.5 -5 # #x "__proto__": [[[[[['.split(
    ' ',
  ),
  ...['\t', '\n', '\r', '\r\n', '\n\n', '\0', ' ', '\ufeff', '\u2028', '\u202e', '\u001b[31m', '","', '"\n"'],
  ...['__proto__', 'constructor', 'toString', 'ä'.repeat(200), '😀', '```', '<think>', '</think>', '../../x'],
]
  .map((token): Uint8Array => encoder.encode(token))
  .concat([Uint8Array.of(0xff), Uint8Array.of(0xc0, 0x80), Uint8Array.of(0xed, 0xa0, 0x80)]);

/** Puts in or over what means something in text formats. */
export const tokenMutation: Mutation = {
  name: 'put a token',
  weight: 3,
  apply: (bytes, random) => {
    const token = pick(TOKENS, random);
    return spliced(bytes, position(bytes, random), random.integer(2) * token.length, token);
  },
};

/** One part repeated until it is long: what is quadratic shows, and what has no limit. */
export const repeatMutation: Mutation = {
  name: 'repeat a part many times',
  weight: 0.02,
  apply: (bytes, random) => {
    const from = position(bytes, random);
    const part = bytes.subarray(from, from + 1 + random.integer(30));
    const most = Math.floor((MAX_BYTES - bytes.length) / Math.max(1, part.length));
    const times = Math.min(most, pick([1000, 30_000, 300_000], random));
    if (times < 1) return undefined;
    const repeated = new Uint8Array(part.length * times);
    for (let i = 0; i < times; i++) repeated.set(part, i * part.length);
    return spliced(bytes, from, 0, repeated);
  },
};

function linesOf(bytes: Bytes): string[] {
  return new TextDecoder().decode(bytes).split('\n');
}

function changedLines(change: (lines: string[], random: RandomStream) => void): Mutation['apply'] {
  return (bytes, random) => {
    if (bytes.length > MAX_BYTES / 4) return undefined;
    const lines = linesOf(bytes);
    change(lines, random);
    return encoder.encode(lines.join('\n'));
  };
}

/** Lines and their columns. */
export const lineMutations: readonly Mutation[] = [
  {
    name: 'repeat a line',
    apply: changedLines((lines, random) => {
      const line = pick(lines, random);
      lines.splice(random.integer(lines.length + 1), 0, line);
    }),
  },
  {
    name: 'remove a line',
    apply: changedLines((lines, random) => void lines.splice(random.integer(lines.length), 1)),
  },
  {
    name: 'swap two lines',
    apply: changedLines((lines, random) => {
      const [a, b] = [random.integer(lines.length), random.integer(lines.length)];
      [lines[a], lines[b]] = [lines[b] ?? '', lines[a] ?? ''];
    }),
  },
  {
    name: 'change a column',
    weight: 3,
    apply: changedLines((lines, random) => {
      const at = random.integer(lines.length);
      const separator = pick(['\t', ' ', ',', ';'], random);
      const fields = (lines[at] ?? '').split(separator);
      const column = random.integer(fields.length);
      const field = fields[column] ?? '';
      const changes = [
        () => void fields.splice(column, 1),
        () => void fields.splice(column, 0, field),
        () => void fields.splice(column, 1, `"${field}`),
        () => void fields.splice(column, 1, `"${field.replaceAll('"', '""')}"`),
        () => void fields.splice(column, 1, ` ${field} `),
        () => void fields.splice(column, 1, `#${field}`),
        () => void fields.splice(column, 1, String(pick(NUMBERS, random))),
        () => void fields.splice(column, 1, pick(ODD_TEXTS, random)),
      ];
      pick(changes, random)();
      lines[at] = fields.join(separator);
    }),
  },
];

const NUMBERS = [
  ...[
    0,
    -0,
    1,
    -1,
    0.5,
    3.5,
    -5,
    1e-320,
    1e15,
    1e300,
    -1e300,
    2 ** 31,
    2 ** 32,
    2 ** 53,
    2 ** 53 + 2,
    2 ** 64,
  ],
];
const ODD_TEXTS = [
  ...[
    '',
    ' ',
    '#',
    '#x',
    ' x',
    'x ',
    'a b',
    'a\tb',
    'a\nb',
    '\0',
    '\u001b[31m',
    '\u202e',
    '\u2028',
    '[CLS]',
    '../..',
  ],
  ...[
    '__proto__',
    'constructor',
    'toString',
    'hasOwnProperty',
    'NaN',
    'Infinity',
    '1e400',
    '<script>',
    'x'.repeat(5000),
  ],
];
/** Stands in JSON text in place of a value. Some is no JSON, some no other way can be written. */
const RAW = [
  ...[
    'NaN',
    'Infinity',
    '-Infinity',
    '1e400',
    '-1e400',
    '1e-400',
    '-0',
    '00',
    '0x10',
    'undefined',
    "'x'",
    '"\\ud800"',
  ],
  ...[
    '"\\udc00x"',
    '"\\u0000"',
    '1'.repeat(400),
    `0.${'3'.repeat(400)}`,
    '{"a":1,"a":2}',
    '{"__proto__":{"x":1}}',
  ],
  ...['{"constructor":{"prototype":{"polluted":1}}}', '{"toJSON":1}', '{"length":1e9}', '[,]', '//'],
];
const KEYS = [
  '__proto__',
  'constructor',
  'toString',
  'hasOwnProperty',
  'prototype',
  'toJSON',
  'length',
  '',
  '0',
  ' ',
  'x',
];

/** A value that is written into JSON text as it is. */
class Raw {
  readonly text: string;
  constructor(text: string) {
    this.text = text;
  }
}

function oddValue(random: RandomStream): unknown {
  switch (random.integer(6)) {
    case 0:
      return pick(NUMBERS, random);
    case 1:
      return pick(ODD_TEXTS, random);
    case 2:
      return new Raw(pick(RAW, random));
    case 3:
      return pick([null, true, false, [], {}, [null], [[]], { type: 'Sequence' }, { name: 1 }], random);
    case 4:
      return new Raw(nested(pick([2, 20, 300, 5000], random), random));
    default:
      return random.uniform() < 0.02 ? hugeValue(random) : pick(NUMBERS, random);
  }
}

function nested(levels: number, random: RandomStream): string {
  const brackets: readonly (readonly [string, string])[] = [
    ['[', ']'],
    ['{"a":', '}'],
  ];
  const [open, close] = pick(brackets, random);
  return `${open.repeat(levels)}1${close.repeat(levels)}`;
}

function hugeValue(random: RandomStream): unknown {
  switch (random.integer(4)) {
    case 0:
      return new Raw(nested(100_000, random));
    case 1:
      return 'x'.repeat(1_000_000);
    case 2:
      return new Raw(`[${'1,'.repeat(200_000)}1]`);
    default:
      return new Raw(`{${Array.from({ length: 50_000 }, (_, i) => `"k${i}":${i}`).join()}}`);
  }
}

function changedText(text: string, random: RandomStream): string {
  const at = random.integer(text.length + 1);
  switch (random.integer(5)) {
    case 0:
      return `${text.slice(0, at)}${pick(ODD_TEXTS, random)}${text.slice(at)}`;
    case 1:
      return text.slice(0, at);
    case 2:
      return `${text}${text}`;
    case 3:
      return text.toUpperCase();
    default:
      return `#${text}`;
  }
}

function changedNumber(value: number, random: RandomStream): number {
  return pick([value + 1, value - 1, -value, value * 2, value / 2, value + 0.5, value * 1e9, 0], random);
}

/** Another value somewhere in a JSON value. `all` holds the values that stand anywhere in it. */
function twisted(value: unknown, random: RandomStream, all: readonly unknown[]): unknown {
  if (typeof value !== 'object' || value === null || value instanceof Raw || random.uniform() < 0.12) {
    const choice = random.uniform();
    if (typeof value === 'string' && choice < 0.4) return changedText(value, random);
    if (typeof value === 'number' && choice < 0.4) return changedNumber(value, random);
    if (typeof value === 'boolean' && choice < 0.4) return !value;
    if (choice < 0.5) return pick(all, random);
    if (choice < 0.6) return [value];
    return oddValue(random);
  }
  if (Array.isArray(value)) {
    const items = value as readonly unknown[];
    const at = random.integer(items.length + 1);
    const item = items[at] ?? null;
    const rest = [items.slice(0, at), items.slice(at + 1)] as const;
    switch (random.integer(8)) {
      case 0:
        return [...rest[0], ...rest[1]];
      case 1:
        return [...rest[0], item, item, ...rest[1]];
      case 2: {
        const text = JSON.stringify(item);
        const most = Math.min(200_000, Math.floor(2_000_000 / (text.length + 1)));
        const times = random.uniform() < 0.02 ? most : 20;
        return new Raw(`[${`${text},`.repeat(Math.max(1, times))}${text}]`);
      }
      default:
        return [...rest[0], twisted(item, random, all), ...rest[1]];
    }
  }
  const entries: readonly [string, unknown][] = Object.entries(value);
  const at = random.integer(entries.length + 1);
  const [key, member]: readonly [string, unknown] = entries[at] ?? ['new', null];
  const others = entries.filter((_, i) => i !== at);
  switch (random.integer(8)) {
    case 0:
      return Object.fromEntries(others);
    case 1:
      return Object.fromEntries([...others, [pick(KEYS, random), member]]);
    case 2:
      return Object.fromEntries([...entries, [pick(KEYS, random), oddValue(random)]]);
    default:
      return Object.fromEntries(
        entries[at] === undefined
          ? [...entries, [key, oddValue(random)]]
          : entries.map(([name, each], i) => [name, i === at ? twisted(member, random, all) : each]),
      );
  }
}

function everyValue(value: unknown, into: unknown[]): void {
  if (into.length > 200) return;
  into.push(value);
  if (typeof value === 'object' && value !== null)
    Object.values(value).forEach((each) => everyValue(each, into));
}

/** JSON with its raw parts. */
function written(value: unknown): string {
  const raws: string[] = [];
  const text = JSON.stringify(value, (_, each: unknown) => {
    if (!(each instanceof Raw)) return each;
    raws.push(each.text);
    return `\u0001raw${raws.length - 1}\u0001`;
  });
  return text.replace(/"\\u0001raw(\d+)\\u0001"/g, (_, number: string) => raws[Number(number)] ?? '');
}

/** Changes a JSON value: types, names, numbers, nesting, repetition. Undefined for what is no JSON. */
export function twistedJson(text: string, random: RandomStream): string | undefined {
  if (text.length > MAX_BYTES / 8) return undefined;
  let value: unknown;
  try {
    value = JSON.parse(text);
    const all: unknown[] = [];
    everyValue(value, all);
    return written(twisted(value, random, all));
  } catch {
    return undefined;
  }
}

/** For files that hold one JSON value. */
export const jsonMutation: Mutation = {
  name: 'change the JSON',
  weight: 12,
  apply: (bytes, random) => {
    const text = twistedJson(new TextDecoder().decode(bytes), random);
    return text === undefined ? undefined : encoder.encode(text);
  },
};

/** For files with one JSON value on each line. */
export const jsonLineMutation: Mutation = {
  name: 'change the JSON of a line',
  weight: 12,
  apply: (bytes, random) => {
    const lines = linesOf(bytes);
    const at = random.integer(Math.max(1, lines.length - 1));
    const text = twistedJson(lines[at] ?? '', random);
    return text === undefined ? undefined : encoder.encode(lines.with(at, text).join('\n'));
  },
};

/** A mutation that builds the file anew from parts of which it may lie. */
export function rebuilt(
  name: string,
  weight: number,
  build: (random: RandomStream) => Uint8Array,
  reseals = false,
): Mutation {
  return { name, weight, reseals, apply: (_, random) => new Uint8Array(build(random)) };
}

export interface MadeInput {
  readonly bytes: Bytes;
  readonly resealed: boolean;
  /** Which mutations made it, in order. */
  readonly steps: readonly string[];
}

/** An input: one of the examples after one to four mutations. */
export function mutated(
  examples: readonly Bytes[],
  mutations: readonly Mutation[],
  random: RandomStream,
): MadeInput {
  let bytes = pick(examples, random);
  let resealed = false;
  const steps: string[] = [];
  const total = mutations.reduce((sum, { weight = 1 }) => sum + weight, 0);
  const count = 1 + random.integer(2) * random.integer(4);
  for (let step = 0; step < count && bytes.length > 0; step++) {
    const mutation = weighted(mutations, random.uniform() * total);
    const changed = mutation.apply(bytes, random, examples);
    if (changed === undefined || changed.length > MAX_BYTES) continue;
    bytes = changed;
    resealed ||= mutation.reseals === true;
    steps.push(mutation.name);
  }
  return { bytes, resealed, steps };
}

function weighted(mutations: readonly Mutation[], at: number): Mutation {
  let left = at;
  for (const mutation of mutations) {
    left -= mutation.weight ?? 1;
    if (left < 0) return mutation;
  }
  return mutations.at(-1) as Mutation;
}
