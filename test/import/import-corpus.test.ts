import { describe, expect, it } from 'vitest';
import { readBeir } from '../../src/corpus/beir.ts';
import { detect } from '../../src/import/detect.ts';
import { importCorpus, type ImportProgress } from '../../src/import/import-corpus.ts';
import { keywordBaseline } from '../../src/import/keyword-baseline.ts';
import { readThrough, type ByteSource } from '../../src/core/source.ts';
import { collect } from '../corpus/support.ts';
import { file, folder, golden, imported } from './support.ts';

const sentence = (seed: number): string =>
  Array.from({ length: 30 }, (_, i) => `word${(seed * 7919 + i * i * 31 + i * seed) % 5003}`).join(' ');

describe('passages', () => {
  const text = Array.from({ length: 100 }, (_, i) => `w${i + 1}${i % 10 === 9 ? '.' : ''}`).join(' ');

  it('of so many words overlap, and end with a sentence where one ends near', async () => {
    const { documents } = await imported(file('a.jsonl', JSON.stringify({ _id: 'd', title: 'T', text })), {
      split: { by: 'words', words: 33, overlap: 5 },
    });
    const ends = documents.map(({ text: passage }) => [passage.split(' ')[0], passage.split(' ').at(-1)]);
    expect(ends).toEqual([
      ['w1', 'w30.'],
      ['w26', 'w50.'],
      ['w46', 'w70.'],
      ['w66', 'w90.'],
      ['w86', 'w100.'],
    ]);
    expect(documents.map(({ _id, title }) => `${_id} ${title}`)).toEqual([
      'd T',
      'd-2 T',
      'd-3 T',
      'd-4 T',
      'd-5 T',
    ]);
  });

  it('lose no word of any text, and have no more than so many', async () => {
    for (const [words, overlap] of [
      [7, 0],
      [50, 25],
      [200, 10],
      [1, 0],
    ] as const) {
      const { texts } = await imported(file('a.txt', text), {
        split: { by: 'words', words, overlap },
        keepDuplicates: true,
      });
      expect(new Set(texts.flatMap((passage) => passage.split(' '))).size).toBe(100);
      expect(Math.max(...texts.map((passage) => passage.split(' ').length))).toBeLessThanOrEqual(words);
    }
  });

  it('count letters of scripts without spaces as words', async () => {
    const { texts } = await imported(file('a.txt', '水は低い所へ流れる。'.repeat(10)), {
      split: { by: 'words', words: 40, overlap: 0 },
    });
    expect(Math.max(...texts.map(({ length }) => length))).toBeLessThanOrEqual(44);
  });
});

describe('duplicates', () => {
  const rows = [sentence(1), sentence(2), sentence(1).toUpperCase(), `${sentence(2)} more`, sentence(3)];
  const corpus = file('a.jsonl', rows.map((text, i) => JSON.stringify({ _id: `d${i}`, text })).join('\n'));

  it('are left out, equal ones and nearly equal ones, and told', async () => {
    const { documents, report } = await imported(corpus);
    expect(documents.map(({ _id }) => _id)).toEqual(['d0', 'd1', 'd4']);
    expect(report).toMatchObject({
      texts: 5,
      passages: 3,
      exactDuplicates: 1,
      nearDuplicates: 1,
      duplicateExamples: [
        { place: 'a.jsonl:3', of: 'd0' },
        { place: 'a.jsonl:4', of: 'd1' },
      ],
    });
  });

  it('stay if they are to be kept', async () => {
    expect((await imported(corpus, { keepDuplicates: true })).documents).toHaveLength(5);
  });

  it('of a benchmark stay: its figures are compared with others', async () => {
    const set = folder('set', {
      'corpus.jsonl': rows.map((text, i) => JSON.stringify({ _id: `d${i}`, text })).join('\n'),
      'queries.jsonl': '{"_id":"q","text":"word"}',
      'qrels/test.tsv': 'q\td2\t1\n',
    });
    const { documents, files } = await imported(set);
    expect(documents).toHaveLength(5);
    expect(files.get('qrels/test.tsv')).toBe('query-id\tcorpus-id\tscore\nq\td2\t1\n');
  });
});

