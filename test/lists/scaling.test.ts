import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { percentile } from '../../src/lists/percentile.ts';
import { scaleScore, scaleTeacherScores, withRawScores } from '../../src/lists/scaling.ts';
import { anyLists, listOf } from './lists.ts';

const scores = (lists: ReturnType<typeof scaleTeacherScores>): (number | undefined)[][] =>
  lists.map(({ documents }) => documents.map(({ teacher }) => teacher));

describe('percentile', () => {
  it("interpolates linearly, as NumPy's default", () => {
    const values = Float64Array.of(1, 2, 4, 8);
    // Places 0, 0.03, 0.75, 1.5, 2.97, 3.
    const expected = { 0: 1, 1: 1.03, 25: 1.75, 50: 3, 99: 7.88, 100: 8 };
    for (const [p, value] of Object.entries(expected)) {
      expect(percentile(values, Number(p))).toBeCloseTo(value, 12);
    }
    expect(percentile(Float64Array.of(5), 1)).toBe(5);
  });

  it('refuses no values, and what is no percentage', () => {
    expect(() => percentile(new Float64Array(0), 50)).toThrow(RangeError);
    expect(() => percentile(Float64Array.of(1), 101)).toThrow(RangeError);
  });
});

describe('scaleTeacherScores', () => {
  it('brings the 1st and 99th percentile to 0 and 1, and clips', () => {
    // 0, 1 … 100: percentiles 1 and 99; (50 − 1) / 98 = 0.5.
    const list = listOf(
      'q',
      100,
      Array.from({ length: 100 }, (_, i) => i),
    );
    const [scaled] = scores(scaleTeacherScores([list], { group: 'file' }));
    expect(scaled?.[0]).toBe(1);
    expect(scaled?.slice(1, 4)).toEqual([0, 0, 1 / 98]);
    expect(scaled?.[51]).toBe(0.5);
    expect(scaled?.[100]).toBe(1);
  });

  it('measures per query, per source or over the file', () => {
    const other = listOf('c', 20, [10]);
    const lists = [
      listOf('a', 1, [0]),
      listOf('b', 3, [2]),
      {
        ...other,
        documents: other.documents.map((d) => (d.source === 'bm25' ? { ...d, source: 'dense' } : d)),
      },
    ];
    const range = { low: 0, high: 100 } as const;
    const scale = (group: 'query' | 'source' | 'file') =>
      scores(scaleTeacherScores(lists, { group, ...range }));
    expect(scale('query')).toEqual([
      [1, 0],
      [1, 0],
      [1, 0],
    ]);
    expect(scale('source')).toEqual([
      [1 / 3, 0],
      [1, 2 / 3],
      [1, 0],
    ]);
    expect(scale('file')).toEqual([
      [0.05, 0],
      [0.15, 0.1],
      [1, 0.5],
    ]);
    const named = scaleTeacherScores(lists, {
      group: ({ query_id }) => (query_id === 'a' ? 'a' : 'rest'),
      ...range,
    });
    expect(scores(named)[1]?.[1]).toBe(0);
  });

  it('gives 1 where all scores are equal, and leaves passages without one', () => {
    expect(scores(scaleTeacherScores([listOf('q', 2, [2, undefined])], { group: 'query' }))).toEqual([
      [1, 1, undefined],
    ]);
    expect(scaleScore(1, { low: 2, high: 2 })).toBe(0);
    const unscored = [listOf('q', undefined, [undefined])];
    expect(scaleTeacherScores(unscored, { group: 'file' })).toEqual(unscored);
  });

  it('keeps order and bounds, lets raw scores be had back, and forgets an earlier scaling', () => {
    const groups = fc.constantFrom('query' as const, 'source' as const, 'file' as const);
    fc.assert(
      fc.property(anyLists, groups, groups, (lists, first, second) => {
        const once = scaleTeacherScores(lists, { group: first });
        expect(withRawScores(once)).toEqual(lists);
        expect(scaleTeacherScores(once, { group: second })).toEqual(
          scaleTeacherScores(lists, { group: second }),
        );
        for (const { documents } of once) {
          const known = documents.filter(({ teacher }) => teacher !== undefined);
          known.sort((a, b) => (a.teacher_raw ?? NaN) - (b.teacher_raw ?? NaN));
          known.forEach(({ teacher = NaN }, i) => {
            expect(teacher).toBeGreaterThanOrEqual(known[i - 1]?.teacher ?? 0);
            expect(teacher).toBeLessThanOrEqual(1);
          });
        }
      }),
    );
  });
});
