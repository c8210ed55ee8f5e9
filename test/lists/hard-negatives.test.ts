import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { isPositive, textKey } from '../../src/corpus/text-key.ts';
import type { HardNegativeOptions } from '../../src/lists/hard-negatives.ts';
import { documentsToMine } from '../../src/lists/candidates.ts';
import { mineHardNegatives } from '../../src/lists/hard-negatives.ts';
import type { Ranking } from '../../src/retrieval/ranking.ts';

const options: HardNegativeOptions = {
  negatives: 2,
  firstRank: 1,
  lastRank: 10,
  pick: 'top',
  seed: 0,
  lists: 'per-positive',
};

const texts: Record<string, string> = {
  p1: 'The first positive',
  p2: 'the second positive',
  copy: ' THE  first\npositive ',
  wide: 'ｔhe second positive',
  query: 'what is it?',
  weak: 'somewhat relevant',
  n1: 'one',
  n1again: 'One',
  n2: 'two',
  n3: 'three',
  n4: 'four',
  empty: '  ',
};
const textOf = (id: string): string | undefined => texts[id];

function rank(...ids: string[]): Ranking {
  return new Map([['q', ids.map((id, i) => ({ id, score: -i, rank: i + 1 }))]]);
}

const queries = [{ id: 'q', text: 'What is it?' }];
const judgments = new Map([
  [
    'q',
    new Map([
      ['p1', 1],
      ['p2', 2],
      ['n2', 0],
      ['gone', 1],
    ]),
  ],
]);
const bm25 = {
  source: 'bm25',
  ranking: rank('p1', 'copy', 'n1', 'wide', 'empty', 'query', 'n1again', 'n2', 'p2', 'n3'),
};
const dense = { source: 'dense', ranking: rank('n3', 'n4', 'n1', 'absent') };

