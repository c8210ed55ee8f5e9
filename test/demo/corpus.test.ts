import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, readdirSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { parseJudgments } from '../../src/corpus/judgments.ts';
import { textKey } from '../../src/corpus/text-key.ts';
import type { ListRecord } from '../../src/corpus/types.ts';

const folder = join(import.meta.dirname, '../../public/demo');
const read = (file: string): string => readFileSync(join(folder, file), 'utf8');
function jsonLines<T>(file: string): T[] {
  return read(file)
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as T);
}

interface Generation {
  readonly recorded: boolean;
  readonly kind: 'queries' | 'negatives' | 'graded';
  readonly passage_id?: string;
  readonly query_id?: string;
  readonly query?: string;
  readonly items: readonly { readonly text: string; readonly grade?: number }[];
}

const corpus = jsonLines<{ _id: string; text: string; metadata: { topic: string } }>('corpus.jsonl');
const queries = jsonLines<{ _id: string; text: string }>('queries.jsonl');
const generations = jsonLines<Generation>('recorded.jsonl');
const textOf = new Map(corpus.map(({ _id, text }) => [_id, text]));
const queryText = new Map(queries.map(({ _id, text }) => [_id, text]));
const splits = ['train', 'dev', 'test'] as const;
const judgments = Object.fromEntries(
  splits.map((split) => [split, parseJudgments(read(`qrels/${split}.tsv`), split)]),
) as Record<(typeof splits)[number], ReturnType<typeof parseJudgments>>;
const judgedOf = (split: (typeof splits)[number]): Set<string> =>
  new Set([...judgments[split].values()].flatMap((grades) => [...grades.keys()]));

const words = (text: string): Set<string> => new Set(textKey(text).match(/[a-z0-9]+/g));
function jaccard(a: ReadonlySet<string>, b: ReadonlySet<string>): number {
  let shared = 0;
  for (const word of a) if (b.has(word)) shared++;
  return shared / (a.size + b.size - shared);
}

/** Pairs of one from each that share more than that part of their words. */
function nearDuplicates(first: readonly string[], second: readonly string[], most: number): string[] {
  const others = second.map((text) => ({ text, words: words(text) }));
  return first.flatMap((text) => {
    const own = words(text);
    const found = others.find((other) => other.text !== text && jaccard(own, other.words) > most);
    return found === undefined ? [] : [`${text} / ${found.text}`];
  });
}

it('is as large as its card says, over a dozen topics', () => {
  expect(corpus).toHaveLength(2239);
  expect(new Set(corpus.map(({ metadata }) => metadata.topic)).size).toBe(12);
  expect(splits.map((split) => judgments[split].size)).toEqual([216, 24, 120]);
  for (const kind of ['queries', 'negatives', 'graded']) {
    expect(generations.filter((generation) => generation.kind === kind)).toHaveLength(48);
  }
  expect(generations.every(({ recorded }) => recorded)).toBe(true);
});

it('is what its sources say', () => {
  const out = mkdtempSync(join(tmpdir(), 'demo-corpus-'));
  execFileSync(process.execPath, [join(folder, '../../scripts/demo-corpus.mjs'), '--out', out]);
  const made = readdirSync(out, { recursive: true, encoding: 'utf8' }).filter((file) =>
    /\.(?:jsonl|tsv)$/.test(file),
  );
  expect(made.sort()).toEqual([
    'corpus.jsonl',
    'qrels/dev.tsv',
    'qrels/test.tsv',
    'qrels/train.tsv',
    'queries.jsonl',
    'recorded-graded.jsonl',
    'recorded-negatives.jsonl',
    'recorded-queries.jsonl',
    'recorded-written.jsonl',
    'recorded.jsonl',
  ]);
  for (const file of made) expect(readFileSync(join(out, file), 'utf8'), file).toBe(read(file));
});

it('grades for each query one full answer or more, a part of one, and near misses', () => {
  for (const split of splits) {
    for (const [query, grades] of judgments[split]) {
      expect(queryText.has(query), query).toBe(true);
      const counts = [0, 1, 2, 3].map(
        (grade) => [...grades.values()].filter((each) => each === grade).length,
      );
      expect(counts[3], query).toBeGreaterThanOrEqual(1);
      expect(counts[2], query).toBeGreaterThanOrEqual(1);
      expect(counts[0], query).toBeGreaterThanOrEqual(2);
      for (const id of grades.keys()) expect(textOf.has(id), id).toBe(true);
    }
  }
});

it('has no passage and no query twice, nor nearly', () => {
  const texts = corpus.map(({ text }) => text);
  expect(new Set(texts.map(textKey)).size).toBe(texts.length);
  expect(nearDuplicates(texts, texts, 0.6)).toEqual([]);
  const asked = queries.map(({ text }) => text);
  expect(new Set(asked.map(textKey)).size).toBe(asked.length);
  expect(nearDuplicates(asked, asked, 0.6)).toEqual([]);
});

