import { describe, expect, it } from 'vitest';
import { textSource } from '../../src/core/source.ts';
import { biEncoderTeacher } from '../../src/lists/bi-encoder-teacher.ts';
import { crossEncoderTeacher } from '../../src/lists/cross-encoder-teacher.ts';
import { scoreLists } from '../../src/lists/teacher.ts';
import { readTeacherScores, withTeacherScores } from '../../src/lists/teacher-scores.ts';
import type { ListRecord } from '../../src/corpus/types.ts';
import { refused } from '../corpus/support.ts';
import { listOf } from './lists.ts';

const vectors: Record<string, readonly [number, number]> = {
  'query east': [2, 0],
  'query north': [0, 3],
  'passage east': [5, 0],
  'passage northeast': [1, 1],
  'passage west': [-1, 0],
  'passage nowhere': [0, 0],
};

function list(query: string, ...texts: string[]): ListRecord {
  return {
    query_id: query,
    query,
    documents: texts.map((text, i) => ({ id: `${i}`, text, source: 'bm25', teacher: 7, teacher_raw: 9 })),
  };
}
const lists = [
  list('east', 'east', 'northeast', 'west', 'nowhere'),
  list('north', 'east', 'northeast'),
  list('east', 'west'),
];
const scoresOf = (scored: readonly ListRecord[]): (number | undefined)[][] =>
  scored.map(({ documents }) => documents.map(({ teacher }) => teacher));

describe('a bi-encoder as teacher', () => {
  it('gives cosines, whatever the lengths, and embeds each distinct text of a side once', async () => {
    const embedded: string[] = [];
    const heard: number[][] = [];
    const teacher = biEncoderTeacher((texts, side) => {
      embedded.push(...texts.map((text) => `${side} ${text}`));
      return Promise.resolve(Float32Array.from(texts.flatMap((text) => vectors[`${side} ${text}`] ?? [])));
    });
    const scored = await scoreLists(lists, teacher, { onProgress: (...of) => heard.push(of) });
    expect(scoresOf(scored)).toEqual([
      [1, expect.closeTo(Math.SQRT1_2, 12), -1, 0],
      [0, expect.closeTo(Math.SQRT1_2, 12)],
      [-1],
    ]);
    expect(embedded.sort()).toEqual(Object.keys(vectors).sort());
    expect(heard.at(-1)).toEqual([6, 6]);
    // A new raw score: what an earlier one was scaled to or from is gone.
    expect(scored[0]?.documents[0]).toEqual({ id: '0', text: 'east', source: 'bm25', teacher: 1 });
  });

  it('embeds many texts in parts', async () => {
    const many = [
      listOf(
        'q',
        0,
        Array.from({ length: 5000 }, () => 0),
      ),
    ];
    const sizes: number[] = [];
    const teacher = biEncoderTeacher((texts, side) => {
      if (side === 'passage') sizes.push(texts.length);
      return Promise.resolve(Float32Array.from(texts, (text) => (text.includes('negative 4990 ') ? -1 : 1)));
    });
    const [scores] = await teacher.score(many);
    expect(sizes).toEqual([4096, 905]);
    expect(scores?.indexOf(-1)).toBe(4990);
  });
});

describe('a cross-encoder as teacher', () => {
  it('gives raw logits and scores each distinct pair once', async () => {
    const asked: string[] = [];
    const teacher = crossEncoderTeacher((pairs) => {
      asked.push(...pairs.map(([query, passage]) => `${query} ${passage}`));
      return Promise.resolve(
        Float32Array.from(pairs, ([query, passage]) => query.length - 10 * passage.length),
      );
    });
    expect(scoresOf(await scoreLists(lists, teacher))).toEqual([[-36, -86, -36, -66], [-35, -85], [-36]]);
    expect(new Set(asked).size).toBe(asked.length);
    expect(asked).toHaveLength(6);
  });

  it('refuses models with several outputs', async () => {
    const teacher = crossEncoderTeacher((pairs) => Promise.resolve(new Float32Array(3 * pairs.length)));
    await expect(teacher.score(lists)).rejects.toThrow(/gives 3 scores for each pair.*single output/);
  });
});

describe('imported scores', () => {
  const read = (text: string) => readTeacherScores(textSource('s.tsv', text));

  it('reads tabs, with a header or without, and JSON lines', async () => {
    const expected = new Map([
      [
        'q1',
        new Map([
          ['a', 0.5],
          ['b', -1e-3],
        ]),
      ],
      ['q2', new Map([['a', 2]])],
    ]);
    expect(await read('q1\ta\t0.5\nq1\tb\t-1e-3\n\nq2\ta\t2\nq2\ta\t2.0\n')).toEqual(expected);
    expect(await read('query_id\tid\tscore\r\nq1\ta\t0.5\r\nq1\tb\t-1e-3\r\nq2\ta\t2')).toEqual(expected);
    const json = [...expected].flatMap(([query_id, scores]) =>
      [...scores].map(([id, score]) => JSON.stringify({ query_id, id, score, model: 'x' })),
    );
    expect(await read(json.join('\n'))).toEqual(expected);
  });

  it.each([
    ['q1\ta\t0.5\nq1\tb\n', 2, 'has 2 columns'],
    ['q1\ta\t0.5\nq1\tb\tgood\n', 2, 'the score "good" is not a number'],
    ['q1\ta\tnan\n', 1, 'the score "nan" is not a number'],
    ['q1\ta\t\n', 1, 'the score "" is not a number'],
    ['\ta\t1\n', 1, 'an id is not valid'],
    ['q1\ta\t1\nq1\tb\t1\nq1\ta\t2\n', 3, 'has the score 2 here and 1 earlier'],
    ['{"query_id": "q1", "id": "a"}', 1, '"score" is missing'],
    ['{"query_id": "q1", "id": "a", "score": 1}\n{"query_id": "q1", "score": 1}', 2, '"id" is not an id'],
    ['{"query_id": "q1", "id": "a", "score": 1}\nq1\ta\t1', 2, 'not valid JSON'],
  ])('refuses %j', async (text, line, problem) => {
    const message = await refused(read(text));
    expect(message).toContain(problem);
    expect(message).toMatch(new RegExp(`^s\\.tsv:${line}: `));
  });

  it('puts them into lists and counts what fits', () => {
    const scores = new Map([
      [
        'q',
        new Map([
          ['qp', 3],
          ['qn2', -1],
          ['elsewhere', 1],
        ]),
      ],
      ['other', new Map([['qp', 1]])],
    ]);
    const { lists: scored, report } = withTeacherScores([listOf('q', 0.5, [0.25, 0])], scores);
    expect(scoresOf(scored)).toEqual([[3, undefined, -1]]);
    expect(report).toEqual({ found: 2, missing: 1, unused: 2 });
  });
});
