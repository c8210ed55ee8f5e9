import { describe, expect, it } from 'vitest';
import { TokenTemplate, type EncodeTokens } from '../../src/encoders/token-template.ts';

/** ASCII letters as tokens. */
const of = (text: string): number[] => Array.from(text, (letter) => letter.charCodeAt(0));

/** They stand between special tokens as RoBERTa (0, 2) or BERT (101, 102) puts those. */
function letters(kind: 'roberta' | 'bert'): EncodeTokens {
  return (text, second, isWhole) => {
    const [a, b] = [of(text), of(second ?? '')];
    if (!isWhole) return { ids: a, segments: a.map(() => 0) };
    const [cls, sep] = kind === 'bert' ? [101, 102] : [0, 2];
    const first = [cls, ...a, sep];
    const next = second === undefined ? [] : [...(kind === 'bert' ? [] : [sep]), ...b, sep];
    const segment = kind === 'bert' ? 1 : 0;
    return { ids: [...first, ...next], segments: [...first.map(() => 0), ...next.map(() => segment)] };
  };
}

describe('a token template', () => {
  it.each(['roberta', 'bert'] as const)('gives what the %s tokenizer gives, where nothing is cut', (kind) => {
    const encode = letters(kind);
    const template = TokenTemplate.learn(encode, 'tokenizer.json');
    for (const text of ['', 'a', 'b', 'abba', 'some words']) {
      expect(template.single(text, 100)).toEqual(encode(text, undefined, true));
      for (const second of ['', 'a', 'ba', 'other words']) {
        expect(template.pair(text, second, 100)).toEqual(encode(text, second, true));
      }
    }
  });

  it('cuts within the text, the longer of a pair first, and keeps the special tokens', () => {
    const template = TokenTemplate.learn(letters('roberta'), 'tokenizer.json');
    expect(template.single('abcdef', 5).ids).toEqual([0, ...of('abc'), 2]);
    expect(template.pair('ab', 'cdefghij', 10).ids).toEqual([0, ...of('ab'), 2, 2, ...of('cdef'), 2]);
    expect(template.pair('abcdefgh', 'ij', 10).ids).toEqual([0, ...of('abcd'), 2, 2, ...of('ij'), 2]);
    expect(template.pair('abcdefgh', 'ijklmnop', 10).ids).toEqual([0, ...of('abc'), 2, 2, ...of('ijk'), 2]);
    expect(template.pair('abcd', 'efgh', 2).ids).toEqual([0, 2, 2, 2]);
    const segments = TokenTemplate.learn(letters('bert'), 'tokenizer.json').pair('abcd', 'efgh', 7).segments;
    expect(segments).toEqual([0, 0, 0, 0, 1, 1, 1]);
  });

  it('refuses a tokenizer that changes texts', () => {
    const odd: EncodeTokens = (text, second, isWhole) =>
      isWhole ? { ids: [1, 2, 3], segments: [0, 0, 0] } : letters('bert')(text, second, isWhole);
    expect(() => TokenTemplate.learn(odd, 'tokenizer.json')).toThrow(
      /tokenizer\.json: the tokenizer changes texts/,
    );
  });
});
