import { describe, expect, it } from 'vitest';
import type { ListFormat, ListReadOptions, ListWriteOptions } from '../../src/corpus/lists.ts';
import { formatList, readLists, writeLists } from '../../src/corpus/lists.ts';
import { ReadReport } from '../../src/corpus/report.ts';
import { textSource } from '../../src/core/source.ts';
import { withoutDuplicatesOfPositives } from '../../src/corpus/text-key.ts';
import type { ListRecord } from '../../src/corpus/types.ts';
import { collect, refused } from './support.ts';

const read = (text: string, options?: ListReadOptions): Promise<ListRecord[]> =>
  collect(readLists(textSource('l.jsonl', text), options));

const readOne = async (line: object): Promise<ListRecord> => (await read(JSON.stringify(line)))[0]!;

const list: ListRecord = {
  query_id: 'q1',
  query: 'what',
  documents: [
    { id: 'a', text: 'right', label: 1, teacher: 2.5, source: 'gold' },
    { id: 'b', text: 'wrong', label: 0, teacher: -1, source: 'bm25', rank: 3, verdicts: { margin: 'kept' } },
    { id: 'c', text: 'worse', label: 0, teacher: -2, teacher_raw: -7, source: 'llama', ranks: { dense: 4 } },
  ],
};

/** What every form keeps: texts, labels, teacher scores. */
const essence = ({ query, documents }: ListRecord): unknown => ({
  query,
  documents: documents.map(({ text, label, teacher }) => ({ text, label, teacher })),
});

describe('reading lists', () => {
  it('takes texts that documents lack from the corpus, at once, and leaves out what it lacks too', async () => {
    const lines = [
      {
        query_id: 'q1',
        query: 'what',
        documents: [
          { id: 'a', label: 1 },
          { id: 'b', text: 'own text' },
        ],
      },
      { query_id: 'q2', query: 'who', documents: [{ id: 'c', label: 1 }, { id: 'nowhere' }] },
      { query_id: 'q3', query: 'where', documents: [{ id: 'nowhere', label: 1 }] },
    ];
    const asked: string[][] = [];
    const report = new ReadReport();
    const lists = await read(lines.map((line) => JSON.stringify(line)).join('\n'), {
      report,
      textsOf: (ids) => {
        asked.push([...ids]);
        return Promise.resolve(new Map(Object.entries({ a: 'text of a', b: 'not this', c: 'text of c' })));
      },
    });
    expect(asked).toEqual([['a', 'c', 'nowhere']]);
    expect(lists.map(({ documents }) => documents.map(({ text }) => text))).toEqual([
      ['text of a', 'own text'],
      ['text of c'],
    ]);
    expect(report).toMatchObject({ lists: 2, emptyTexts: 2, emptyLists: 1 });
  });

  it("reads the studio's records whole", async () => {
    expect(await readOne(list)).toEqual(list);
    const written: ListRecord = {
      ...list,
      query_type: 'questions',
      documents: [{ id: 'a', text: 'right', source: 'llm:small', prompt: 'c-questions@1' }],
    };
    expect(await readOne(written)).toEqual(written);
  });

  it('reads sentence-transformers lines', async () => {
    expect(essence(await readOne({ anchor: 'q', positive: 'p', negative: 'n' }))).toEqual({
      query: 'q',
      documents: [
        { text: 'p', label: 1, teacher: undefined },
        { text: 'n', label: 0, teacher: undefined },
      ],
    });
    const { documents } = await readOne({
      query: 'q',
      negative_10: 'n10',
      positive: 'p',
      negative_2: 'n2',
      label: [3, 2, 1],
    });
    expect(documents.map(({ text, teacher }) => [text, teacher])).toEqual([
      ['p', 3],
      ['n2', 2],
      ['n10', 1],
    ]);
  });

  it('reads Tevatron lines, with titles and without', async () => {
    const line = {
      query_id: 5,
      query: 'q',
      positive_passages: [{ docid: 'a', title: 'T', text: 'p' }],
      negative_passages: [{ docid: 'b', text: 'n' }],
    };
    const expected = (positive: string): unknown => [
      { id: 'a', text: positive, label: 1, source: 'gold' },
      { id: 'b', text: 'n', label: 0, source: 'given' },
    ];
    expect(await read(JSON.stringify(line))).toEqual([
      { query_id: '5', query: 'q', documents: expected('T p') },
    ]);
    expect((await read(JSON.stringify(line), { titles: false }))[0]?.documents).toEqual(expected('p'));
  });

  it('reads FlagEmbedding lines', async () => {
    const { documents } = await readOne({
      query: 'q',
      pos: ['p'],
      neg: ['n', 'm'],
      pos_scores: [0.9],
      neg_scores: [0.1, 0.2],
    });
    expect(documents.map(({ text, label, teacher }) => [text, label, teacher])).toEqual([
      ['p', 1, 0.9],
      ['n', 0, 0.1],
      ['m', 0, 0.2],
    ]);
  });

  it('gives equal texts equal ids and other texts others', async () => {
    const a = await readOne({ anchor: 'q', positive: 'p', negative: 'n' });
    const b = await readOne({ query: 'q', pos: ['n'], neg: ['m'] });
    expect(a.query_id).toBe(b.query_id);
    expect(a.documents[1]?.id).toBe(b.documents[0]?.id);
    expect(new Set([...a.documents, ...b.documents].map(({ id }) => id)).size).toBe(3);
  });

  it('leaves out and counts empty texts, and lists of nothing else', async () => {
    const report = new ReadReport();
    const lines = [
      { anchor: 'q', positive: 'p', negative: ' ' },
      { anchor: 'q', positive: '' },
      { anchor: '', positive: 'p' },
    ];
    const lists = await read(lines.map((line) => JSON.stringify(line)).join('\n'), { report });
    expect(lists.map(({ documents }) => documents.length)).toEqual([1]);
    expect(report).toMatchObject({ lists: 1, emptyTexts: 2, emptyLists: 2 });
  });

  it.each([
    ['{"anchor": "q"}', 'l.jsonl:1: no format of training lists has the keys "anchor"'],
    ['{"query": "q", "pos": "p", "neg": [1]}', 'l.jsonl:1: "neg" is not a list of strings'],
    ['{"query": "q", "pos": ["p"], "pos_scores": [1, 2]}', '"pos_scores" has 2 scores for 1 passages'],
    ['{"anchor": "q", "positive": "p", "negative": "n", "label": 1}', '"label" is not a list of numbers'],
    [
      '{"query_id": "1", "query": "q", "documents": [{"id": "a", "text": "x"}, {"id": "a", "text": "y"}]}',
      'is used for two texts',
    ],
    [
      '{"query_id": "1", "query": "q", "documents": [{"id": "a", "text": "x", "rank": 0}]}',
      '"rank" is not a rank',
    ],
    [
      '{"query_id": "1", "query": "q", "documents": [{"id": "a", "text": "x", "ranks": {"bm25": 1.5}}]}',
      '"ranks" contains something that is not a rank',
    ],
    [
      '{"query_id": "1", "query": "q", "documents": [{"id": "a", "text": "x", "ranks": {"bm25": "1"}}]}',
      '"ranks" is not an object of numbers',
    ],
    [
      '{"query_id": "1", "query": "q", "documents": [{"id": "a", "text": "x", "teacher": "2"}]}',
      '"teacher" is not a number',
    ],
    ['{"query_id": "1", "query": "q", "documents": {"id": "a"}}', '"documents" is not a list of objects'],
    ['{"query": "q", "documents": []}', '"query_id" is not an id'],
    [
      `{"anchor": "q", "positive": "${'p'.repeat(2000)}"}`,
      'l.jsonl:1: the passage has 2 KiB of text, but the limit is 1000 bytes',
    ],
  ])('refuses %.80s', async (line, message) => {
    expect(await refused(read(line, { maxPassageBytes: 1000 }))).toContain(message);
  });
});

