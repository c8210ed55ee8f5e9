import { describe, expect, it } from 'vitest';
import { InputError } from '../../src/core/errors.ts';
import { parseJudgments, readJudgments, relevantDocuments } from '../../src/corpus/judgments.ts';
import { textSource } from '../../src/core/source.ts';

const plain = (text: string) =>
  [...parseJudgments(text, 'qrels')].map(([query, grades]) => [query, Object.fromEntries(grades)]);

describe('judgments', () => {
  const expected = [
    ['q 1', { 'Geneva Durben': 1, d2: 0 }],
    ['q2', { d2: 2 }],
  ];

  it('reads BEIR TSV with a header and without', () => {
    const rows = 'q 1\tGeneva Durben\t1\nq 1\td2\t0\r\n\nq2\td2\t2\n';
    expect(plain(rows)).toEqual(expected);
    expect(plain(`\ufeffquery-id\tcorpus-id\tscore\n${rows}`)).toEqual(expected);
  });

  it('reads JSON lines', () => {
    const line = (query: string, document: string, score: number) =>
      JSON.stringify({ 'query-id': query, 'corpus-id': document, score });
    expect(
      plain([line('q 1', 'Geneva Durben', 1), line('q 1', 'd2', 0), line('q2', 'd2', 2)].join('\n')),
    ).toEqual(expected);
  });

  it('reads TREC qrels, separated by spaces or tabs', () => {
    expect(plain('301 0 CR93E-1282 1\n301\t0\tCR93E-9\t-1\n')).toEqual([
      ['301', { 'CR93E-1282': 1, 'CR93E-9': -1 }],
    ]);
  });

  it('takes a line that begins with # for data only with every column and a numeric grade', () => {
    expect(plain('# made by hand\n1 0 CR#9 1\n# 1 0 d 1\n#1 0 d none\n#2 0 #d 1\n')).toEqual([
      ['1', { 'CR#9': 1 }],
      ['#2', { '#d': 1 }],
    ]);
    expect(plain('#2\td\t1\nq\td\t1\n#3\td\t0\n# q\td\tnone\n# by hand\n')).toEqual([
      ['#2', { d: 1 }],
      ['q', { d: 1 }],
      ['#3', { d: 0 }],
    ]);
    expect(plain('#query-id\tcorpus-id\tscore\nq\td\t1\n')).toEqual([['q', { d: 1 }]]);
    expect(() => plain('#q\td\t1.5\n')).toThrow(/the grade "1\.5" is not a whole number/);
  });

  it('takes ids between tabs exactly as they are', () => {
    const ids = [[' a b#', { '  d ': 1 }]];
    expect(plain(' a b#\t  d \t1\n')).toEqual(ids);
    expect(plain(' a b#\t0\t  d \t1\n')).toEqual(ids);
    expect(plain('{x}\td\t1\n')).toEqual([['{x}', { d: 1 }]]);
  });

  it('takes a grade written as 1.0 and a pair repeated with the same grade', () => {
    expect(plain('a\tb\t1.0\na\tb\t1\n')).toEqual([['a', { b: 1 }]]);
  });

  it('treats __proto__ as an id like any other', () => {
    const judgments = parseJudgments('__proto__\tconstructor\t1\n', 'qrels');
    expect(judgments.get('__proto__')?.get('constructor')).toBe(1);
    expect(judgments.get('toString')).toBeUndefined();
  });

  it.each([
    ['a\tb\t1\na\tb\t2\n', 'qrels:2: query "a", document "b" is judged 2 here and 1 earlier'],
    ['a\tb\t1\na\tb\n', 'qrels:2: has 2 columns'],
    ['a\tb\tyes\n', 'qrels:1: the grade "yes" is not a whole number'],
    ['a\tb\t1.5\n', 'qrels:1: the grade "1.5" is not a whole number'],
    ['a 0 b\n', 'qrels:1: has 3 columns'],
    ['{"query-id": "a", "corpus-id": "b"}\n', 'qrels:1: "score" is not a whole number'],
    ['{"query-id": "a", "score": 1}\n', 'qrels:1: "corpus-id" is not an id'],
    ['{"query-id": "a"\n', 'qrels:1: not valid JSON'],
  ])('refuses %j', (text, message) => {
    expect(() => parseJudgments(text, 'qrels')).toThrow(InputError);
    expect(() => parseJudgments(text, 'qrels')).toThrow(message);
  });

  it('reads a source as it reads text', async () => {
    const text = 'query-id\tcorpus-id\tscore\na\tb\t1\nc\td\t0\n';
    expect(await readJudgments(textSource('qrels', text))).toEqual(parseJudgments(text, 'qrels'));
  });

  it('lists the relevant documents of a query', () => {
    const judgments = parseJudgments('a\tb\t1\na\tc\t2\na\td\t0\n', 'qrels');
    expect(relevantDocuments(judgments, 'a')).toEqual(['b', 'c']);
    expect(relevantDocuments(judgments, 'a', 2)).toEqual(['c']);
    expect(relevantDocuments(judgments, 'z')).toEqual([]);
  });
});
