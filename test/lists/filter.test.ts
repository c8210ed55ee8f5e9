import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { ListRecord } from '../../src/corpus/types.ts';
import { isPositive } from '../../src/corpus/text-key.ts';
import { InputError } from '../../src/core/errors.ts';
import { falseNegatives } from '../../src/losses/positive-aware-mask.ts';
import { applyRules } from '../../src/lists/filter.ts';
import { formatRule, parseRules } from '../../src/lists/rule-spec.ts';
import { isDropped, keepPassages, withoutVerdicts } from '../../src/lists/verdicts.ts';
import { anyLists, listOf } from './lists.ts';

/** The ids that stay, of each list that does. */
function stay(lists: readonly ListRecord[], rules: string): string[] {
  const { lists: kept } = keepPassages(applyRules(lists, parseRules(rules)).lists);
  return kept.map(({ documents }) => documents.map(({ id }) => id).join(' '));
}

describe('rules about passages', () => {
  it('share: drops what scores above 0.95 of the positive, and 0.6', () => {
    // 0.95 × 0.8 = 0.76; 0.6 × 0.8 = 0.48.
    const lists = [listOf('q', 0.8, [0.77, 0.76, 0.5, 0.48, 0.1])];
    expect(stay(lists, 'share<=0.95')).toEqual(['qp qn2 qn3 qn4 qn5']);
    expect(stay(lists, 'share<=0.6')).toEqual(['qp qn4 qn5']);
    expect(applyRules(lists, parseRules('share<=0.95')).lists[0]?.documents[1]?.verdicts).toEqual({
      'share<=0.95': 'drop: 0.77 is above 0.76 (positive 0.8)',
    });
  });

  it('margin and relative-margin: right for logits below 0 too', () => {
    // −2 − 0.5 = −2.5; −2 − 0.25 · 2 = −2.5.
    const lists = [listOf('q', -2, [-1, -2.4, -2.5, -3])];
    expect(stay(lists, 'margin>=0.5')).toEqual(['qp qn3 qn4']);
    expect(stay(lists, 'relative-margin>=0.25')).toEqual(['qp qn3 qn4']);
    expect(stay([listOf('q', 2, [1.6, 1.5])], 'relative-margin>=0.25')).toEqual(['qp qn2']);
    // A share of it means nothing: 0.95 · −2 is above −2.
    const { lists: judged, report } = applyRules(lists, parseRules('share<=0.95'));
    expect(report.rules[0]?.counts).toEqual({ kept: 0, dropped: 0, skipped: 4 });
    expect(judged[0]?.documents[1]?.verdicts).toEqual({ 'share<=0.95': 'skip: the positive scores below 0' });
  });

  it('measures against the best positive, and leaves what has no score', () => {
    const list = listOf('q', 0.5, [0.7, undefined]);
    const two = {
      ...list,
      documents: [{ ...list.documents[0]!, id: 'best', teacher: 0.9 }, ...list.documents],
    };
    expect(stay([two], 'margin>=0.1')).toEqual(['best qp qn1 qn2']);
    const { lists, report } = applyRules([list, listOf('r', undefined, [0.9])], parseRules('margin>=0.1'));
    expect(lists.map(({ documents }) => documents.map(({ verdicts }) => verdicts?.['margin>=0.1']))).toEqual([
      [undefined, 'drop: 0.7 is above 0.4 (positive 0.5)', 'skip: no teacher score'],
      [undefined, 'skip: no positive with a teacher score'],
    ]);
    expect(report.rules[0]?.counts).toEqual({ kept: 0, dropped: 1, skipped: 2 });
  });

  it("share and margin drop what training's mask takes out at the same thresholds", () => {
    const scores = fc.array(
      fc.integer({ min: 0, max: 100 }).map((x) => x / 100),
      { minLength: 2, maxLength: 10 },
    );
    const thresholds = fc.integer({ min: 0, max: 20 }).map((x) => x / 20);
    fc.assert(
      fc.property(scores, thresholds, ([positive = 0, ...negatives], threshold) => {
        for (const [rule, mask] of [
          [`share<=${threshold}`, { share: threshold, margin: null }],
          [`margin>=${threshold}`, { share: null, margin: threshold }],
        ] as const) {
          const { lists } = applyRules([listOf('q', positive, negatives)], parseRules(rule));
          const dropped = (lists[0]?.documents ?? []).flatMap((document, at) =>
            isDropped(document) ? [at] : [],
          );
          expect(dropped).toEqual(falseNegatives(Float64Array.of(positive, ...negatives), 0, mask));
        }
      }),
    );
  });

  it('overlap: drops near-duplicates of a positive, and of a passage kept before', () => {
    const texts = {
      p: 'a wing in the flow',
      copy: 'A wing, in the flow!',
      near: 'a wing in the wake', // 4 of 6 words with p
      far: 'heat of slabs',
      farther: 'the heat of slabs', // 3 of 4 words with far
    };
    const list: ListRecord = {
      query_id: 'q',
      query: 'flow',
      documents: Object.entries(texts).map(([id, text]) => ({
        id,
        text,
        label: id === 'p' ? 1 : 0,
        source: id === 'far' ? 'dense' : 'bm25',
      })),
    };
    expect(stay([list], 'positive-overlap<=0.7')).toEqual(['p near far farther']);
    expect(stay([list], 'positive-overlap<=0.6')).toEqual(['p far farther']);
    expect(stay([list], 'negative-overlap<=0.7')).toEqual(['p copy near far']);
    expect(stay([list], 'negative-overlap<=0.75')).toEqual(['p copy near far farther']);
    // `copy` and `near` share 4 of 6; what is dropped drops nothing more.
    expect(stay([list], 'positive-overlap<=0.7, negative-overlap<=0.6')).toEqual(['p near far']);
    // Passages of other sources are not judged, but count.
    expect(stay([list], 'negative-overlap<=0.7@bm25')).toEqual(['p copy near far']);
    expect(stay([list], 'negative-overlap<=0.7@dense')).toEqual(['p copy near far farther']);
  });

  it('length<=: keeps the first of those left', () => {
    const lists = [listOf('q', 0.8, [0.9, 0.1, 0.2, 0.3])];
    expect(stay(lists, 'length<=3')).toEqual(['qp qn1 qn2']);
    expect(stay(lists, 'margin>=0.05, length<=3')).toEqual(['qp qn2 qn3']);
  });

  it('judges one source where one is named', () => {
    const list = listOf('q', 0.8, [0.9, 0.9]);
    const documents = list.documents.map((document) =>
      document.id === 'qn2' ? { ...document, source: 'llama-3/8b' } : document,
    );
    expect(stay([{ ...list, documents }], 'margin>=0.05@llama-3/8b')).toEqual(['qp qn1']);
  });
});

