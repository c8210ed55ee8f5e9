import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { InputError } from '../../src/core/errors.ts';
import { textSource } from '../../src/core/source.ts';
import { formatRunLines, readRun } from '../../src/metrics/run.ts';

const read = async (text: string) => {
  const { run, tag } = await readRun(textSource('bm25.run', text));
  return {
    tag,
    run: Object.fromEntries(
      [...run].map(([query, { documents, scores }]) => [query, [documents, Array.from(scores)]]),
    ),
  };
};

describe('readRun', () => {
  it('reads columns separated by blanks or tabs, whatever stands behind the tag', async () => {
    const text =
      '1 Q0 d1 1 2.5 bm25\n\n# note\n1\tQ0\td2\t2\t  1e-3\tbm25 and more words\n2 Q0 d1 1 -.5 x y\n';
    expect(await read(text)).toEqual({
      tag: 'bm25',
      run: {
        1: [
          ['d1', 'd2'],
          [2.5, 0.001],
        ],
        2: [['d1'], [-0.5]],
      },
    });
  });

  it('reads CRLF, a byte order mark, infinite scores and ids with blanks between tabs', async () => {
    const text = '\uFEFF1 Q0 d1 1 inf t\r\n1 Q0 d2 2 -Infinity t\r\nq 2\tQ0\tGeneva Durben\t1\t0\tt\r\n';
    expect(await read(text)).toEqual({
      tag: 't',
      run: {
        1: [
          ['d1', 'd2'],
          [Infinity, -Infinity],
        ],
        'q 2': [['Geneva Durben'], [0]],
      },
    });
  });

  it('takes ids between tabs exactly as they are', async () => {
    expect(await read(' a b#\tQ0\t  d \t1\t2\tt\n#q\tQ0\t#d\t1\t1\tt\n')).toEqual({
      tag: 't',
      run: { ' a b#': [['  d '], [2]], '#q': [['#d'], [1]] },
    });
  });

  it('takes a line that begins with # for data only with every column and a numeric rank and score', async () => {
    const text =
      '# a run of ours\n#q Q0 d1 1 2 t\n# q Q0 d2 2 1 t\n  # a note\n#q Q0 d3 none 1 t\n#q Q0 d4 4 low t\n' +
      '#q Q0 #d5 5 -inf t\n#\tof\tsix\tcolumns\twith\ttabs\n';
    expect((await read(text)).run).toEqual({
      '#q': [
        ['d1', '#d5'],
        [2, -Infinity],
      ],
    });
  });

  it('reads queries whose lines are not together', async () => {
    const text = '1 Q0 a 1 2 t\n2 Q0 a 1 2 t\n1 Q0 b 2 1 t\n';
    expect((await read(text)).run['1']).toEqual([
      ['a', 'b'],
      [2, 1],
    ]);
  });

  it('takes an empty file for an empty run', async () => {
    expect(await read('')).toEqual({ tag: '', run: {} });
  });

  it.each([
    ['1 Q0 d1 1 2.5\n', /^bm25\.run:1: has 5 columns\. Use/],
    ['1 Q0 d1 1 2 t\n1 Q0 d2 2 high t\n', /^bm25\.run:2: the score "high" is not a number/],
    ['1 Q0 d1 1 NaN t\n', /^bm25\.run:1: the score "NaN"/],
    ['1 Q0 d1 1 1,5 t\n', /^bm25\.run:1: the score "1,5"/],
    ['1 Q0 d1 1 0x10 t\n', /^bm25\.run:1: the score "0x10"/],
    ['1 Q0 a 1 3 t\n2 Q0 a 1 2 t\n1 Q0 a 2 1 t\n', /^bm25\.run:3: document a is listed twice for query 1/],
    ['1\tQ0\t\t1\t2\tt\n', /^bm25\.run:1: an id is not valid/],
    ['1\tQ0\td\t1\thigh\tt\n', /^bm25\.run:1: the score "high"/],
  ])('refuses %j', async (text, message) => {
    await expect(read(text)).rejects.toThrow(InputError);
    await expect(read(text)).rejects.toThrow(message);
  });
});

describe('formatRunLines', () => {
  it('writes ranks from 1 and blanks between the columns', () => {
    expect(formatRunLines('q1', { documents: ['d7', 'd3'], scores: [1.5, 0.1] }, 'ours')).toBe(
      'q1 Q0 d7 1 1.5 ours\nq1 Q0 d3 2 0.1 ours\n',
    );
  });

  it('writes what readRun reads back, to the bit, between tabs whatever the ids', async () => {
    const id = fc
      .string({
        minLength: 1,
        unit: fc.oneof(fc.constantFrom(' ', '#', '\v', '\u00a0'), fc.string({ maxLength: 1 })),
      })
      // A byte order mark at the start of a file is none of its first id's.
      .filter((text) => /^[^\t\r\n]+$/.test(text) && !text.startsWith('\ufeff'));
    const scored = fc.uniqueArray(fc.tuple(id, fc.double({ noNaN: true })), {
      selector: ([document]) => document,
      minLength: 1,
    });
    const readBack = async (query: string, pairs: [string, number][], format: 'trec' | 'tsv') => {
      const documents = pairs.map(([document]) => document);
      const scores = pairs.map(([, score]) => (score === 0 ? 0 : score));
      const text = formatRunLines(query, { documents, scores }, 'tag', format);
      const { run } = await readRun(textSource('run', text));
      expect([...run.keys()]).toEqual([query]);
      expect(run.get(query)?.documents).toEqual(documents);
      expect(run.get(query)?.scores).toEqual(scores);
    };
    await fc.assert(fc.asyncProperty(id, scored, (query, pairs) => readBack(query, pairs, 'tsv')));
    const word = id.map((text) => text.replace(/\s/g, '_'));
    const words = fc.uniqueArray(fc.tuple(word, fc.double({ noNaN: true })), {
      selector: ([document]) => document,
      minLength: 1,
    });
    await fc.assert(fc.asyncProperty(word, words, (query, pairs) => readBack(query, pairs, 'trec')));
  });

  it('refuses white space in the ids of a TREC run, names the id and suggests tabs', () => {
    const write = (query: string, document: string, tag = 't') =>
      formatRunLines(query, { documents: [document], scores: [1] }, tag);
    expect(() => write('q', 'Geneva Durben')).toThrow(InputError);
    expect(() => write('q', 'Geneva Durben')).toThrow(/"Geneva Durben" contains white space.*tab-separated/);
    expect(() => write(' q', 'd')).toThrow(/" q" contains white space/);
    expect(() => write('q', 'd\u00a0')).toThrow(/contains white space/);
    expect(() => write('q', 'd', 'my tag')).toThrow(/"my tag" contains white space/);
  });

  it('refuses ids that a run file can not hold, and scores that are not numbers', () => {
    const write = (document: string, score: number) =>
      formatRunLines('q', { documents: [document], scores: [score] }, 't');
    expect(() => write('a\tb', 1)).toThrow(InputError);
    expect(() => write('', 1)).toThrow(InputError);
    expect(() => write('a', NaN)).toThrow(RangeError);
  });
});
