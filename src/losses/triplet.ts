import type { LossBlock, LossDefinition, LossResult, LossSettings } from './contract.ts';
import { readSettings } from './settings.ts';

const settings = {
  margin: {
    default: 0.2,
    atLeast: 0,
    meaning: 'Margin by which the positive must score above a negative; 0.1 to 0.5 for cosines.',
  },
} as const;

/**
 * Triplet loss on similarities.
 *
 * Optimizes: the mean over the row's negatives of max(0, m − s₀ + sⱼ).
 * Inputs: the positive.
 * When: one or few hard negatives per query. Negatives beyond the margin have no gradient, which spares false
 * negatives that are already far, and slows training down once most are far.
 * Relations: InfoNCE weighs all negatives at once and never stops; MarginMSE takes each margin from a teacher.
 * sentence-transformers' version works on Euclidean distances with margin 5 by default.
 * Source: Schroff 2015, arXiv 1503.03832, eq. 3.
 * Example: `triplet(margin=0.2)`.
 */
export const triplet: LossDefinition = {
  name: 'triplet',
  aliases: ['triplet-loss', 'hinge'],
  title: 'Triplet (hinge)',
  needs: ['positive'],
  scopes: ['own', 'in-batch', 'batch'],
  rowwise: true,
  settings,
  compute: computeTriplet,
};

function computeTriplet(block: LossBlock, given: LossSettings): LossResult {
  const { margin } = readSettings('triplet', settings, given);
  const { rows, columns, scores, mask, positive } = block;
  const gradient = new Float64Array(rows * columns);
  let value = 0;
  for (let row = 0; row < rows; row++) {
    const start = row * columns;
    const end = start + columns;
    const positiveAt = start + (positive[row] as number);
    const bar = margin - (scores[positiveAt] as number);
    let negatives = 0;
    for (let at = start; at < end; at++) if (mask[at] === 1 && at !== positiveAt) negatives++;
    for (let at = start; at < end; at++) {
      if (mask[at] !== 1 || at === positiveAt) continue;
      const violation = bar + (scores[at] as number);
      if (violation <= 0) continue;
      value += violation / negatives;
      gradient[at] = 1 / negatives;
      gradient[positiveAt] = (gradient[positiveAt] as number) - 1 / negatives;
    }
  }
  return { value, gradient };
}
