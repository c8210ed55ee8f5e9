import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { parseJudgments } from '../../src/corpus/judgments.ts';
import { textKey } from '../../src/corpus/text-key.ts';
import type { ListRecord } from '../../src/corpus/types.ts';
import { openFile } from '../../src/host/node/files.ts';
import { readTextVectors } from '../../src/retrieval/text-vectors.ts';
import { nearlyHeldOut } from '../../scripts/demo-leaks.mjs';
import { runCli } from '../support/cli.ts';

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
  expect(splits.map((split) => judgments[split].size)).toEqual([60, 50, 250]);
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

/** The corpus is known, its passages may be trained on; the test and dev queries are not, nor are their judgments. */
describe('leaks nothing of the test queries', () => {
  type Asked = Pick<ListRecord, 'query_id' | 'query'>;
  const isTest = ({ query_id, query }: Asked): boolean =>
    judgments.test.has(query_id) || testKeys.has(textKey(query));
  const testKeys = new Set([...judgments.test.keys()].map((id) => textKey(queryText.get(id) ?? '')));
  const heldOut = [...judgments.test.keys(), ...judgments.dev.keys()].map((id) => queryText.get(id) ?? '');
  const firstTest = [...judgments.test.keys()][0] ?? '';
  const planted = { query_id: firstTest, query: queryText.get(firstTest) ?? '' };

  it('in the passages that are judged for training', () => {
    expect([...judgedOf('train')].filter((id) => judgedOf('test').has(id))).toEqual([]);
  });

  it.each([
    'lists',
    'dev-lists',
    'recorded-queries',
    'recorded-negatives',
    'recorded-graded',
    'recorded-written',
  ])('in %s, which has no query of them, by its id or its text', (file) => {
    const lists = jsonLines<Asked>(`${file}.jsonl`);
    expect(lists.filter(isTest)).toEqual([]);
    expect([...lists, planted].filter(isTest)).toHaveLength(1);
    expect([...lists, { ...planted, query_id: 'new' }].filter(isTest)).toHaveLength(1);
  });

  it.each(['train', 'dev'] as const)(
    'in the lists of %s, whose labels are the judgments of its own queries',
    (split) => {
      const lists = jsonLines<ListRecord>(split === 'train' ? 'lists.jsonl' : 'dev-lists.jsonl');
      expect(lists).toHaveLength(judgments[split].size);
      for (const { query_id, query, documents } of lists) {
        expect(judgments[split].has(query_id), query_id).toBe(true);
        expect(query).toBe(queryText.get(query_id));
        for (const { id, label, teacher } of documents) {
          expect(label, id).toBe(judgments[split].get(query_id)?.get(id) ?? 0);
          expect(Math.abs(teacher ?? NaN)).toBeLessThanOrEqual(1.0001);
        }
      }
    },
  );

  it("in the teacher's scores, which are of training and recorded queries", () => {
    const scored = read('teacher-scores.tsv')
      .trimEnd()
      .split('\n')
      .map((line) => line.split('\t')[0] ?? '');
    expect(scored.filter((id) => judgments.test.has(id) || judgments.dev.has(id))).toEqual([]);
    expect([...judgments.train.keys()].filter((id) => !scored.includes(id))).toEqual([]);
  });

  it('in the recorded generations, of which none is nearly a held-out query or a passage', () => {
    for (const { passage_id, query_id } of generations) {
      if (passage_id !== undefined) expect(textOf.has(passage_id), passage_id).toBe(true);
      if (query_id !== undefined) expect(judgments.train.has(query_id), query_id).toBe(true);
    }
    const recorded = generations
      .flatMap(({ items, query }) => [...items.map(({ text }) => text), query ?? ''])
      .filter((text) => text !== '');
    expect(nearDuplicates(recorded, heldOut, 0.6)).toEqual([]);
    expect(nearDuplicates([...recorded, `${planted.query} please`], heldOut, 0.6)).toHaveLength(1);
    const known = new Set([...corpus.map(({ text }) => textKey(text)), ...heldOut.map(textKey)]);
    expect(recorded.filter((text) => known.has(textKey(text)))).toEqual([]);
  });

  it('in the queries that recipes extract from passages', async () => {
    const asked = await extractedQueries();
    expect(asked.length).toBeGreaterThan(6000);
    expect(nearDuplicates(asked, heldOut, 0.6)).toEqual([]);
    expect(asked.filter((text) => heldOut.some((held) => textKey(held) === textKey(text)))).toEqual([]);
    expect(nearDuplicates([...asked, `${planted.query} please`], heldOut, 0.6)).toHaveLength(1);
  }, 60_000);
});

