import { describe, expect, it } from 'vitest';
import { fuseByRank, fuseByScore } from '../../src/retrieval/fusion.ts';
import type { Ranking } from '../../src/retrieval/ranking.ts';
import { cutRanking, rankingToRun } from '../../src/retrieval/ranking.ts';

function ranking(queries: Record<string, [id: string, score: number][]>): Ranking {
  return new Map(
    Object.entries(queries).map(([query, documents]) => [
      query,
      documents.map(([id, score], i) => ({ id, score, rank: i + 1 })),
    ]),
  );
}

const lexical = {
  source: 'bm25',
  ranking: ranking({
    q: [
      ['a', 9],
      ['b', 5],
      ['c', 1],
    ],
    only: [['x', 2]],
  }),
};
const dense = {
  source: 'dense',
  ranking: ranking({
    q: [
      ['b', 0.9],
      ['d', 0.8],
      ['a', 0.5],
    ],
  }),
};

describe('fuseByRank', () => {
  it('sums 1 / (60 + rank) and tells where each document stood', () => {
    const fused = fuseByRank([lexical, dense]).get('q') ?? [];
    expect(fused.map(({ id, rank }) => [id, rank])).toEqual([
      ['b', 1],
      ['a', 2],
      ['d', 3],
      ['c', 4],
    ]);
    expect(fused[0]?.score).toBe(Math.fround(1 / 62 + 1 / 61));
    expect(fused[2]?.score).toBe(Math.fround(1 / 62));
    expect(fused[0]?.contributions).toEqual([
      { source: 'bm25', rank: 2, score: 5 },
      { source: 'dense', rank: 1, score: 0.9 },
    ]);
    expect(fused[3]?.contributions).toEqual([{ source: 'bm25', rank: 3, score: 1 }]);
  });

  it('keeps the queries of every ranking', () => {
    expect([...fuseByRank([dense, lexical]).keys()]).toEqual(['q', 'only']);
  });

  it('takes k and weights', () => {
    const fused = fuseByRank([{ ...lexical, weight: 3 }, dense], 1).get('q') ?? [];
    expect(fused.map(({ id, score }) => [id, score])).toEqual([
      ['a', Math.fround(3 / 2 + 1 / 4)],
      ['b', Math.fround(3 / 3 + 1 / 2)],
      ['c', Math.fround(3 / 4)],
      ['d', Math.fround(1 / 3)],
    ]);
  });

  it('orders ties by id, descending by bytes', () => {
    const first = {
      source: 'x',
      ranking: ranking({
        q: [
          ['10', 1],
          ['9', 1],
        ],
      }),
    };
    const second = {
      source: 'y',
      ranking: ranking({
        q: [
          ['9', 1],
          ['10', 1],
        ],
      }),
    };
    expect((fuseByRank([first, second]).get('q') ?? []).map(({ id }) => id)).toEqual(['9', '10']);
  });
});

describe('fuseByScore', () => {
  it('adds weighted scores between the minimum and maximum of each ranking', () => {
    const fused =
      fuseByScore([
        { ...lexical, weight: 0.4 },
        { ...dense, weight: 0.6 },
      ]).get('q') ?? [];
    const expected = { a: 0.4, b: 0.4 * 0.5 + 0.6, c: 0, d: 0.6 * 0.75 };
    expect(fused.map(({ id }) => id)).toEqual(['b', 'd', 'a', 'c']);
    for (const { id, score } of fused) expect(score).toBeCloseTo(expected[id as keyof typeof expected], 6);
    expect(fused.map(({ rank }) => rank)).toEqual([1, 2, 3, 4]);
  });

  it('gives all documents 1 where all scores are equal', () => {
    const flat = {
      source: 'flat',
      ranking: ranking({
        q: [
          ['a', 3],
          ['b', 3],
        ],
        one: [['c', -2]],
      }),
    };
    const fused = fuseByScore([flat]);
    expect(fused.get('q')?.map(({ score }) => score)).toEqual([1, 1]);
    expect(fused.get('one')?.[0]?.score).toBe(1);
  });
});

describe('rankings', () => {
  it('are cut to their best documents', () => {
    expect(
      cutRanking(lexical.ranking, 2)
        .get('q')
        ?.map(({ id }) => id),
    ).toEqual(['a', 'b']);
    expect(cutRanking(lexical.ranking, 2).get('only')).toHaveLength(1);
  });

  it('turn into runs', () => {
    expect(rankingToRun(lexical.ranking).get('q')).toEqual({ documents: ['a', 'b', 'c'], scores: [9, 5, 1] });
  });
});
