import { describe, expect, it } from 'vitest';
import { queryChanges, significance, verdict } from '../../src/studio/words/verdict.ts';
import { report as canned } from '../e2e/canned-run.ts';

const report = {
  ...canned,
  results: {
    ...canned.results,
    perQuery: {
      queries: ['a', 'b', 'c', 'd'],
      systems: {
        untrained: { ndcg_cut_10: [[0.5, 0.5, 0.5, 0.5]] },
        contrastive: { ndcg_cut_10: [[0.4, 0.4, 0.6, 0.5]] },
        listwise: {
          ndcg_cut_10: [
            [0.9, 0.5, 0.7, 0.3],
            [0.5, 0.5, 0.7, 0.1],
          ],
        },
      },
    },
  },
};

it('says for how many queries each arm is better and worse, the best first, averaged over seeds', () => {
  expect(verdict(report)).toBe(
    'Listwise ranks the passages better than before training for 2 of 4 queries, and worse for 1. Contrastive: better for 1, worse for 2.',
  );
});

it('compares every query with what it was before training', () => {
  expect(queryChanges(report, 'listwise', 'ndcg_cut_10').map(({ id, change }) => `${id} ${change}`)).toEqual([
    'a better',
    'b same',
    'c better',
    'd worse',
  ]);
});

it('says nothing where queries were not measured', () => {
  expect(verdict(canned)).toBeUndefined();
  expect(queryChanges(canned, 'listwise', 'ndcg_cut_10')).toEqual([]);
});

describe('significance', () => {
  const [first, second, third] = canned.results.all.comparisons;
  if (first === undefined || second === undefined || third === undefined) throw new Error('no comparisons');
  const sentencesOf = (comparisons: typeof canned.results.all.comparisons) =>
    significance({
      ...canned,
      results: { ...canned.results, all: { ...canned.results.all, comparisons } },
    });

  it('names the differences that are significant, those that are not, and what could have been detected', () => {
    expect(significance(canned)).toEqual([
      'Significant on nDCG@10 (p below 0.05, corrected for 3 tests): contrastive is better than the untrained encoder by ' +
        '0.050; listwise is better than the untrained encoder by 0.090.',
      'Not significant: listwise against contrastive (+0.020).',
      'With 250 queries, a true difference of 0.040 would have been detected with a probability of 80%.',
    ]);
  });

  it('follows the corrected test, counts the tests of all measures and speaks of the first one', () => {
    const worse = { ...first, difference: -0.05, randomizationP: 0.01, randomizationHolmP: 0.02 };
    const open = { ...second, randomizationP: 0.04, randomizationHolmP: 0.08, smallestDetectable: 0.0251 };
    const other = { ...third, metric: 'recall_10', randomizationHolmP: 0.001 };
    expect(sentencesOf([worse, open, other])).toEqual([
      'Significant on nDCG@10 (p below 0.05, corrected for 3 tests): contrastive is worse than the untrained encoder by 0.050.',
      'Not significant: listwise against the untrained encoder (+0.090).',
      'With 250 queries, a true difference of 0.025 to 0.040, depending on the pair, would have been detected with a ' +
        'probability of 80%.',
    ]);
  });

  it('says that no difference is significant, and nothing without comparisons', () => {
    expect(sentencesOf([{ ...first, randomizationHolmP: 0.5 }])).toEqual([
      'Significant on nDCG@10 (p below 0.05): no difference.',
      'Not significant: contrastive against the untrained encoder (+0.050).',
      'With 250 queries, a true difference of 0.040 would have been detected with a probability of 80%.',
    ]);
    expect(sentencesOf([])).toEqual([]);
  });
});