describe('the written queries', () => {
  interface WrittenList {
    readonly query_id: string;
    readonly query: string;
    readonly query_type: string;
    readonly documents: readonly { readonly id: string; readonly label: number; readonly source: string }[];
  }
  const written = jsonLines<WrittenList>('recorded-written.jsonl');
  const heldOut = [...judgments.test.keys(), ...judgments.dev.keys()].map((id) => queryText.get(id) ?? '');

  /** Five consecutive words of a text. */
  const runs = (text: string): Set<string> => {
    const all = text.toLowerCase().match(/[a-z0-9']+/g) ?? [];
    return new Set(all.slice(4).map((_, i) => all.slice(i, i + 5).join(' ')));
  };
  /** What of these queries is copied from its passage, or is nearly a query that is held out. */
  const faultsOf = (lists: readonly Pick<WrittenList, 'query' | 'documents'>[]): string[] => [
    ...lists.flatMap(({ query, documents: [positive] }) => {
      const passage = runs(textOf.get(positive?.id ?? '') ?? '');
      return [...runs(query)].filter((run) => passage.has(run)).map((run) => `copied: ${run}`);
    }),
    ...nearDuplicates(
      lists.map(({ query }) => query),
      heldOut,
      0.6,
    ),
    ...lists.filter(({ query }) => heldOut.some((held) => textKey(held) === textKey(query))).map(String),
  ];

  it('are one for each passage but those that the teacher did not find by theirs, of four kinds in turn', () => {
    expect(written).toHaveLength(2219);
    const passages = written.map(({ documents: [positive] }) => positive?.id);
    expect(new Set(passages).size).toBe(2219);
    for (const id of passages) expect(textOf.has(id ?? ''), id).toBe(true);
    const kinds = ['questions', 'keywords', 'claims', 'situations'];
    const places = new Map(corpus.map(({ _id }, i) => [_id, i]));
    for (const { query_type, documents } of written) {
      expect(query_type).toBe(kinds[(places.get(documents[0]?.id ?? '') ?? 0) % 4]);
      expect(documents).toEqual([expect.objectContaining({ label: 1, source: 'llm:recorded' })]);
    }
    expect(new Set(written.map(({ query }) => textKey(query))).size).toBe(written.length);
  });

  it('are not copied from their passages, and none is nearly a test or dev query', () => {
    expect(faultsOf(written)).toEqual([]);
  });

  it.each([
    ['a test query', { query: heldOut[0] ?? '' }],
    ['nearly a test query', { query: `${heldOut[0] ?? ''} please` }],
    ['a part of its passage', { query: (corpus[0]?.text ?? '').split(' ').slice(0, 8).join(' ') }],
  ])('that are %s are found', (_, { query }) => {
    const documents = [{ id: corpus[0]?._id ?? '', label: 1, source: 'llm:recorded' }];
    expect(faultsOf([{ query, documents }])).not.toEqual([]);
  });
});

describe('leaks nothing of the test queries', () => {
  const testTexts = [...judgedOf('test'), ...judgedOf('dev')].map((id) => textOf.get(id) ?? '');
  const testQueries = [...judgments.test.keys(), ...judgments.dev.keys()].map(
    (id) => queryText.get(id) ?? '',
  );

  it('in the passages that are judged for training', () => {
    const shared = [...judgedOf('train')].filter((id) => judgments.test.size > 0 && judgedOf('test').has(id));
    expect(shared).toEqual([]);
  });

  it('in the training lists, whose judged passages are those of training queries', () => {
    const lists = jsonLines<ListRecord>('lists.jsonl');
    expect(lists).toHaveLength(216);
    for (const { query_id, query, documents } of lists) {
      expect(judgments.train.has(query_id), query_id).toBe(true);
      expect(query).toBe(queryText.get(query_id));
      for (const { id, label, teacher } of documents) {
        expect(label, id).toBe(judgments.train.get(query_id)?.get(id) ?? 0);
        expect(Math.abs(teacher ?? NaN)).toBeLessThanOrEqual(1.0001);
      }
    }
  });

  it('in the recorded generations', () => {
    for (const { passage_id, query_id } of generations) {
      if (passage_id !== undefined) expect(judgedOf('train').has(passage_id), passage_id).toBe(true);
      if (query_id !== undefined) expect(judgments.train.has(query_id), query_id).toBe(true);
    }
    const written = generations.flatMap(({ items, query }) => [
      ...items.map(({ text }) => text),
      query ?? '',
    ]);
    expect(
      nearDuplicates(
        written.filter((text) => text !== ''),
        [...testTexts, ...testQueries],
        0.6,
      ),
    ).toEqual([]);
    const known = new Set(corpus.map(({ text }) => textKey(text)));
    expect(written.filter((text) => known.has(textKey(text)))).toEqual([]);
  });
});
