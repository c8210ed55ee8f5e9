/** Formats with readers that are wrong on purpose: what the harness must find. */

import { InputError } from '../../src/core/errors.ts';
import { SilentDifference, textOf, utf8, type FuzzFormat } from './format.ts';
import type { Mutation } from './mutate.ts';

const insertSign: Mutation = {
  name: 'put in the sign',
  weight: 3,
  apply: (bytes, random) => {
    const at = random.integer(bytes.length + 1);
    return utf8(`${textOf(bytes.slice(0, at))}!${textOf(bytes.slice(at))}`);
  },
};

/** A reader that does something wrong with whatever holds the sign. */
function planted(name: string, wrong: () => unknown): FuzzFormat {
  return {
    name,
    what: 'planted',
    readers: [],
    examples: [utf8('a valid file\nof two lines\n')],
    mutations: [insertSign],
    read: ({ bytes }) => {
      const text = textOf(bytes);
      if (text.includes('!')) return wrong();
      if (!text.includes('a')) throw new InputError('has no a', { file: 'x', remedy: 'Add one' });
      return text;
    },
  };
}

const held: Uint8Array[] = [];
const nobody: { readonly name?: { readonly length: number } } = {};

export const formats: readonly FuzzFormat[] = [
  planted('sound', () => undefined),
  planted('hangs', () => {
    for (;;) held.length = 0;
  }),
  planted('never-ends', () => new Promise(() => undefined)),
  planted('throws', () => (nobody as Required<typeof nobody>).name.length),
  planted('differs', () => {
    throw new SilentDifference('the sign was lost');
  }),
  planted('pollutes', () => Object.assign(Object.prototype, { polluted: true })),
  planted('takes-memory', () => {
    for (;;) held.push(new Uint8Array(4e6).fill(1));
  }),
  planted('fills-the-heap', () => {
    for (const all: string[] = []; ;) all.push(String(Math.random()).repeat(3));
  }),
  planted('rejects-later', () => void Promise.reject(new RangeError('nobody waits for this'))),
  planted('two-lines', () => {
    throw Object.assign(new InputError('x', { remedy: 'y' }), { message: 'two\nlines' });
  }),
  { ...planted('refuses-its-example', () => undefined), examples: [utf8('bcd')] },
];
