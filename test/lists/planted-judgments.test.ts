import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { ListRecord } from '../../src/corpus/types.ts';
import { applyRules } from '../../src/lists/filter.ts';
import { withGivenLabels } from '../../src/lists/given-labels.ts';
import { withGuideScores } from '../../src/lists/guide.ts';
import { filterQuality, filterRates, type FilterRates } from '../../src/lists/planted.ts';
import { parseRules } from '../../src/lists/rule-spec.ts';
import { isPlantedAnswer } from './planted-judgments.ts';

/**
 * The demo's lists, with the cosines of a real teacher: the best judged answer of each query is its positive, other
 * answers (grade 2 and more) are labeled 0 among near misses and what BM25 found.
 */
const lists = readFileSync(join(import.meta.dirname, '../../public/demo/lists.jsonl'), 'utf8')
  .trimEnd()
  .split('\n')
  .map((line): ListRecord => {
    const list = JSON.parse(line) as ListRecord;
    const [best] = [...list.documents].sort((a, b) => (b.label ?? 0) - (a.label ?? 0));
    const documents = list.documents.map((document) => {
      if (document === best) return document;
      return { ...document, source: (document.label ?? 0) >= 2 ? 'planted' : document.source, label: 0 };
    });
    return { ...list, documents };
  });
const negatives = lists.flatMap(({ documents }) => documents.filter(({ label }) => label === 0));
const chance = negatives.filter(isPlantedAnswer).length / negatives.length;

const quality = (rules: string, of: readonly ListRecord[] = lists): FilterRates =>
  filterRates(filterQuality(applyRules(of, parseRules(rules)).lists));

describe("judged answers of the demo's corpus among the negatives", () => {
  it('a teacher finds them more often than chance; a wider margin finds more, and loses more', () => {
    expect(negatives.filter(isPlantedAnswer).length).toBeGreaterThan(lists.length);
    for (const [narrow, wide] of [
      ['share<=0.95', 'share<=0.6'],
      ['margin>=0', 'margin>=0.2'],
      ['relative-margin>=0.05', 'relative-margin>=0.4'],
    ] as const) {
      const [few, many] = [quality(narrow), quality(wide)];
      expect(few.precision).toBeGreaterThan(1.5 * chance);
      expect(many.precision).toBeGreaterThan(chance);
      expect(many.recall).toBeGreaterThan(2 * few.recall);
      expect(many.lost).toBeGreaterThan(few.lost);
      expect(few.lost).toBeLessThan(0.1);
    }
  });

  it('a guide with the same scores finds the same', () => {
    const scores = new Map(
      lists.map(({ query_id, documents }) => [
        query_id,
        new Map(documents.map(({ id, teacher = 0 }) => [id, teacher])),
      ]),
    );
    const guided = withGuideScores(lists, scores).lists;
    expect(quality('guide-margin>=0.1', guided)).toEqual(quality('margin>=0.1'));
    expect(quality('guide-relative-margin>=0.05', guided)).toEqual(quality('relative-margin>=0.05'));
  });

  it('labels find what they say, and nothing else', () => {
    const truth = new Map(
      lists.map(({ query_id, documents }) => [
        query_id,
        new Map(documents.map((document) => [document.id, isPlantedAnswer(document) ? 2 : 0])),
      ]),
    );
    for (const by of ['model', 'hand'] as const) {
      const labeled = withGivenLabels(lists, truth, by).lists;
      expect(quality(`${by}-label<=1`, labeled)).toEqual({ precision: 1, recall: 1, lost: 0 });
    }
  });
});
