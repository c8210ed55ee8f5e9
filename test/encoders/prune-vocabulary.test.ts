import { expect, it } from 'vitest';
import { chooseTokens } from '../../src/encoders/prune-vocabulary.ts';

const characters = Array.from({ length: 0x7f - 0x21 }, (_, i) => String.fromCharCode(0x21 + i));
const tokens = [
  '[PAD]',
  '[unused0]',
  '[UNK]',
  '[CLS]',
  '[SEP]',
  '[MASK]',
  ...characters,
  ...characters.map((character) => `##${character}`),
  'the',
  '##ing',
  'rare',
  'tide',
  'é',
];
const idOf = (token: string): number => tokens.indexOf(token);

it('keeps special tokens first, every ASCII character, what is frequent, then whole words', () => {
  const counts = new Uint32Array(tokens.length);
  counts[idOf('##ing')] = 9;
  counts[idOf('[CLS]')] = 99;
  const kept = chooseTokens(tokens, counts, 5 + 2 * characters.length + 2);
  expect(kept.slice(0, 5).map((id) => tokens[id])).toEqual(['[PAD]', '[UNK]', '[CLS]', '[SEP]', '[MASK]']);
  const names = kept.map((id) => tokens[id]);
  for (const character of characters)
    expect(names).toEqual(expect.arrayContaining([character, `##${character}`]));
  expect(names).toContain('the');
  expect(names).toContain('rare');
  expect(names).not.toContain('é');
  expect(new Set(kept).size).toBe(kept.length);
  expect(kept.slice(5)).toEqual(kept.slice(5).sort((a, b) => a - b));
});

it('prefers the tokens that occur most, while they take less than three quarters', () => {
  const words = Array.from({ length: 1000 }, (_, i) => `##x${i}`);
  const all = [...tokens, ...words];
  const counts = new Uint32Array(all.length);
  words.forEach((word, i) => (counts[all.indexOf(word)] = 1000 - i));
  const kept = new Set(chooseTokens(all, counts, 605));
  expect(kept.has(all.indexOf('##x0'))).toBe(true);
  expect([...kept].filter((id) => all[id]?.startsWith('##x') === true && id >= tokens.length)).toHaveLength(
    600 * 0.75 - 2 * characters.length,
  );
});
