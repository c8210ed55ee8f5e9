import { describe, expect, it } from 'vitest';
import type { ListDocument, ListRecord } from '../../src/corpus/types.ts';
import { applyRules } from '../../src/lists/filter.ts';
import { filterQuality, filterRates, plantPositives, type FilterRates } from '../../src/lists/planted.ts';
import { parseRules } from '../../src/lists/rule-spec.ts';
import { scaleTeacherScores } from '../../src/lists/scaling.ts';
import { isPlanted, plantedLists } from './planted.ts';

const lists = plantedLists(400, 1);
const quality = (rules: string, of = lists): FilterRates =>
  filterRates(filterQuality(applyRules(of, parseRules(rules)).lists, isPlanted));

describe('true positives planted among the negatives', () => {
  it('share and margin find them: the stricter, the more, at the cost of true negatives', () => {
    const strict = quality('share<=0.8');
    const loose = quality('share<=0.95');
    // From the two distributions: P(N(0.75, 0.08) > t · N(0.75, 0.08)), and with N(0.5, 0.12) for true negatives.
    const bounds = 0.05;
    expect(Math.abs(strict.recall - 0.928)).toBeLessThan(bounds);
    expect(Math.abs(strict.lost - 0.231)).toBeLessThan(bounds);
    expect(Math.abs(loose.recall - 0.633)).toBeLessThan(bounds);
    expect(Math.abs(loose.lost - 0.067)).toBeLessThan(bounds);
    expect(loose.precision).toBeGreaterThan(strict.precision);
    expect(quality('margin>=0.1').recall).toBeGreaterThan(quality('margin>=0').recall);
    expect(quality('relative-margin>=0.05')).toEqual(loose);
  });

  it("paper C's 0.6 of scaled scores finds nearly all of them", () => {
    const scaled = quality('share<=0.6', [...scaleTeacherScores(lists, { group: 'file' })]);
    expect(scaled.recall).toBeGreaterThan(0.9);
  });

  it('the overlap with the positive finds those in its words, and nothing else', () => {
    const { lists: judged } = applyRules(lists, parseRules('positive-overlap<=0.6'));
    const copies = filterRates(filterQuality(judged, ({ id }) => id.endsWith('-copy')));
    expect(copies).toEqual({ precision: 1, recall: 1, lost: 0 });
    expect(quality('positive-overlap<=0.6').recall).toBe(0.5);
  });

  it('stacked rules find more than each', () => {
    const stacked = quality('positive-overlap<=0.6, share<=0.9');
    expect(stacked.recall).toBeGreaterThan(quality('share<=0.9').recall);
    expect(stacked.precision).toBeGreaterThan(quality('share<=0.9').precision);
  });

  it('teacher-rank leaves lists with fewer answers among the negatives', () => {
    const { lists: judged } = applyRules(lists, parseRules('teacher-rank<=1'));
    const kept = filterRates(filterQuality(judged, isPlanted));
    // Half of the answers would score above the gold passage by chance; with two, a third of the lists stay.
    expect(kept.recall).toBeGreaterThan(0.6);
    expect(kept.recall).toBeLessThan(0.8);
    const both = quality('teacher-rank<=1, share<=0.8');
    expect(both.recall).toBeGreaterThan(kept.recall);
  });
});

describe('planting judged positives', () => {
  const passage = (id: string, label: number, more: Partial<ListDocument> = {}): ListDocument => ({
    ...{ id, text: id, label, source: label > 0 ? 'gold' : 'bm25' },
    ...more,
  });
  const negatives = ['n1', 'n2', 'n3'].map((id) => passage(id, 0));
  const list = (id: string, documents: readonly ListDocument[]): ListRecord => ({
    query_id: id,
    query: id,
    documents,
  });
  const several = Array.from({ length: 20 }, (_, i) =>
    list(`q${i}`, [
      passage('second', 2, { teacher: 0.5, rank: 4, verdicts: { 'share<=0.9': 'keep' } }),
      passage('best', 3),
      passage('third', 2),
      ...negatives,
    ]),
  );
  const plant = (count: number, lists: readonly ListRecord[] = several): readonly ListRecord[] =>
    plantPositives(lists, { count, level: 2, seed: 1 });
  const hidden = ({ documents }: ListRecord): readonly ListDocument[] =>
    documents.filter(({ source }) => source === 'planted');

  it('keeps the best positive, and puts others in the places of negatives', () => {
    for (const { documents } of plant(1)) {
      expect(documents.filter(({ label }) => (label ?? 0) > 0).map(({ id }) => id)).toEqual(['best']);
      expect(documents).toHaveLength(4);
    }
    expect(plant(1).every((each) => hidden(each).length === 1)).toBe(true);
    expect(
      new Set(
        plant(1)
          .flatMap(hidden)
          .map(({ id }) => id),
      ),
    ).toEqual(new Set(['second', 'third']));
    // Where it stands does not give it away.
    expect(
      new Set(plant(1).map(({ documents }) => documents.findIndex(({ source }) => source === 'planted'))),
    ).toEqual(new Set([1, 2, 3]));
    expect(plant(9).every((each) => hidden(each).length === 2)).toBe(true);
    expect(plant(1)).toEqual(plant(1));
  });

  it('calls them negatives, without what told of their place, with the scores that they had', () => {
    expect(plant(2)[0]?.documents.find(({ id }) => id === 'second')).toEqual({
      ...{ id: 'second', text: 'second', label: 0, source: 'planted', teacher: 0.5 },
    });
  });

  it('has a control: the same queries and as many negatives, none of them planted', () => {
    const control = plant(0);
    expect(control.map(({ query_id }) => query_id)).toEqual(plant(2).map(({ query_id }) => query_id));
    expect(control[0]?.documents.map(({ id }) => id)).toEqual(['best', 'n1', 'n2', 'n3']);
  });

  it('leaves out what has one positive or no negatives, and looks at the level', () => {
    const others = [
      list('one', [passage('best', 3), passage('low', 1), ...negatives]),
      list('bare', [passage('best', 3), passage('second', 2)]),
    ];
    expect(plant(1, others)).toEqual([]);
    expect(plantPositives(others, { count: 1, seed: 1 }).map(({ query_id }) => query_id)).toEqual(['one']);
  });

  it('counts what rules find of them', () => {
    const [first] = plant(1);
    const judged = (first?.documents ?? []).map((each) =>
      each.source === 'planted' || each.id === 'n1' ? { ...each, verdicts: { rule: 'drop: so' } } : each,
    );
    const quality = filterQuality([list('q', judged)]);
    const lost = judged.some(({ id }) => id === 'n1') ? 1 : 0;
    expect(quality).toEqual({ answers: 1, found: 1, others: 2, lost });
    expect(filterRates({ answers: 4, found: 3, others: 10, lost: 1 })).toEqual({
      ...{ precision: 0.75, recall: 0.75, lost: 0.1 },
    });
  });
});
