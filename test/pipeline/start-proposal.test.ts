import { describe, expect, it } from 'vitest';
import { proposalText, proposeStart, type StartCandidate } from '../../src/pipeline/start-proposal.ts';

const options = { alpha: 0.05, samples: 1000 };

/** An encoder with a value for each of 40 queries around a mean. */
function candidate(model: string, mean: number, passagesPerSecond: number, noise = 0.01): StartCandidate {
  const values = Array.from({ length: 40 }, (_, i) => mean + (i % 2 === 0 ? noise : -noise));
  return { model, values, mean, passagesPerSecond };
}

function proposed(...candidates: readonly StartCandidate[]): string {
  const proposal = proposeStart(candidates, options);
  return proposal === undefined ? '' : proposalText(proposal, 'ndcg_cut_10');
}

describe('the start that is proposed', () => {
  it('is the best encoder where the others are significantly below it', () => {
    expect(proposed(candidate('small', 0.4, 1000), candidate('large', 0.6, 10))).toBe(
      'Start from large: it has the highest nDCG@10 (0.6000), and the other encoders are significantly below it.',
    );
  });

  it('is the fastest of those that are not significantly below the best one', () => {
    const noisy = candidate('small', 0.59, 1000, 0.3);
    expect(proposed(candidate('poor', 0.2, 9000), noisy, candidate('large', 0.6, 10))).toMatch(
      /^Start from small: its nDCG@10 \(0\.5900\) is not significantly below the highest, 0\.6000 of large \(-0\.0100, interval -0\.\d+ to \+0\.\d+, corrected p [01]\.\d+\), and it is 100 times as fast\.$/,
    );
  });

  it('is the best encoder where the ones beside it are slower', () => {
    expect(proposed(candidate('quick', 0.6, 1000), candidate('slow', 0.59, 10, 0.3))).toBe(
      'Start from quick: it has the highest nDCG@10 (0.6000), and no encoder that is not significantly below it is faster.',
    );
  });

  it('is the only one there is, or none', () => {
    expect(proposed(candidate('only', 0.1, 1))).toBe(
      'Start from only: it is the only encoder here that can be trained.',
    );
    expect(proposeStart([], options)).toBeUndefined();
  });
});
