import type { LossBlock, LossDefinition, LossResult, LossSettings } from './contract.ts';
import { readSettings } from './settings.ts';
import { softmaxInPlace } from './softmax.ts';

const settings = {
  temperature: {
    default: 0.05,
    above: 0,
    meaning: 'Divides the scores before the softmax; lower values focus on the hardest negatives.',
  },
  margin: {
    default: 0,
    atLeast: 0,
    meaning: "Subtracted from the positive's score, which must exceed the negatives by this much.",
  },
  hardness: {
    default: 0,
    atLeast: 0,
    meaning:
      'Weight of hard negatives: adds this times its score, without a gradient, to the logit of each negative.',
  },
} as const;

/**
 * InfoNCE, known as MultipleNegativesRankingLoss in sentence-transformers.
 *
 * Optimizes: the probability of the positive in a softmax over the row, −z₀ + log Σⱼ exp(zⱼ) with z = s/τ. A
 * negative's logit also gets α·s without a gradient where a hardness α is set; a margin m makes the positive's
 * logit (s₀ − m)/τ.
 * Inputs: the positive. Labels and teacher scores are not read.
 * When: pairs or triplets, the more candidates in the row the better. A false negative is pushed away as hard as a
 * true one; mask it ({@link ./positive-aware-mask.ts}) or use a loss that knows grades.
 * Relations: triplet looks at one negative at a time and stops at its margin; KL replaces the one-hot target by a
 * teacher's distribution; `scale` of sentence-transformers is 1/τ.
 * Source: van den Oord 2018, arXiv 1807.03748, eq. 4; Henderson 2017, arXiv 1705.00652; hardness: arXiv 2503.04812;
 * margin: additive margin softmax, arXiv 1801.05599.
 * Example: `infonce(temperature=0.01, scope=batch)`.
 */
export const infonce: LossDefinition = {
  name: 'infonce',
  aliases: [
    'mnrl',
    'multiple-negatives-ranking',
    'multiple-negatives-ranking-loss',
    'contrastive',
    'nt-xent',
  ],
  title: 'InfoNCE (multiple negatives ranking)',
  needs: ['positive'],
  scopes: ['batch', 'in-batch', 'own'],
  rowwise: true,
  settings,
  compute: computeInfonce,
};

function computeInfonce(block: LossBlock, given: LossSettings): LossResult {
  const { temperature, margin, hardness } = readSettings('infonce', settings, given);
  const { rows, columns, scores, mask, positive } = block;
  const gradient = new Float64Array(rows * columns);
  let value = 0;
  for (let row = 0; row < rows; row++) {
    const start = row * columns;
    const end = start + columns;
    const positiveAt = start + (positive[row] as number);
    const positiveLogit = ((scores[positiveAt] as number) - margin) / temperature;
    for (let at = start; at < end; at++) {
      const score = scores[at] as number;
      gradient[at] = mask[at] === 1 ? score / temperature + hardness * score : -Infinity;
    }
    gradient[positiveAt] = positiveLogit;
    value += softmaxInPlace(gradient, start, end) - positiveLogit;
    gradient[positiveAt] = gradient[positiveAt] - 1;
    for (let at = start; at < end; at++) gradient[at] = (gradient[at] as number) / temperature;
  }
  return { value, gradient };
}
