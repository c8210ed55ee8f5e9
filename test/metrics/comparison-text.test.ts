import { describe, expect, it } from 'vitest';
import type { PairResult } from '../../src/metrics/compare-systems.ts';
import { comparisonRows, conclusion } from '../../src/metrics/comparison-text.ts';
import { formatSigned, metricTitle } from '../../src/metrics/format.ts';

const pair: PairResult = {
  system: 'listwise',
  baseline: 'untrained',
  metric: 'ndcg_cut_10',
  difference: 0.05,
  interval: [0.02, 0.08],
  tTestP: 0.001,
  tTestHolmP: 0.004,
  randomizationP: 0.001,
  randomizationHolmP: 0.004,
  wins: 40,
  ties: 60,
  losses: 20,
  smallestDetectable: 0.04,
};
const over = { alpha: 0.05, queries: 120 };

describe('the sentence about a comparison', () => {
  it('says what is shown, how large it is and how certain', () => {
    expect(conclusion(pair, over)).toBe(
      'nDCG@10: listwise is better than untrained, +0.0500 (95% interval +0.0200 to +0.0800, corrected p 0.0040; ' +
        'better on 40 and worse on 20 of 120 queries).',
    );
    const worse = { ...pair, difference: -0.05, interval: [-0.08, -0.02] as const, randomizationHolmP: 1e-5 };
    expect(conclusion(worse, { ...over, alpha: 0.001 })).toContain(
      'listwise is worse than untrained, -0.0500 (99.9% interval -0.0800 to -0.0200, corrected p <0.0001;',
    );
  });

  it('says what is not shown, and what might have been missed', () => {
    const open = { ...pair, difference: 0.01, interval: [-0.02, 0.04] as const, randomizationHolmP: 0.6 };
    expect(conclusion(open, over)).toMatch(
      /no difference shown between listwise and untrained, .* A true difference below 0\.0400 had less than an 80% chance/,
    );
  });

  it('says when only the correction speaks against it', () => {
    expect(conclusion({ ...pair, randomizationHolmP: 0.08 }, over)).toMatch(
      /listwise may be better than untrained, .*corrected p 0\.0800.* not significant after the correction/,
    );
  });

  it('says when nothing differs', () => {
    const equal = { ...pair, wins: 0, losses: 0, ties: 120, randomizationHolmP: 1 };
    expect(conclusion(equal, over)).toBe('nDCG@10: listwise and untrained are equal on every query.');
  });
});

it('tests are rows with a cell for each column', () => {
  const [header, row] = comparisonRows({ comparisons: [pair] }, 0.1);
  expect(header).toHaveLength(row!.length);
  expect(header).toContain('90% interval');
  expect(row!.slice(0, 5)).toEqual(['listwise', 'untrained', 'nDCG@10', '+0.0500', '[+0.0200, +0.0800]']);
});

it('differences have a sign, and no minus before nothing', () => {
  expect([0.05, -0.05, -0.00001].map((value) => formatSigned(value))).toEqual([
    '+0.0500',
    '-0.0500',
    '+0.0000',
  ]);
  expect(formatSigned(-0.0204, { digits: 2, minus: '−' })).toBe('−0.02');
});

it.each([
  ['ndcg_cut_10', 'nDCG@10'],
  ['recall_100', 'Recall@100'],
  ['map', 'MAP'],
  ['recip_rank', 'MRR'],
  ['P_5', 'P@5'],
])('%s is called %s', (metric, title) => {
  expect(metricTitle(metric)).toBe(title);
});