describe('rules about lists', () => {
  it('teacher-rank: keeps lists whose positive no passage scores above', () => {
    const lists = [listOf('a', 0.8, [0.8, 0.1]), listOf('b', 0.8, [0.81]), listOf('c', 0.5, [0.9, 0.8, 0.1])];
    expect(stay(lists, 'teacher-rank<=1')).toEqual(['ap an1 an2']);
    expect(stay(lists, 'teacher-rank<=2')).toEqual(['ap an1 an2', 'bp bn1']);
    // What an earlier rule dropped is not above it.
    expect(stay(lists, 'margin>=0, teacher-rank<=1')).toHaveLength(3);
    const [, b] = applyRules(lists, parseRules('teacher-rank<=1')).lists;
    expect(b?.documents.map(({ verdicts }) => verdicts?.['teacher-rank<=1'])).toEqual(
      Array(2).fill('drop: the teacher ranks the positive 2'),
    );
  });

  it('rank: keeps lists whose positive a retriever has near its top', () => {
    const found = (query: string, ranks?: Record<string, number>): ListRecord => {
      const list = listOf(query, 1, [0]);
      return { ...list, documents: list.documents.map((d, i) => (i === 0 && ranks ? { ...d, ranks } : d)) };
    };
    const lists = [found('a', { bm25: 20, dense: 90 }), found('b', { bm25: 21, dense: 3 }), found('c')];
    expect(stay(lists, 'rank<=20')).toEqual(['ap an1', 'bp bn1']);
    expect(stay(lists, 'rank<=20@bm25')).toEqual(['ap an1']);
    expect(stay(lists, 'rank<=20@dense')).toEqual(['bp bn1']);
    expect(applyRules(lists, parseRules('rank<=2')).lists[2]?.documents[0]?.verdicts).toEqual({
      'rank<=2': 'drop: no retriever found the positive',
    });
    expect(() => stay(lists, 'rank<=20@elser')).toThrow(/no positive of the lists has a rank with "elser"/);
  });

  it('percentile: drops lists whose best score is below the 25th percentile of all', () => {
    // Ascending: 0, 0.1, 0.2, 0.3, 0.4, 0.9; place 5 · 0.25 = 1.25; 0.1 + 0.25 · 0.1 = 0.125.
    const lists = [listOf('a', 0.9, [0.4, 0.3]), listOf('b', 0.1, [0]), listOf('c', 0.2, [])];
    expect(stay(lists, 'percentile>=25')).toEqual(['ap an1 an2', 'cp']);
    expect(applyRules(lists, parseRules('percentile>=25')).lists[1]?.documents[1]?.verdicts).toEqual({
      'percentile>=25': 'drop: the best score 0.1 is below 0.125',
    });
    // In groups of their own each list has its best score at or above.
    const { lists: alone } = applyRules(lists, parseRules('percentile>=25'), { group: 'query' });
    expect(alone.every(({ documents }) => !documents.some(isDropped))).toBe(true);
    // Only what earlier rules left is measured.
    expect(stay(lists, 'length>=2, percentile>=50')).toEqual(['ap an1 an2']);
  });

  it('length>=: counts what is left', () => {
    const lists = [listOf('a', 0.9, [0.95, 0.3]), listOf('b', 0.9, [0.1, 0])];
    expect(stay(lists, 'length>=3')).toHaveLength(2);
    expect(stay(lists, 'margin>=0.05, length>=3')).toEqual(['bp bn1 bn2']);
    expect(stay(lists, 'length>=3, margin>=0.05')).toEqual(['ap an2', 'bp bn1 bn2']);
  });

  it("applies paper C's stack in its order", () => {
    const ranked = (list: ListRecord, rank: number): ListRecord => ({
      ...list,
      documents: list.documents.map((d, i) => (i === 0 ? { ...d, ranks: { bge: rank } } : d)),
    });
    const lists = [
      ranked(listOf('good', 0.9, [0.6, 0.5, 0.1]), 1),
      ranked(listOf('deep', 0.9, [0.2, 0.1, 0]), 21),
      ranked(listOf('wrong', 0.7, [0.8, 0.2, 0.1]), 2),
      ranked(listOf('short', 0.9, [0.2]), 1),
      ranked(listOf('weak', 0.1, [0.05, 0.02, 0.01]), 1),
    ];
    const { lists: judged, report } = applyRules(
      lists,
      parseRules('rank<=20, teacher-rank<=1, length>=4, percentile>=25, share<=0.6, length<=3'),
    );
    // Of good and weak, the 25th percentile lies between 0.02 and 0.05: weak's best, 0.1, is above it.
    expect(keepPassages(judged).lists.map(({ documents }) => documents.map(({ id }) => id))).toEqual([
      ['goodp', 'goodn2', 'goodn3'],
      ['weakp', 'weakn1', 'weakn2'],
    ]);
    expect(report.rules.map(({ judges, counts: { kept, dropped } }) => [judges, kept, dropped])).toEqual([
      ['lists', 4, 1],
      ['lists', 3, 1],
      ['lists', 2, 1],
      ['lists', 2, 0],
      ['passages', 5, 1],
      ['passages', 4, 1],
    ]);
  });
});

