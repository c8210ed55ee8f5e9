import { describe, expect, it } from 'vitest';
import { parseJudgments } from '../../src/corpus/judgments.ts';
import {
  judgedQueries,
  judgedTable,
  judgmentsTsv,
  mixed,
  readJudging,
  sampleQueries,
  withEntry,
  writeJudging,
  type Judging,
} from '../../src/studio/judging.ts';

const all = Array.from({ length: 100 }, (_, i) => ({ id: `q${i}`, text: `question ${i}` }));
const ids = (queries: readonly { readonly id: string }[]): string[] => queries.map(({ id }) => id);

/** Two systems on two queries: the second finds the relevant passage first, the first third or not at all. */
const judging: Judging = {
  seed: 1,
  systems: ['untrained', 'listwise'],
  lists: new Map([
    [
      'untrained',
      new Map([
        ['q1', ['a', 'b', 'c']],
        ['q2', ['x', 'y']],
        ['q3', ['a']],
      ]),
    ],
    [
      'listwise',
      new Map([
        ['q1', ['c', 'a', 'b']],
        ['q2', ['z', 'y']],
        ['q3', ['b']],
      ]),
    ],
  ]),
  grades: new Map([
    [
      'q1',
      new Map([
        ['a', 0],
        ['b', 0],
        ['c', 3],
      ]),
    ],
    [
      'q2',
      new Map([
        ['x', 0],
        ['y', 0],
        ['z', 2],
      ]),
    ],
    ['q3', new Map([['a', 1]])],
  ]),
};
const tests = { alpha: 0.05, samples: 500 };

describe('the sample', () => {
  it('has no query twice, is the same for a seed whatever the order, and another for another seed', () => {
    const sample = ids(sampleQueries(all, 1));
    expect(new Set(sample).size).toBe(20);
    expect(ids(sampleQueries([...all].reverse(), 1))).toEqual(sample);
    expect(ids(sampleQueries(all, 2))).not.toEqual(sample);
    expect(ids(sampleQueries(all.slice(0, 3), 1)).sort()).toEqual(['q0', 'q1', 'q2']);
  });

  it('prefers no query: over many seeds each is drawn about as often', () => {
    const counts = new Map<string, number>();
    for (let seed = 0; seed < 500; seed++) {
      for (const { id } of sampleQueries(all, seed)) counts.set(id, (counts.get(id) ?? 0) + 1);
    }
    // 100 are expected, with a standard deviation of 9.
    expect(Math.min(...all.map(({ id }) => counts.get(id) ?? 0))).toBeGreaterThan(60);
    expect(Math.max(...counts.values())).toBeLessThan(140);
  });
});

describe('the passages of a query', () => {
  const list = (...names: string[]) => names.map((id) => ({ id, text: id }));

  it('are those of both systems, each once, in an order that does not depend on who found them', () => {
    const [first, second] = [list('a', 'b', 'c', 'd', 'e'), list('c', 'f', 'g', 'a', 'h')];
    const shown = mixed('q', [first, second], 1);
    expect(ids(shown).sort()).toEqual(['a', 'b', 'c', 'd', 'e', 'f', 'g', 'h']);
    expect(mixed('q', [second, first], 1)).toEqual(shown);
    expect(ids(mixed('another', [first, second], 1))).not.toEqual(ids(shown));
  });

  it('put either system first about as often', () => {
    const firsts = all.filter(({ id }) => mixed(id, [list('a', 'b'), list('c', 'd')], 1)[0]?.id === 'a');
    expect(firsts.length).toBeGreaterThan(10);
    expect(firsts.length).toBeLessThan(45);
  });
});

describe('the result', () => {
  it('is over the queries of which every passage has a grade, with the paired difference and its interval', () => {
    expect(judgedQueries(judging)).toEqual(['q1', 'q2']);
    const { queries, systems, comparisons } = judgedTable(judging, tests);
    expect(queries).toBe(2);
    // Rank 3: 1 / log2(4). The passage that is not in a list is in the ideal all the same.
    expect(systems.map(({ name, metrics }) => [name, metrics.ndcg_cut_5?.mean])).toEqual([
      ['untrained', 0.25],
      ['listwise', 1],
    ]);
    const [pair] = comparisons;
    expect(pair).toMatchObject({ system: 'listwise', baseline: 'untrained', difference: 0.75, wins: 2 });
    expect(pair?.interval[0]).toBeGreaterThanOrEqual(0.5);
    expect(pair?.interval[1]).toBeLessThanOrEqual(1);
  });

  it('has values, and tests nothing, of one query', () => {
    const one = { ...judging, grades: new Map([...judging.grades].slice(0, 1)) };
    expect(judgedTable(one, tests)).toMatchObject({ queries: 1, comparisons: [] });
  });

  it('counts a query without a relevant passage as 0 for both', () => {
    const nothing = new Map([['q3', new Map(['a', 'b'].map((id) => [id, 0] as const))]]);
    const { systems } = judgedTable({ ...judging, grades: nothing }, tests);
    expect(systems.map(({ metrics }) => metrics.ndcg_cut_5?.mean)).toEqual([0, 0]);
  });
});

describe('what is kept and exported', () => {
  it('is read as it was written', () => {
    expect(readJudging(writeJudging(judging))).toEqual(judging);
  });

  it.each([undefined, '', '{', '[]', '{"format":2}', writeJudging(judging).replace('["a",0]', '["a",9]')])(
    'is nothing where %s was kept',
    (text) => {
      expect(readJudging(text)).toBeUndefined();
    },
  );

  it('is exported as judgments that the studio reads', () => {
    expect(parseJudgments(judgmentsTsv(judging.grades), 'mine.tsv')).toEqual(judging.grades);
  });

  it('changes one grade and takes it back', () => {
    const changed = withEntry(judging.grades, 'q3', 'b', 2);
    expect(changed.get('q3')?.get('b')).toBe(2);
    expect(withEntry(changed, 'q3', 'b', undefined)).toEqual(judging.grades);
    expect(judging.grades.get('q3')?.size).toBe(1);
  });
});
