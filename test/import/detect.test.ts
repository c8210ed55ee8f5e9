import { describe, expect, it } from 'vitest';
import { detect, type DetectOptions, type Detection } from '../../src/import/detect.ts';
import { file, folder, golden } from './support.ts';

async function detected(name: string, content: string, options: DetectOptions = {}) {
  const { kind, files } = await detect([file(name, content)], options);
  const [only] = files;
  if (only === undefined) throw new Error('nothing was detected');
  return { kind, ...only };
}

describe('the columns of a table', () => {
  it.each([
    ['id,title,text\n1,T,words', { id: ['id'], title: ['title'], text: ['text'] }],
    ['url,headline,body\nx,T,words', { title: ['headline'], text: ['body'] }],
    ['question,answer\nWhy?,Because', { query: ['question'], text: ['answer'] }],
    [
      'ID;Beschreibung\n1;Ein längerer Text über Dinge\n2;Noch ein Text',
      { id: ['ID'], text: ['Beschreibung'] },
    ],
    ['query,passage,label\nq,p,1\nq,p2,0', { query: ['query'], text: ['passage'], grade: ['label'] }],
  ])('of %j are guessed', async (content, columns) => {
    expect((await detected('a.csv', content)).columns).toEqual(columns);
  });

  it('are the chosen ones if a choice is made', async () => {
    const { columns, role } = await detected('a.csv', 'a,b,c\n1,2,3', {
      columns: { text: ['c'], query: ['a'] },
    });
    expect([columns, role]).toEqual([{ text: ['c'], query: ['a'] }, 'pairs']);
  });
});

it.each([
  [',', 'a,b;c\n"1,5",2;3\n4,5;6\n'],
  [';', 'a;b\n1,5;2\n3,5;4\n'],
  ['\t', 'a\tb\n1,5\t2\n3\t4,4\n'],
  ['|', 'a|b\n1,5|2\n3|4\n'],
])('finds the delimiter %j', async (delimiter, content) => {
  expect((await detected('a.csv', content)).layout?.delimiter).toBe(delimiter);
});

it('shows five rows, as they are', async () => {
  const rows = Array.from({ length: 9 }, (_, i) => `${i},"text ${i}"`);
  const { sample, layout } = await detected('a.csv', ['id,text', ...rows].join('\n'));
  expect(layout).toMatchObject({ header: true, columns: ['id', 'text'] });
  expect(sample.rows).toEqual([0, 1, 2, 3, 4].map((i) => [String(i), `text ${i}`]));
});

it('looks at the beginning alone', async () => {
  const line = `{"_id": "d", "text": "${'word ü漢 '.repeat(2000)}"}\n`;
  const content = line.repeat(60);
  let bytes = 0;
  const source = file('a.jsonl', content);
  const watched = {
    ...source,
    async *stream(start?: number, end?: number) {
      for await (const chunk of source.stream(start, end)) {
        bytes += chunk.length;
        yield chunk;
      }
    },
  };
  const { files } = await detect([watched]);
  expect(files[0]).toMatchObject({ role: 'texts', columns: { id: ['_id'], text: ['text'] } });
  // And four bytes, to see whether it is a zip.
  expect(bytes).toBeLessThanOrEqual(256 * 1024 + 4);
});

describe('what a file is', () => {
  const list = '{"query_id":"q","query":"a","documents":[{"id":"d","text":"t","source":"gold"}]}';
  it.each([
    ['corpus.jsonl', '{"_id":"1","title":"","text":"a"}', 'texts', 'texts'],
    ['queries.jsonl', '{"_id":"1","text":"a"}', 'queries', 'texts'],
    ['a.jsonl', '{"query":"a","positive":"b"}', 'pairs', 'texts and questions'],
    ['a.jsonl', '{"anchor":"a","positive":"b","negative":"c"}', 'lists', 'training lists'],
    ['a.jsonl', list, 'lists', 'training lists'],
    ['a.jsonl', '{"query":"a","pos":["b"],"neg":[]}', 'lists', 'training lists'],
    [
      'a.jsonl',
      '{"request":"x","prompt":"p","prompt_version":1,"reply":""}',
      'generations',
      'training lists',
    ],
    ['test.tsv', 'query-id\tcorpus-id\tscore\nq\td\t1\n', 'judgments', 'benchmark'],
    ['qrels.txt', 'q1 0 d1 1\nq1 0 d2 0\n', 'judgments', 'benchmark'],
    ['qrels.csv', 'query_id,doc_id,grade\nq,d,1\n', 'judgments', 'benchmark'],
    ['topics.tsv', '1\twhat is heat\n2\twhat is light\n', 'queries', 'texts'],
  ])('%s: %s', async (name, content, role, kind) => {
    expect(await detected(name, content)).toMatchObject({ role, kind });
  });

  it('and files together: texts, texts with questions, a benchmark', async () => {
    const corpus = '{"_id":"d1","text":"a"}\n';
    const queries = '{"_id":"q1","text":"b"}\n';
    const kind = async (files: Readonly<Record<string, string>>): Promise<Detection['kind']> =>
      (await detect([folder('set', files)])).kind;
    expect(await kind({ 'corpus.jsonl': corpus })).toBe('texts');
    expect(await kind({ 'corpus.jsonl': corpus, 'queries.jsonl': queries })).toBe('texts and questions');
    const all = { 'corpus.jsonl': corpus, 'queries.jsonl': queries, 'qrels/test.tsv': 'q1\td1\t1\n' };
    expect(await kind(all)).toBe('benchmark');
  });

  it('leaves training lists beside a corpus out, and says so', async () => {
    const { files, leftOut } = await detect([
      folder('set', { 'corpus.jsonl': '{"_id":"d1","text":"a"}', 'lists.jsonl': list }),
    ]);
    expect(files.map(({ path }) => path)).toEqual(['corpus.jsonl']);
    expect(leftOut).toEqual([{ path: 'lists.jsonl', reason: 'training lists' }]);
  });

  it('judgments in Parquet', async () => {
    const { files } = await detect([golden('qrels.parquet')]);
    expect(files[0]).toMatchObject({
      role: 'judgments',
      columns: { 'query-id': ['query-id'], 'document-id': ['corpus-id'], grade: ['score'] },
    });
  });
});