describe('a stack of rules', () => {
  const rules = fc.shuffledSubarray(
    [
      'share<=0.9',
      'margin>=0.1',
      'relative-margin>=0.2@bm25',
      'teacher-rank<=2',
      'percentile>=25',
      'positive-overlap<=0.7',
      'negative-overlap<=0.7',
      'length>=3',
      'length<=4',
    ],
    { minLength: 1 },
  );
  const hasScore = (lists: readonly ListRecord[]): boolean =>
    lists.some(({ documents }) => documents.some(({ teacher }) => teacher !== undefined));

  it('gives the same from fresh lists and over the verdicts of other thresholds', () => {
    fc.assert(
      fc.property(anyLists.filter(hasScore), rules, rules, (lists, first, second) => {
        const fresh = applyRules(lists, parseRules(second));
        const again = applyRules(applyRules(lists, parseRules(first)).lists, parseRules(second));
        expect(again).toEqual(fresh);
      }),
    );
  });

  it('removes nothing but verdicts, drops a positive only with its list, and counts what it did', () => {
    let dropped = 0;
    fc.assert(
      fc.property(anyLists.filter(hasScore), rules, (lists, texts) => {
        const { lists: judged, report } = applyRules(lists, parseRules(texts));
        const bare = judged.map((list) => ({
          ...list,
          documents: list.documents.map((document) => withoutVerdicts(document)),
        }));
        expect(bare).toEqual(lists);
        const names = parseRules(texts).map(formatRule);
        for (const { documents } of judged) {
          if (documents.filter(isPositive).some(isDropped)) expect(documents.every(isDropped)).toBe(true);
          for (const { verdicts = {} } of documents) {
            // In the order of the stack, and none after one that dropped it.
            const given = names.filter((name) => name in verdicts);
            expect(Object.keys(verdicts)).toEqual(given);
            expect(given.slice(0, -1).every((name) => !verdicts[name]?.startsWith('drop'))).toBe(true);
          }
        }
        report.rules.forEach(({ rule, judges, counts, bySource }) => {
          const all = judged.flatMap(({ documents }) => documents);
          const drops = all.filter(({ verdicts }) => verdicts?.[rule]?.startsWith('drop') === true);
          dropped += drops.length;
          const sum = Object.values(bySource).reduce((total, source) => total + source.dropped, 0);
          expect(sum).toBe(drops.length);
          if (judges === 'passages') expect(counts.dropped).toBe(drops.length);
        });
      }),
    );
    expect(dropped).toBeGreaterThan(100);
  });

  it('drops no less at a stricter threshold', () => {
    const pairs = [
      ['share<=0.9', 'share<=0.6'],
      ['margin>=0.05', 'margin>=0.2'],
      ['teacher-rank<=3', 'teacher-rank<=1'],
      ['percentile>=10', 'percentile>=60'],
      ['positive-overlap<=0.9', 'positive-overlap<=0.4'],
      ['length>=2', 'length>=4'],
    ] as const;
    const droppedBy = (lists: readonly ListRecord[], rule: string): boolean[] =>
      applyRules(lists, parseRules(rule)).lists.flatMap(({ documents }) => documents.map(isDropped));
    fc.assert(
      fc.property(anyLists.filter(hasScore), fc.constantFrom(...pairs), (lists, [loose, strict]) => {
        const strictly = droppedBy(lists, strict);
        droppedBy(lists, loose).forEach((isGone, i) => expect(isGone && !strictly[i]).toBe(false));
      }),
    );
  });

  it('leaves verdicts of other origin, and what they drop alone', () => {
    const list = listOf('q', 0.8, [0.9, 0.1]);
    const documents = list.documents.map((document) =>
      document.id === 'qn2' ? { ...document, verdicts: { hand: 'drop: an answer' } } : document,
    );
    const { lists, report } = applyRules([{ ...list, documents }], parseRules('margin>=0.1, length>=2'));
    expect(lists[0]?.documents.map(({ verdicts }) => verdicts)).toEqual([
      { 'length>=2': 'drop: 1 passages are left' },
      { 'margin>=0.1': 'drop: 0.9 is above 0.7 (positive 0.8)' },
      { hand: 'drop: an answer' },
    ]);
    expect(report.rules[0]?.counts.kept).toBe(0);
    expect(keepPassages(lists)).toEqual({
      lists: [],
      report: { lists: 0, droppedLists: 1, passages: 0, droppedPassages: 3 },
    });
  });

  it('shows examples: the same whatever the order of the lists, others for another seed', () => {
    const lists = Array.from({ length: 40 }, (_, i) => listOf(`q${i}`, 0.8, [0.9, 0.1]));
    const examples = (order: readonly ListRecord[], seed: number) => {
      const { rules: reports } = applyRules(order, parseRules('margin>=0.1'), { examples: 2, seed }).report;
      return [reports[0]?.keptExamples, reports[0]?.droppedExamples];
    };
    const [kept, dropped] = examples(lists, 0);
    expect(kept).toHaveLength(2);
    expect(dropped).toHaveLength(2);
    expect(dropped?.[0]).toMatchObject({
      text: expect.stringMatching(/^negative 1 of/) as string,
      teacher: 0.9,
      verdict: 'drop: 0.9 is above 0.7 (positive 0.8)',
      positive: { teacher: 0.8 },
    });
    expect(examples([...lists].reverse(), 0)).toEqual([kept, dropped]);
    expect(examples(lists, 1)).not.toEqual([kept, dropped]);
    expect(
      applyRules(lists, parseRules('margin>=0.1'), { examples: 0 }).report.rules[0]?.keptExamples,
    ).toEqual([]);
  });

  it('refuses rules about scores where there are none', () => {
    expect(() => stay([listOf('q', undefined, [undefined])], 'length>=1, margin>=0')).toThrow(InputError);
    expect(stay([listOf('q', undefined, [undefined])], 'length>=2')).toEqual(['qp qn1']);
  });
});