describe('mineHardNegatives', () => {
  it('takes the best candidates, with source and rank, and leaves out what is or copies a positive', () => {
    const { lists, report } = mineHardNegatives(queries, judgments, [bm25], textOf, options);
    expect(lists).toEqual(
      ['p2', 'p1'].map((id) => ({
        query_id: 'q',
        query: 'What is it?',
        documents: [
          id === 'p2'
            ? { id, text: texts[id], label: 2, source: 'gold', ranks: { bm25: 9 } }
            : { id, text: texts[id], label: 1, source: 'gold', ranks: { bm25: 1 } },
          { id: 'n1', text: 'one', label: 0, source: 'bm25', rank: 3 },
          { id: 'n2', text: 'two', label: 0, source: 'bm25', rank: 8 },
        ],
      })),
    );
    expect(report).toEqual({
      lists: 2,
      negatives: 4,
      skippedQueries: 0,
      shortLists: 0,
      relevant: 2,
      duplicatesOfPositives: 3,
    });
  });

  it('keeps to the range of ranks', () => {
    const range = { ...options, firstRank: 4, lastRank: 9 };
    const [list] = mineHardNegatives(queries, judgments, [bm25], textOf, range).lists;
    expect(list?.documents.slice(1).map(({ id }) => id)).toEqual(['n1again', 'n2']);
  });

  it('takes as many of each source, and no text twice', () => {
    const { lists, report } = mineHardNegatives(queries, judgments, [bm25, dense], textOf, {
      ...options,
      negatives: 3,
      lists: 'per-query',
    });
    expect(lists).toHaveLength(1);
    expect(lists[0]?.documents.map(({ id, source }) => `${id} ${source}`)).toEqual([
      'p2 gold',
      'p1 gold',
      'n1 bm25',
      'n2 bm25',
      'n3 bm25',
      'n4 dense',
    ]);
    expect(report.shortLists).toBe(1);
    // What both found tells both ranks.
    expect(lists[0]?.documents.map(({ rank, ranks }) => ({ rank, ranks })).slice(2)).toEqual([
      { rank: 3, ranks: { bm25: 3, dense: 3 } },
      { rank: 8, ranks: undefined },
      { rank: 10, ranks: { bm25: 10, dense: 1 } },
      { rank: 2, ranks: undefined },
    ]);
  });

  it('makes no negative of what is relevant below the level, nor a positive', () => {
    const graded = new Map([
      [
        'q',
        new Map([
          ['p2', 2],
          ['weak', 1],
        ]),
      ],
    ]);
    const source = { source: 'bm25', ranking: rank('weak', 'n1', 'n2') };
    const [list] = mineHardNegatives(queries, graded, [source], textOf, { ...options, level: 2 }).lists;
    expect(list?.documents.map(({ id }) => id)).toEqual(['p2', 'n1', 'n2']);
  });

  it('skips queries without a positive text or a ranking, and says how many', () => {
    const more = [
      ...queries,
      { id: 'unranked', text: 'x' },
      { id: 'gone', text: 'y' },
      { id: 'unjudged', text: 'z' },
    ];
    const judged = new Map([
      ...judgments,
      ['unranked', new Map([['p1', 1]])],
      ['gone', new Map([['gone', 1]])],
    ]);
    const { lists, report } = mineHardNegatives(more, judged, [bm25], textOf, options);
    expect(lists).toHaveLength(2);
    expect(report.skippedQueries).toBe(3);
  });

  it('picks by chance the same for a seed, whatever the order of the queries', () => {
    const many = Array.from({ length: 30 }, (_, i) => ({ id: `q${i}`, text: `question ${i}` }));
    const judged = new Map(
      many.map(({ id }) => [
        id,
        new Map([
          ['p1', 1],
          ['p2', 1],
        ]),
      ]),
    );
    const pool = Array.from({ length: 40 }, (_, i) => ({ id: `c${i}`, score: -i, rank: i + 1 }));
    const source = { source: 'bm25', ranking: new Map(many.map(({ id }) => [id, pool])) };
    const random: HardNegativeOptions = { ...options, pick: 'random', negatives: 5, lastRank: 20 };
    const mine = (order: typeof many, seed: number): Map<string, string> =>
      new Map(
        mineHardNegatives(order, judged, [source], (id) => texts[id] ?? id, { ...random, seed }).lists.map(
          ({ query_id, documents }) => [
            `${query_id} ${documents[0]?.id ?? ''}`,
            documents.map(({ id }) => id).join(' '),
          ],
        ),
      );
    const first = mine(many, 1);
    expect(mine([...many].reverse(), 1)).toEqual(new Map([...first].sort(() => -1)));
    expect(mine(many, 2)).not.toEqual(first);
    // Lists of the same query differ, and over all of them every candidate has its turn.
    expect(first.get('q0 p1')?.slice(3)).not.toBe(first.get('q0 p2')?.slice(3));
    const used = new Set([...first.values()].flatMap((ids) => ids.split(' ').slice(1)));
    expect(used).toEqual(new Set(pool.slice(0, 20).map(({ id }) => id)));
  });

  it('lets no positive and no copy of one through, whatever the rankings and judgments', () => {
    const words = fc.constantFrom('a', 'A', ' a ', 'b', 'B', 'ｂ', 'c', 'd', 'e', 'f', '');
    const planted = fc.record({
      texts: fc.array(words, { minLength: 12, maxLength: 12 }),
      grades: fc.dictionary(fc.nat(11).map(String), fc.integer({ min: 0, max: 2 })),
      orders: fc.array(fc.shuffledSubarray(Array.from({ length: 12 }, (_, i) => String(i))), {
        minLength: 1,
        maxLength: 2,
      }),
      query: words,
      level: fc.constantFrom(1, 2),
      pick: fc.constantFrom('top' as const, 'random' as const),
      lists: fc.constantFrom('per-positive' as const, 'per-query' as const),
      negatives: fc.integer({ min: 1, max: 12 }),
    });
    let mined = 0;
    fc.assert(
      fc.property(planted, ({ texts, grades, orders, query, ...settings }) => {
        const judged = new Map([['q', new Map(Object.entries(grades))]]);
        const sources = orders.map((ids, i) => ({ source: `s${i}`, ranking: rank(...ids) }));
        const asked = [{ id: 'q', text: query }];
        const known = documentsToMine(asked, judged, sources, options);
        const { lists } = mineHardNegatives(
          asked,
          judged,
          sources,
          (id) => (known.has(id) ? texts[Number(id)] : undefined),
          { ...options, ...settings },
        );
        const relevant = Object.entries(grades).filter(([, grade]) => grade > 0);
        const forbidden = new Set(
          ['', query, ...relevant.map(([id]) => texts[Number(id)] ?? '')].map(textKey),
        );
        for (const { documents } of lists) {
          const negatives = documents.filter((document) => !isPositive(document));
          mined += negatives.length;
          for (const { id, text } of negatives) {
            expect(forbidden.has(textKey(text))).toBe(false);
            expect(grades[id] ?? 0).toBe(0);
          }
          expect(new Set(negatives.map(({ text }) => textKey(text))).size).toBe(negatives.length);
          expect(documents.some(({ label = 0 }) => label >= settings.level)).toBe(true);
        }
      }),
      { seed: 1, numRuns: 2000 },
    );
    expect(mined).toBeGreaterThan(1000);
  });
});
