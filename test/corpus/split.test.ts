import { describe, expect, it } from 'vitest';
import { readJudgments } from '../../src/corpus/judgments.ts';
import { foldsByPassage, sharedWithTrain, splitByPassage, splitNote } from '../../src/corpus/split.ts';
import type { ListRecord } from '../../src/corpus/types.ts';
import { openFile } from '../../src/host/node/files.ts';
import { RandomStream } from '../../src/core/random.ts';
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

/** Lists of which nearly all share passages with others: a few passages are relevant to many queries. */
function denselyJudged(queries: number, positives: number): ListRecord[] {
  const random = new RandomStream(11);
  return Array.from({ length: queries }, (_, i) => {
    const drawn = Array.from({ length: positives }, () => Math.floor(1.4 * queries * random.uniform() ** 2));
    return list(`q${i}`, ...[...new Set(drawn)].map((passage) => `d${passage}`));
  });
}

const positivesOf = (lists: readonly ListRecord[]): string[] =>
  lists.flatMap(({ documents }) => documents.filter(({ label }) => label).map(({ id }) => id));
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

  it('deals whole queries where most share passages, and refuses more folds than queries', () => {
    const folds = foldsByPassage(denselyJudged(120, 4), 4, 1);
    expect(folds.map(({ length }) => length)).toEqual([30, 30, 30, 30]);
    expect(new Set(folds.flatMap(ids)).size).toBe(120);
    const twice = denselyJudged(20, 4).flatMap((each) => [each, each]);
    for (const fold of foldsByPassage(twice, 2, 1)) expect(new Set(ids(fold)).size).toBe(10);
    expect(() => foldsByPassage(chains.slice(0, 4), 5, 1)).toThrow('4 queries are too few for 5 folds');
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

  it('refuses where no query fits', () => {
    const one = Array.from({ length: 10 }, (_, i) => list('q', `d${i}`));
    expect(() => splitByPassage(one, 0.3, 1)).toThrow(
      'no dev split can be made: each query has more than the 3 lists requested',
    );
    expect(splitByPassage(one, 0, 1).dev).toEqual([]);
    expect(splitByPassage(lists, 0.05, 1).dev.length).toBeLessThanOrEqual(20);
  });
});

describe('splitByPassage of densely judged queries', () => {
  const perQuery = denselyJudged(600, 20);
  const perPositive = perQuery.flatMap((each) =>
    each.documents
      .filter(({ label }) => label)
      .map((positive) => ({ ...each, documents: [positive, ...each.documents.slice(-1)] })),
  );

  it.each([
    { name: 'a list per query', all: perQuery },
    { name: 'a list per positive', all: perPositive },
  ])('holds out the requested share of whole queries, and little more: $name', ({ all }) => {
    for (const share of [0.02, 0.1, 0.4]) {
      const { train, dev, devOnlyPassages, report } = splitByPassage(all, share, 1);
      expect(dev.length).toBeGreaterThan(0.97 * share * all.length - 1);
      expect(dev.length).toBeLessThanOrEqual(Math.round(share * all.length));
      const devIds = new Set(ids(dev));
      expect(ids(train).some((id) => devIds.has(id))).toBe(false);

      // What training loses beside the dev lists themselves.
      const rest = all.filter(({ query_id }) => !devIds.has(query_id));
      const [before, after] = [positivesOf(rest), positivesOf(train)];
      expect(after.length).toBeLessThan(before.length);
      expect(after.length).toBeGreaterThanOrEqual((1 - share) * before.length);
      expect(train.length).toBeGreaterThanOrEqual((1 - share) * rest.length);
      expect(train.every((each) => positivesOf([each]).length > 0)).toBe(true);

      const inTrain = new Set(after);
      const ofDev = new Set(positivesOf(dev));
      expect(new Set([...ofDev].filter((id) => !inTrain.has(id)))).toEqual(devOnlyPassages);
      expect(report).toEqual({
        share,
        lists: all.length,
        requestedLists: Math.round(share * all.length),
        devLists: dev.length,
        devQueries: devIds.size,
        unit: 'queries',
        devPassages: ofDev.size,
        sharedPassages: [...ofDev].filter((id) => inTrain.has(id)).length,
        trainPositives: before.length,
        removedPositives: before.length - after.length,
        removedLists: rest.length - train.length,
      });
      expect(splitNote(report)).toContain(`${dev.length} held out`);
    }
  });

  it('depends on the seed and not on the order', () => {
    const split = splitByPassage(perQuery, 0.1, 5);
    const reversed = splitByPassage([...perQuery].reverse(), 0.1, 5);
    const sorted = (lists: readonly ListRecord[]): ListRecord[] =>
      [...lists].sort((a, b) => (a.query_id < b.query_id ? -1 : 1));
    expect(sorted(reversed.dev)).toEqual(sorted(split.dev));
    expect(sorted(reversed.train)).toEqual(sorted(split.train));
    expect(ids(splitByPassage(perQuery, 0.1, 6).dev)).not.toEqual(ids(split.dev));
  });

  it('keeps one query and the same text on one side, and does not empty training', () => {
    const shared = Array.from({ length: 10 }, (_, i) => ({ ...list(`q${i}`, 'd'), query: `Text ${i >> 1}` }));
    const { train, dev, report } = splitByPassage(shared, 0.3, 1);
    expect([train.length, dev.length]).toEqual([8, 2]);
    expect(new Set(dev.map(({ query }) => query)).size).toBe(1);
    expect(report).toMatchObject({ removedPositives: 0, devPassages: 1, sharedPassages: 1 });
  });

  it('splits as many judgments as NFCorpus has: 2,590 queries, 42 positives each', () => {
    checkTenth(denselyJudged(2590, 43));
  });

  /** Some 2,300 queries stay, and nine tenths of their judgments. */
  function checkTenth(all: readonly ListRecord[]): void {
    const { train, dev, report } = splitByPassage(all, 0.1, 0);
    expect(dev).toHaveLength(Math.round(all.length / 10));
    expect(train.length).toBeGreaterThan(0.8 * all.length);
    expect(positivesOf(train).length).toBeGreaterThan(0.78 * positivesOf(all).length);
    expect(report.unit).toBe('queries');
  }

  const readAll = async (path: string): Promise<ListRecord[]> => {
    const judgments = await readJudgments(await openFile(path));
    return [...judgments].map(([query, grades]) =>
      list(query, ...[...grades].filter(([, grade]) => grade > 0).map(([id]) => id)),
    );
  };
  const nfcorpus = realData('datasets/nfcorpus/qrels/train.tsv');
  itUnless(nfcorpus.missing, 'leaves the training of NFCorpus nearly whole', async () => {
    const all = await readAll(nfcorpus.path);
    expect(all).toHaveLength(2590);
    checkTenth(all);
  });
  const limit = realData('datasets/limit-small/qrels.jsonl');
  itUnless(limit.missing, 'leaves the training of LIMIT nearly whole, each pair of 46 passages', async () => {
    checkTenth(await readAll(limit.path));
  });
  const scifact = realData('datasets/scifact/qrels/train.tsv');
  itUnless(scifact.missing, 'holds out independent groups of SciFact', async () => {
    const all = await readAll(scifact.path);
    const { train, dev, report } = splitByPassage(all, 0.1, 0);
    expect(report).toMatchObject({ unit: 'groups', removedPositives: 0, sharedPassages: 0 });
    expect(report.devLists).toBe(report.requestedLists);
    expect([...train, ...dev].every((each) => all.includes(each))).toBe(true);
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
