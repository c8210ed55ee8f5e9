import { describe, expect, it } from 'vitest';
import type { ListRecord } from '../../src/corpus/types.ts';
import { selectLists, type Selection } from '../../src/pipeline/sources/selected.ts';

const list = (query: string, type: string, negatives = 4): ListRecord => ({
  query_id: query,
  query,
  query_type: type,
  documents: [
    { id: 'gold', text: 'gold', label: 2, source: 'gold' },
    ...Array.from({ length: negatives }, (_, i) => ({
      id: `n${i}`,
      text: `n${i}`,
      label: 0,
      source: 'bm25',
      teacher: [0.1, 0.9, 0.5, 0.7][i % 4] ?? 0,
      ...(i % 2 === 1 && { prompt: i === 1 ? 'one@1' : 'two@1' }),
    })),
  ],
});
const lists = [list('a', 'questions'), list('b', 'claims'), list('c', 'claims'), list('d', 'titles', 0)];
const whole = { pick: 'random', level: 1, seed: 0 } as const;
const select = (changes: Partial<Selection>, queries?: ReadonlySet<string>): readonly ListRecord[] =>
  selectLists(lists, { ...whole, ...changes }, queries);
const queries = (selected: readonly ListRecord[]): string =>
  selected.map(({ query_id }) => query_id).join('');
const passages = (selected: readonly ListRecord[]): string[] =>
  selected.map(({ documents }) => documents.map(({ id }) => id).join(' '));

describe('a selection', () => {
  it('of nothing in particular is all', () => {
    expect(select({})).toEqual(lists);
  });

  it('takes lists by the types of their queries, by the queries of another source, and by chance', () => {
    expect(queries(select({ types: ['claims', 'titles'] }))).toBe('bcd');
    expect(queries(select({}, new Set(['d', 'a'])))).toBe('ad');
    expect(select({ sample: 2 })).toHaveLength(2);
    expect(new Set([1, 2, 3, 4, 5].map((seed) => queries(select({ sample: 2, seed })))).size).toBeGreaterThan(
      1,
    );
  });

  it('takes what a prompt wrote and what none wrote, by the id of the prompt or with its version', () => {
    expect(passages(select({ prompts: ['one'] }))).toEqual(Array(3).fill('gold n0 n1 n2'));
    expect(passages(select({ prompts: ['two@1'] }))).toEqual(Array(3).fill('gold n0 n2 n3'));
    expect(select({ prompts: ['on'] })).toEqual([]);
  });

  it('takes some negatives: the first, some by chance, or those with the highest scores', () => {
    expect(passages(select({ negatives: 2, pick: 'top' }))).toEqual(Array(3).fill('gold n0 n1'));
    expect(passages(select({ negatives: 2, pick: 'best' }))).toEqual(Array(3).fill('gold n1 n3'));
    const random = passages(select({ negatives: 2 }));
    expect(random.every((each) => each.split(' ').length === 3)).toBe(true);
    expect(new Set(random).size).toBeGreaterThan(1);
  });

  it('goes by the score of its own, where a scaled one stands beside it, and says where there is none', () => {
    const scored = (teacher: number | undefined, raw?: number) => ({
      ...{ id: String(raw ?? teacher), text: 't', label: 0, source: 'bm25' },
      ...(teacher !== undefined && { teacher }),
      ...(raw !== undefined && { teacher_raw: raw }),
    });
    const of = (...documents: ReturnType<typeof scored>[]): ListRecord[] => [
      { ...lists[0]!, documents: [...lists[0]!.documents.slice(0, 1), ...documents] },
    ];
    const best = { ...whole, negatives: 1, pick: 'best' } as const;
    expect(passages(selectLists(of(scored(1, 5), scored(1, 7)), best))).toEqual(['gold 7']);
    expect(() => selectLists(of(scored(undefined)), best)).toThrow('there is no score for "pick": "best"');
  });

  it('gives new labels: arXiv 2503.23239 counts mined negatives as 1, not 0', () => {
    const [first] = select({ labels: { positives: 3, negatives: 1 }, negatives: 2, pick: 'top' });
    expect(first?.documents.map(({ label }) => label)).toEqual([3, 1, 1]);
  });
});
