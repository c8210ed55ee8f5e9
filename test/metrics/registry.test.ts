import { describe, expect, it } from 'vitest';
import { InputError } from '../../src/core/errors.ts';
import { allMeasures, measureNames, parseMeasures } from '../../src/metrics/measures/registry.ts';

const names = (text: string) => parseMeasures(text).flatMap(measureNames);

describe('parseMeasures', () => {
  it.each([
    ['ndcg_cut_10', ['ndcg_cut_10']],
    ['ndcg_cut.10', ['ndcg_cut_10']],
    ['ndcg@10', ['ndcg_cut_10']],
    ['NDCG@10, R@100 ,MRR', ['ndcg_cut_10', 'recall_100', 'recip_rank']],
    ['recall.20,2000,map', ['recall_20', 'recall_2000', 'map']],
    ['P.7,5,7', ['P_5', 'P_7']],
    ['success', ['success_1', 'success_5', 'success_10']],
    ['ndcg', ['ndcg']],
  ])('%s', (text, expected) => {
    expect(names(text)).toEqual(expected);
  });

  it.each([
    '',
    'ndgc@10',
    'ndcg_10',
    'map_10',
    'ndcg_cut_0',
    'ndcg_cut.2.5',
    'P_-5',
    'ndcg_cut_',
    '10',
    'map,10',
  ])('refuses "%s" with a remedy', (text) => {
    expect(() => parseMeasures(text)).toThrow(InputError);
  });

  it('suggests the measure that was probably meant', () => {
    expect(() => parseMeasures('recip_rnk')).toThrow(/recip_rank\?/);
  });

  it('knows every name it gives', () => {
    const all = allMeasures().flatMap(measureNames);
    expect(names(all.join(','))).toEqual(all);
  });
});