describe('questions beside their texts', () => {
  const pairs = [
    'question,answer',
    ...Array.from({ length: 40 }, (_, i) => `What is ${i}?,"${sentence(Math.floor(i / 2))}"`),
  ];

  it('become train and test queries that share no passage', async () => {
    const { files, report, documents } = await imported(file('faq.csv', pairs.join('\n')));
    expect(report).toMatchObject({
      kind: 'texts and questions',
      passages: 20,
      queries: 40,
      exactDuplicates: 20,
    });
    const judged = (split: string): string[][] =>
      (files.get(`qrels/${split}.tsv`) ?? '')
        .trim()
        .split('\n')
        .slice(1)
        .map((line) => line.split('\t'));
    expect(report.judgments).toEqual({ test: judged('test').length, train: judged('train').length });
    expect(judged('test')).toHaveLength(8);
    const train = new Set(judged('train').map(([, passage]) => passage));
    expect(judged('test').filter(([, passage]) => train.has(passage))).toEqual([]);
    const ids = new Set(documents.map(({ _id }) => _id));
    expect([...judged('test'), ...judged('train')].every(([, passage]) => ids.has(passage ?? ''))).toBe(true);
  });

  it('are all test queries if the share is 1, and train queries if it is 0', async () => {
    for (const [testShare, split] of [
      [1, 'test'],
      [0, 'train'],
    ] as const) {
      const { report } = await imported(file('faq.csv', pairs.join('\n')), { testShare });
      expect(report.judgments).toEqual({ [split]: 40 });
    }
  });

  it('have their grades', async () => {
    const { files } = await imported(
      file(
        'a.jsonl',
        ['[1] a', '[2] b', '[0] c']
          .map((text, i) => JSON.stringify({ query: 'Why?', text, score: [1, 2, 0][i] }))
          .join('\n'),
      ),
    );
    expect(files.get('qrels/test.tsv')).toBe('query-id\tcorpus-id\tscore\nq1\t1\t1\nq1\t2\t2\nq1\t3\t0\n');
  });
});

describe('a benchmark', () => {
  const corpus = ['heat rises', 'light is fast', 'bones heal']
    .map((text, i) => `{"_id":"d${i}","title":"","text":"${text}"}\n`)
    .join('');
  const queries = '{"_id":"q1","text":"what is heat"}\n{"_id":"q2","text":"speed of light"}\n';

  it('of loose files is put together, and BM25 is measured on it', async () => {
    const { files } = await imported([
      file('corpus.jsonl', corpus),
      file('queries.jsonl', queries),
      file('test.tsv', 'q1\td0\t1\nq2\td1\t1\n'),
    ]);
    const tree = folder('out', Object.fromEntries(files));
    expect(await collect((await readBeir(tree)).documents())).toHaveLength(3);
    expect(await keywordBaseline(tree)).toEqual({
      split: 'test',
      queries: 2,
      metrics: { ndcg_cut_10: 1, recall_100: 1 },
    });
  });

  it('keeps its splits, and leaves out judgments of what there is not', async () => {
    const { files, report } = await imported(
      folder('set', {
        'corpus.jsonl': corpus,
        'queries.jsonl': queries,
        'qrels/train.tsv': 'q1\td0\t1\nq1\td9\t1\n',
        'qrels/dev.tsv': 'q2\td1\t1\n',
      }),
    );
    expect(files.get('qrels/train.tsv')).toBe('query-id\tcorpus-id\tscore\nq1\td0\t1\n');
    expect(report.judgments).toEqual({ dev: 1, train: 1 });
    expect(report.warnings).toEqual([
      'judgments of unknown texts or queries: 1 (excluded; set/qrels/train.tsv:2 judges the text "d9", which no file has)',
    ]);
  });

  it('takes judgments in Parquet and TREC form', async () => {
    const text = (i: number): string => `{"_id":"d${i}","text":"text ${i}"}\n`;
    const { report } = await imported([
      file('corpus.jsonl', [0, 2, 4].map(text).join('')),
      file('queries.jsonl', queries),
      golden('qrels.parquet'),
      file('train.qrels.txt', 'q1 0 d4 1\n'),
    ]);
    expect(report.judgments).toEqual({ test: 3, train: 1 });
  });

  it('gives each passage of a judged text its grade', async () => {
    const { files, report } = await imported(
      folder('set', {
        'corpus.jsonl': '{"_id":"d0","text":"one two three four"}',
        'queries.jsonl': queries,
        'qrels/test.tsv': 'q1\td0\t2\n',
      }),
      { split: { by: 'words', words: 2, overlap: 0 } },
    );
    expect(files.get('qrels/test.tsv')).toContain('q1\td0\t2\nq1\td0-2\t2\n');
    expect(report.warnings).toEqual([
      'judged texts that were split: 1 (each of their passages has their grade)',
    ]);
  });
});

