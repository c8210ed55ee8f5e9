import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createAnalyzer, splitWords } from '../../src/retrieval/analyzer.ts';

describe('splitWords', () => {
  it.each<[string, string[]]>([
    ["don't rock'n'roll", ["don't", "rock'n'roll"]],
    ['the dogs’ dog’s', ['the', 'dogs', 'dog’s']],
    ["'quoted' ''twice''", ['quoted', 'twice']],
    ['e.g. U.S.A. 3.5 a..b', ['e.g', 'U.S.A', '3.5', 'a', 'b']],
    ['1,000 and/or TNF-α p<0.05', ['1', '000', 'and', 'or', 'TNF', 'α', 'p', '0.05']],
    ['snake_case_name', ['snake', 'case', 'name']],
    ['naïve nai\u0308ve', ['naïve', 'nai\u0308ve']],
    ['हिन्दी में', ['हिन्दी', 'में']],
    ['日本語テキスト한국어', ['日', '本', '語', 'テキスト한국어']],
    ['a日b', ['a', '日', 'b']],
    ['𝒜𝒷𝒸 𠀀𠀁 😀x', ['𝒜𝒷𝒸', '𠀀', '𠀁', 'x']],
    ['\ud800a\udc00', ['a\udc00']],
    ['', []],
    [" .'’ ", []],
  ])('%j', (text, words) => {
    expect(splitWords(text)).toEqual(words);
  });

  it('cuts what is longer than 255 units', () => {
    const words = splitWords(`${'x'.repeat(600)} y`);
    expect(words.map(({ length }) => length)).toEqual([255, 255, 90, 1]);
  });

  it('takes linear time for ten million characters of one word', () => {
    expect(splitWords('a'.repeat(10_000_000))).toHaveLength(Math.ceil(10_000_000 / 255));
    expect(splitWords(".'".repeat(2_000_000))).toHaveLength(0);
  });

  it('finds every letter and number of any text, in order, and nothing else but marks and joiners', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme', maxLength: 60 }), (text) => {
        const found = splitWords(text).join('');
        const letters = (s: string): string => s.replace(/[^\p{L}\p{N}]/gu, '');
        expect(letters(found)).toBe(letters(text));
        expect(found).toMatch(/^[\p{L}\p{N}\p{M}.'’＇]*$/u);
      }),
      { seed: 1, numRuns: 500 },
    );
  });
});

describe('the English analyzer', () => {
  const english = createAnalyzer('english');

  it('removes possessives, stop words and suffixes, in lower case', () => {
    expect(english.analyze("The Studies' findings: Alzheimer's and Parkinson’s DISEASES")).toEqual([
      'studi',
      'find',
      'alzheim',
      'parkinson',
      'diseas',
    ]);
  });

  it("leaves out Lucene's 33 stop words, also as possessives", () => {
    const stopWords =
      "a an and are as at be but by for if in into is it no not of on or such that the their then there these they this to was will with it's that's";
    expect(english.analyze(stopWords)).toEqual([]);
    expect(english.analyze('from which we have been')).toEqual(['from', 'which', 'we', 'have', 'been']);
  });

  it('gives the same terms the second time', () => {
    const text = "Relational databases aren't relations";
    expect(english.analyze(text)).toEqual(english.analyze(text));
  });
});

describe('the plain analyzer', () => {
  it('only lowers the case', () => {
    expect(createAnalyzer('plain').analyze("Die Häuser, the DOG's")).toEqual([
      'die',
      'häuser',
      'the',
      "dog's",
    ]);
  });
});
