import { expect, it } from 'vitest';
import { queryChanges, verdict } from '../../src/studio/words/verdict.ts';
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
