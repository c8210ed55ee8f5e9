import { describe, expect, it } from 'vitest';
import { applyRules } from '../../src/mining/filter.ts';
import { parseRules } from '../../src/mining/rule-spec.ts';
import { scaleTeacherScores } from '../../src/mining/scaling.ts';
import { filterQuality, isPlanted, plantedLists, type FilterQuality } from './planted.ts';

const lists = plantedLists(400, 1);
const quality = (rules: string, of = lists): FilterQuality =>
  filterQuality(applyRules(of, parseRules(rules)).lists, isPlanted);

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
    const copies = filterQuality(judged, ({ id }) => id.endsWith('-copy'));
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
    const kept = filterQuality(judged, isPlanted);
    // Half of the answers would score above the gold passage by chance; with two, a third of the lists stay.
    expect(kept.recall).toBeGreaterThan(0.6);
    expect(kept.recall).toBeLessThan(0.8);
    const both = quality('teacher-rank<=1, share<=0.8');
    expect(both.recall).toBeGreaterThan(kept.recall);
  });
});