it('compares lengths with the limit of an encoder', async () => {
  const texts = Array.from({ length: 100 }, (_, i) =>
    Array.from({ length: i + 1 }, (_2, j) => `w${i}x${j}`).join(' '),
  );
  const { report } = await imported(file('a.txt', texts.join('\n')), {
    tokens: { limit: 64, count: (text) => text.split(' ').length + 2 },
  });
  expect(report.lengths).toEqual({
    words: { median: 50, p95: 95, longest: 100 },
    tokens: { limit: 64, sampled: 100, median: 52, p95: 97, longer: 38 },
  });
});

describe('a long import', () => {
  /** Rows that are made while they are read. */
  function endless(rows: number): ByteSource {
    async function* stream(): AsyncGenerator<Uint8Array> {
      for (let i = 0; i < rows; i += 100) {
        const block = Array.from(
          { length: 100 },
          (_, j) => `{"_id":"d${i + j}","text":"${sentence(i + j)} ${i + j}"}\n`,
        );
        yield await Promise.resolve(new TextEncoder().encode(block.join('')));
      }
    }
    return {
      name: 'a.jsonl',
      size: rows * 300,
      stream: (start = 0, end = rows * 300) => (end < rows * 300 ? head(end - start) : stream()),
    };
  }
  async function* head(bytes: number): AsyncGenerator<Uint8Array> {
    const line = '{"_id":"d","text":"t"}\n';
    yield await Promise.resolve(
      new TextEncoder().encode(line.repeat(Math.ceil(bytes / line.length)).slice(0, bytes)),
    );
  }

  it('ends soon after its signal is aborted, wherever it is', async () => {
    const controller = new AbortController();
    const detection = await detect([endless(10_000_000)]);
    const corpus = importCorpus(detection, { signal: controller.signal });
    let abortedAt = 0;
    setTimeout(() => {
      abortedAt = performance.now();
      controller.abort();
    }, 300);
    const read = async (): Promise<void> => {
      for await (const { content } of corpus.files()) await readThrough(content);
    };
    await expect(read()).rejects.toThrow(/abort/i);
    expect(abortedAt).toBeGreaterThan(0);
    expect(performance.now() - abortedAt).toBeLessThan(4000);
  });

  it('tells how far it is', async () => {
    const told: ImportProgress[] = [];
    const corpus = file('a.txt', Array.from({ length: 20_000 }, (_, i) => sentence(i)).join('\n'));
    await imported(corpus, { onProgress: (progress) => told.push(progress) });
    expect(told.length).toBeGreaterThan(2);
    expect(told.at(-1)).toEqual({
      bytes: corpus.size,
      totalBytes: corpus.size,
      passages: expect.any(Number) as number,
    });
    const bytes = told.map((progress) => progress.bytes);
    expect(bytes).toEqual([...bytes].sort((a, b) => a - b));
  });
});
