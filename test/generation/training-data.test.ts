import { describe, expect, it } from 'vitest';
import type { ListRecord } from '../../src/corpus/types.ts';
import {
  gradedToLists,
  labelsToLists,
  listTasks,
  negativesToLists,
  pairTasks,
  passageTasks,
  promptById,
  queriesToLists,
  queryTasks,
  type FinishedTask,
  type GeneratedItem,
  type GenerationTask,
  type LogEntry,
} from '../../src/generation/index.ts';
import { formatList, readLists } from '../../src/corpus/lists.ts';
import { textSource } from '../../src/core/source.ts';
import { textId } from '../../src/corpus/text-key.ts';

function wrote(task: GenerationTask | undefined, ...items: GeneratedItem[]): FinishedTask {
  if (task === undefined) throw new Error('there is no such task');
  return { task, items, entry: { model: 'small-lm' } as LogEntry };
}

async function reread(list: ListRecord): Promise<ListRecord | undefined> {
  for await (const one of readLists(textSource('l.jsonl', formatList(list, 'studio').join('\n')))) return one;
  return undefined;
}

const lists: ListRecord[] = [
  {
    query_id: 'q1',
    query: 'when does it snow',
    documents: [
      { id: 'a', text: 'Snow falls in winter.', label: 1, source: 'gold' },
      { id: 'b', text: 'Rain falls in spring.', label: 0, source: 'bm25', rank: 2 },
    ],
  },
  { query_id: 'q2', query: 'no positive', documents: [{ id: 'b', text: 'Rain.', label: 0, source: 'bm25' }] },
];

describe('queries for passages', () => {
  const [snow, rain] = passageTasks([
    { id: 'a', text: 'Snow falls in winter.' },
    { id: 'b', text: 'Rain falls in spring.' },
  ]);

  it('are lists with their passage as the positive', async () => {
    expect(snow).toEqual({ id: 'a', slots: { passage: 'Snow falls in winter.' } });
    const made = queriesToLists(
      [wrote(snow, { text: 'When does it snow?' }), wrote(rain, { text: 'spring rain' })],
      promptById('c-questions'),
    );
    expect(made).toEqual([
      {
        query_id: textId('query', 'When does it snow?'),
        query: 'When does it snow?',
        query_type: 'questions',
        documents: [
          {
            id: 'a',
            text: 'Snow falls in winter.',
            label: 1,
            source: 'llm:small-lm',
            prompt: 'c-questions@1',
          },
        ],
      },
      expect.objectContaining({ query: 'spring rain' }),
    ]);
    expect(await reread(made[0]!)).toEqual(made[0]);
  });

  it('that are the same for two passages are one list with two positives', () => {
    const made = queriesToLists(
      [
        wrote(snow, { text: 'weather', type: 'keywords' }, { text: 'Weather' }),
        wrote(rain, { text: 'weather ' }),
      ],
      promptById('c-each-kind'),
    );
    expect(made).toHaveLength(1);
    expect(made[0]?.query_type).toBe('keywords');
    expect(made[0]?.documents.map(({ id }) => id)).toEqual(['a', 'b']);
  });
});

describe('negatives for queries', () => {
  it('are asked for with the positive, and stand behind the other passages', async () => {
    const tasks = listTasks(lists);
    expect(tasks).toEqual([
      { id: 'q1', slots: { query: 'when does it snow', positive: 'Snow falls in winter.' } },
    ]);
    const items = [
      { text: 'Hail falls in summer.', type: 'time' },
      { text: 'rain falls in  spring.' },
      { text: 'hail falls in summer.' },
    ];
    const made = negativesToLists(lists, [wrote(tasks[0], ...items)], promptById('a-hard-negatives'));
    expect(made[0]?.documents.slice(0, 2)).toEqual(lists[0]?.documents);
    expect(made[0]?.documents.slice(2)).toEqual([
      {
        id: textId('text', 'Hail falls in summer.'),
        text: 'Hail falls in summer.',
        label: 0,
        source: 'llm:small-lm',
        prompt: 'a-hard-negatives@1',
      },
    ]);
    expect(made[1]).toEqual(lists[1]);
    expect(await reread(made[0]!)).toEqual(made[0]);
  });
});

it('graded passages are lists with their grades', () => {
  const [task] = queryTasks([{ id: 'q1', text: 'when does it snow' }]);
  const items = [3, 2, 1, 0].map((label) => ({ text: `text ${label}`, label }));
  const [list] = gradedToLists([wrote(task, ...items)], promptById('b-graded-passages'));
  expect(list).toMatchObject({ query_id: 'q1', query: 'when does it snow' });
  expect(list?.documents.map(({ text, label, source, prompt }) => [text, label, source, prompt])).toEqual(
    [3, 2, 1, 0].map((label) => [`text ${label}`, label, 'llm:small-lm', 'b-graded-passages@1']),
  );
});

it('labels go to the passages that were judged', async () => {
  const tasks = pairTasks(lists);
  expect(tasks.map(({ slots }) => slots)).toEqual([
    { query: 'when does it snow', passage: 'Snow falls in winter.' },
    { query: 'when does it snow', passage: 'Rain falls in spring.' },
    { query: 'no positive', passage: 'Rain.' },
  ]);
  const made = labelsToLists(lists, [
    wrote(tasks[0], { text: '', label: 3 }),
    wrote(tasks[2], { text: '', label: 0 }),
  ]);
  expect(made.map(({ documents }) => documents.map((document) => document.model_label))).toEqual([
    [3, undefined],
    [0],
  ]);
  expect(made[0]?.documents[1]).toEqual(lists[0]?.documents[1]);
  expect(await reread(made[0]!)).toEqual(made[0]);
});