/** What a recipe extracts, by the command line, once for all tests. */
let extracted: Promise<readonly string[]> | undefined;
const extractedQueries = (): Promise<readonly string[]> => (extracted ??= extractQueries());

async function extractQueries(): Promise<readonly string[]> {
  const own = mkdtempSync(join(tmpdir(), 'demo-extracted-'));
  const from = ['--generator', 'extract', '--corpus', folder, '--store', join(own, 'store')];
  const asked: string[] = [];
  for (const [prompt, count] of [
    ['extract-clauses', '2'],
    ['extract-keywords', '1'],
  ] as const) {
    const out = join(own, `${prompt}.jsonl`);
    const { code, stderr } = await runCli([
      'generate',
      ...from,
      '--prompt',
      prompt,
      '--count',
      count,
      '--out',
      out,
    ]);
    expect(code, stderr).toBe(0);
    for (const line of readFileSync(out, 'utf8').trimEnd().split('\n')) {
      asked.push((JSON.parse(line) as Pick<ListRecord, 'query'>).query);
    }
  }
  rmSync(own, { recursive: true });
  return asked;
}

describe("the teacher's vectors", () => {
  const textsOf = (split: (typeof splits)[number]): string[] =>
    [...judgments[split].keys()].map((id) => queryText.get(id) ?? '');
  const written = jsonLines<Pick<ListRecord, 'query'>>('recorded-written.jsonl').map(({ query }) => query);
  const open = async () => readTextVectors(await openFile(join(folder, 'teacher-vectors.safetensors')));

  it('are of all passages and of all queries that recipes train on', async () => {
    const vectors = await open();
    const queriesOfRecipes = [
      ...textsOf('train'),
      ...textsOf('dev'),
      ...written,
      ...(await extractedQueries()),
    ];
    expect(await vectors.rowsOf(queriesOfRecipes, 'query')).toHaveLength(queriesOfRecipes.length);
    expect(await vectors.rowsOf([...textOf.values()], 'passage')).toHaveLength(corpus.length);
  }, 60_000);

  it('are of no test query', async () => {
    const asked = textsOf('test');
    const all = `no vectors for ${asked.length} of ${asked.length} queries`;
    await expect((await open()).rowsOf(asked, 'query')).rejects.toThrow(all);
  });

  // Of test queries, which have no vectors here, the script that makes the corpus checks the same with the teacher.
  it('say that no written or extracted query is nearly a dev query', async () => {
    const vectors = await open();
    const { dimension } = vectors;
    const all = vectors.vectorsOf('query');
    const withVectors = async (texts: readonly string[]) => {
      const rows = await vectors.rowsOf(texts, 'query');
      return texts.map((text, i) => {
        const start = (rows[i] ?? NaN) * dimension;
        return { text, vector: all.subarray(start, start + dimension) };
      });
    };
    const dev = await withVectors(textsOf('dev'));
    const trained = await withVectors([...written, ...(await extractedQueries())]);
    expect(nearlyHeldOut(trained, dev, 0.9)).toEqual([]);
    // Slightly turned.
    const nearly = dev.slice(0, 1).map(({ text, vector }) => ({
      text: `${text} please`,
      vector: vector.map((value, i) => value + (i % 2 === 0 ? 0.02 : -0.02)),
    }));
    expect(nearlyHeldOut([...trained, ...nearly], dev, 0.9)).toHaveLength(1);
    expect(nearlyHeldOut([...trained, ...dev.slice(0, 1)], dev, 0.9)).toHaveLength(1);
  }, 60_000);
});
