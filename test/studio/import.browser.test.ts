/** What the page takes and refuses of the files that are dropped on it, by what they hold. */
import { strToU8, zipSync } from 'fflate';
import { beforeAll, describe, expect, it } from 'vitest';
import type { DroppedItem, ListedFile } from '../../src/studio/dropped-files.ts';
import { InputError } from '../../src/core/errors.ts';
import type { TrainingClient } from '../../src/studio/window/training-client.ts';
import { listFile, makeLists } from '../support/training-lists.ts';
import { openClient } from './small-run.ts';

const jsonLines = (...records: readonly object[]): string =>
  records.map((record) => `${JSON.stringify(record)}\n`).join('');
const documents = jsonLines({ _id: 'a', title: '', text: 'one' }, { _id: 'b', title: 'B', text: 'two' });
const lists = listFile(makeLists(4));
const beir = {
  'corpus.jsonl': documents,
  'queries.jsonl': jsonLines({ _id: 'q', text: 'which' }, { _id: 'r', text: 'who' }),
  'qrels/train.tsv': 'query-id\tcorpus-id\tscore\nq\ta\t1\n',
  'qrels/test.tsv': 'query-id\tcorpus-id\tscore\nr\tb\t1\n',
};

const file = (name: string, ...parts: string[]): File => new File(parts, name);
const folder = (files: Readonly<Record<string, string>>): ListedFile[] =>
  Object.entries(files).map(([path, text]) => ({ path: `mine/${path}`, file: file(path, text) }));
const zip = (files: Readonly<Record<string, string>>): File =>
  new File(
    [zipSync(Object.fromEntries(Object.entries(files).map(([path, text]) => [path, strToU8(text)])))],
    'mine.zip',
  );

interface Refusal {
  readonly item: DroppedItem;
  readonly file: string;
  readonly line?: number;
  readonly problem: RegExp;
}

const refused: Readonly<Record<string, Refusal>> = {
  'an empty file': {
    item: file('lists.jsonl'),
    file: 'lists.jsonl',
    problem: /contains no training lists/,
  },
  'a corpus for lists': {
    item: file('corpus.jsonl', documents),
    file: 'corpus.jsonl',
    line: 1,
    problem: /this looks like a corpus/,
  },
  'lists with a broken line': {
    item: file('lists.jsonl', lists, '{"query": "and then'),
    file: 'lists.jsonl',
    line: 5,
    problem: /not valid JSON/,
  },
  'lists with another line among them': {
    item: file('lists.jsonl', lists, documents),
    file: 'lists.jsonl',
    line: 5,
    problem: /this looks like a corpus/,
  },
  'a log with a line that is no reply': {
    item: file('log.jsonl', '{"request": "x", "prompt_version": 1}\n'),
    file: 'log.jsonl',
    line: 1,
    problem: /is not an entry of a generation log/,
  },
  'a zip with a broken document': {
    item: zip({ ...beir, 'corpus.jsonl': `${documents}{"_id": "c"}\n` }),
    file: 'mine.zip/corpus.jsonl',
    line: 3,
    problem: /the document has no text/,
  },
  'an empty corpus': {
    item: zip({ ...beir, 'corpus.jsonl': '\n' }),
    file: 'mine.zip/corpus.jsonl',
    problem: /contains no documents/,
  },
  'a corpus with a query twice': {
    item: folder({ ...beir, 'queries.jsonl': beir['queries.jsonl'].repeat(2) }),
    file: 'mine/queries.jsonl',
    line: 3,
    problem: /is already used on line 1/,
  },
  'a corpus with a broken judgment of any split': {
    item: folder({ ...beir, 'qrels/train.tsv': `${beir['qrels/train.tsv']}q\tb\tyes\n` }),
    file: 'mine/qrels/train.tsv',
    line: 3,
    problem: /is not a whole number/,
  },
  'judgments of other queries': {
    item: folder({
      ...beir,
      'qrels/train.tsv': 'query-id\tcorpus-id\tscore\nx\ta\t1\n',
      'qrels/test.tsv': 'query-id\tcorpus-id\tscore\ny\ta\t1\n',
    }),
    file: 'mine/qrels/test.tsv',
    problem: /none of its 1 queries is in queries.jsonl/,
  },
  'a corpus with lists of which one is broken': {
    item: folder({ ...beir, 'lists.jsonl': `${lists}{}\n` }),
    file: 'mine/lists.jsonl',
    line: 5,
    problem: /no format of training lists/,
  },
};

describe('an import', () => {
  let client: TrainingClient;

  beforeAll(async () => {
    client = await openClient();
  });

  it('refuses what it cannot train on, naming file and line, and keeps nothing of it', async () => {
    for (const [what, { item, problem, ...place }] of Object.entries(refused)) {
      const error = await client.keep(item).catch((thrown: unknown) => thrown);
      expect(error, what).toBeInstanceOf(InputError);
      expect(error, what).toMatchObject({ ...place, problem: expect.stringMatching(problem) as string });
    }
    const kept = await client.kept();
    expect(kept.filter(({ kind }) => kind !== 'language-model')).toEqual([]);

    // And takes the same files when they are whole; only what can be used is offered.
    const noTrain = { ...beir, 'qrels/train.tsv': 'query-id\tcorpus-id\tscore\n' };
    const others = { 'lists.jsonl': lists, 'notes.jsonl': jsonLines({ note: 'not a list' }) };
    expect(await client.keep(zip(beir))).toMatchObject({
      ...{ kind: 'corpus', splits: ['test', 'train'] },
      counts: {
        ...{ passages: 2, queries: 2 },
        splits: { test: { queries: 1, judgments: 1 }, train: { queries: 1, judgments: 1 } },
      },
    });
    expect(await client.keep(folder({ ...noTrain, ...others }))).toMatchObject({
      kind: 'corpus',
      splits: ['test'],
      listFiles: ['lists.jsonl'],
    });
    expect(await client.keep(file('lists.jsonl', lists))).toMatchObject({ kind: 'lists' });
  });
});