describe('writing lists', () => {
  const lines = (format: ListFormat, options?: ListWriteOptions): unknown[] =>
    formatList(list, format, options).map((line) => JSON.parse(line) as unknown);

  it.each<ListFormat>(['studio', 'sentence-transformers', 'tevatron', 'flagembedding'])(
    'as %s, which reads back',
    async (format) => {
      const text = (await collect(writeLists([list, list], format))).join('');
      const back = await read(text);
      expect(back).toHaveLength(2);
      const withoutTeacher = list.documents.map(({ id, text, label, source }) => ({
        id,
        text,
        ...(label !== undefined && { label }),
        source,
      }));
      const expected = format === 'tevatron' ? withoutTeacher : list.documents;
      expect(essence(back[1]!)).toEqual(essence({ ...list, documents: expected }));
    },
  );

  it('writes what the other tools document', () => {
    expect(lines('sentence-transformers', { teacherScores: false })).toEqual([
      { anchor: 'what', positive: 'right', negative_1: 'wrong', negative_2: 'worse' },
    ]);
    expect(lines('sentence-transformers', { negatives: 1 })).toEqual([
      { anchor: 'what', positive: 'right', negative: 'wrong', label: [2.5, -1] },
    ]);
    expect(lines('tevatron')).toEqual([
      {
        query_id: 'q1',
        query: 'what',
        positive_passages: [{ docid: 'a', title: '', text: 'right' }],
        negative_passages: [
          { docid: 'b', title: '', text: 'wrong' },
          { docid: 'c', title: '', text: 'worse' },
        ],
      },
    ]);
    expect(lines('flagembedding')).toEqual([
      { query: 'what', pos: ['right'], neg: ['wrong', 'worse'], pos_scores: [2.5], neg_scores: [-1, -2] },
    ]);
  });

  it('leaves out, and tells, lists without positives or with too few negatives', async () => {
    const skipped: string[] = [];
    const noPositive = { ...list, query_id: 'q2', documents: list.documents.slice(1) };
    const few = { ...list, query_id: 'q3', documents: list.documents.slice(0, 2) };
    const options = { negatives: 2, onSkipped: ({ query_id }: ListRecord) => skipped.push(query_id) };
    expect(await collect(writeLists([list, noPositive, few], 'flagembedding', options))).toHaveLength(1);
    expect(skipped).toEqual(['q2', 'q3']);
  });
});

describe('duplicates of positives', () => {
  it('are left out by id and by text', () => {
    const { record, removed } = withoutDuplicatesOfPositives({
      ...list,
      documents: [
        { id: 'a', text: 'Ｒight\n answer', label: 1, source: 'gold' },
        { id: 'b', text: 'right  ANSWER ', source: 'bm25' },
        { id: 'a', text: 'Ｒight\n answer', source: 'dense' },
        { id: 'c', text: 'right answers', source: 'dense' },
      ],
    });
    expect(removed).toBe(2);
    expect(record.documents.map(({ id }) => id)).toEqual(['a', 'c']);
  });
});
