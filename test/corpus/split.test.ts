import { describe, expect, it } from 'vitest';
import { readJudgments } from '../../src/corpus/judgments.ts';
import { foldsByPassage, sharedWithTrain, splitByPassage } from '../../src/corpus/split.ts';
import type { ListRecord } from '../../src/corpus/types.ts';
import { openFile } from '../../src/host/node/files.ts';
import { RandomStream } from '../../src/host/random.ts';
import { realData } from '../support/data.ts';
import { itUnless } from '../support/skip.ts';

const list = (query: string, ...positives: string[]): ListRecord => ({
  query_id: query,
  query: `text of ${query}`,
  documents: [
    ...positives.map((id) => ({ id, text: id, label: 1, source: 'gold' })),
    { id: 'negative of all', text: 'n', label: 0, source: 'bm25' },
  ],
});
const ids = (lists: readonly ListRecord[]): string[] => lists.map(({ query_id }) => query_id).sort();

describe('foldsByPassage', () => {
  const chains = Array.from({ length: 60 }, (_, i) => list(`c${i}`, `d${i >> 1}`));

  it('deals every query once, in folds of equal size, and never parts those that share a passage', () => {
    const folds = foldsByPassage(chains, 5, 1);
    expect(folds.map(({ length }) => length)).toEqual([12, 12, 12, 12, 12]);
    expect(folds.flatMap((fold) => ids(fold)).sort()).toEqual(ids(chains));
    const foldOf = (query: string): number => folds.findIndex((fold) => ids(fold).includes(query));
    for (let i = 0; i < 60; i += 2) expect(foldOf(`c${i}`)).toBe(foldOf(`c${i + 1}`));
  });

  it('depends on the seed and not on the order', () => {
    const sets = (lists: readonly ListRecord[], seed: number): string[] =>
      foldsByPassage(lists, 3, seed).map((fold) => ids(fold).join());
    expect(sets([...chains].reverse(), 1)).toEqual(sets(chains, 1));
    expect(sets(chains, 2)).not.toEqual(sets(chains, 1));
  });

  it('refuses more folds than groups', () => {
    expect(() => foldsByPassage(chains.slice(0, 4), 3, 1)).toThrow('4 queries make 2 groups');
  });
});

describe('splitByPassage', () => {
  const random = new RandomStream(3);
  const lists = Array.from({ length: 400 }, (_, i) =>
    list(`q${i}`, `d${random.integer(300)}`, `d${random.integer(300)}`),
  );
  const chains = Array.from({ length: 600 }, (_, i) => list(`c${i}`, `e${i >> 2}`, `e${(i + 1) >> 2}`));

  it('keeps queries of a passage together, in one chain or another', () => {
    const simple = Array.from({ length: 300 }, (_, i) => list(`q${i}`, `d${i % 120}`));
    const { train, dev } = splitByPassage(simple, 0.2, 1);
    expect(dev.length).toBeGreaterThan(50);
    expect(dev.length).toBeLessThanOrEqual(60);
    expect(train.length + dev.length).toBe(300);
    const passages = (side: readonly ListRecord[]): Set<string> =>
      new Set(side.flatMap(({ documents }) => documents.filter(({ label }) => label).map(({ id }) => id)));
    const ofTrain = passages(train);
    expect([...passages(dev)].filter((id) => ofTrain.has(id))).toEqual([]);
  });

  it('keeps a chain of shared passages on one side', () => {
    const { train, dev } = splitByPassage(
      [...chains, ...Array.from({ length: 100 }, (_, i) => list(`s${i}`, `s${i}`))],
      0.1,
      1,
    );
    expect(dev.every(({ query_id }) => query_id.startsWith('s'))).toBe(true);
    expect(dev).toHaveLength(70);
    expect(train).toHaveLength(630);
  });

  it('keeps lines of the same query, and queries of the same text, together', () => {
    const same = Array.from({ length: 40 }, (_, i) => list(`q${i >> 1}`, `d${i}`));
    const { dev } = splitByPassage(same, 0.5, 7);
    expect(dev).toHaveLength(20);
    expect(new Set(ids(dev)).size).toBe(10);
    const text = [list('a', 'd1'), { ...list('b', 'd2'), query: 'Text  of a' }, list('c', 'd3')];
    expect(ids(splitByPassage(text, 0.34, 1).dev)).toEqual(['c']);
  });

  it('depends on the seed and not on the order', () => {
    const simple = Array.from({ length: 100 }, (_, i) => list(`q${i}`, `d${i}`));
    const dev = ids(splitByPassage(simple, 0.2, 5).dev);
    expect(ids(splitByPassage([...simple].reverse(), 0.2, 5).dev)).toEqual(dev);
    expect(ids(splitByPassage(simple, 0.2, 6).dev)).not.toEqual(dev);
  });

  it('refuses to split what hangs together', () => {
    const one = Array.from({ length: 10 }, (_, i) => list(`q${i}`, 'd'));
    expect(() => splitByPassage(one, 0.3, 1)).toThrow('no dev split can be made');
    expect(splitByPassage(one, 0, 1).dev).toEqual([]);
    expect(splitByPassage(lists, 0.05, 1).dev.length).toBeLessThanOrEqual(20);
  });
});

describe('sharedWithTrain', () => {
  const judged = (rows: Record<string, Record<string, number>>): Map<string, Map<string, number>> =>
    new Map(Object.entries(rows).map(([query, grades]) => [query, new Map(Object.entries(grades))]));

  it('tells queries that share a relevant document', () => {
    const train = judged({ t1: { a: 1, b: 0 } });
    const test = judged({ q1: { a: 1, c: 1 }, q2: { b: 1 }, q3: { a: 0, d: 2 } });
    expect(sharedWithTrain(test, train)).toEqual({
      shared: ['q1'],
      disjoint: ['q2', 'q3'],
      relevantDocuments: 4,
      sharedDocuments: 1,
    });
  });

  const scifact = realData('datasets/scifact/qrels');
  itUnless(scifact.missing, 'counts the documents that the splits of scifact share', async () => {
    const read = async (split: string) => readJudgments(await openFile(`${scifact.path}/${split}.tsv`));
    const result = sharedWithTrain(await read('test'), await read('train'));
    expect(result).toMatchObject({ relevantDocuments: 283, sharedDocuments: 181 });
    expect(result.shared.length + result.disjoint.length).toBe(300);
  });
});
