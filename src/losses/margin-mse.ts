import type { LossBlock, LossDefinition, LossResult, LossSettings } from './contract.ts';
import { readSettings } from './settings.ts';

const settings = {} as const;

/**
 * MarginMSE: copies the teacher's score differences.
 *
 * Optimizes: the mean over the row's negatives of ((s₀ − sⱼ) − (t₀ − tⱼ))².
 * Inputs: the positive and teacher scores. A passage without a teacher score takes no part; without one for the
 * positive the row counts nothing.
 * When: distilling a cross-encoder into a dot-product student. The student must be able to reach the teacher's
 * differences: rescale teacher logits before training a cosine student.
 * Relations: KL compares shares of the whole list and so forgives a shift and a stretch of the scores; triplet asks
 * for one margin everywhere where this takes the teacher's.
 * Source: Hofstätter 2020, arXiv 2010.02666, eq. 2.
 * Example: `margin-mse`.
 */
export const marginMse: LossDefinition = {
  name: 'margin-mse',
  aliases: ['margin-mse-loss'],
  title: 'MarginMSE',
  needs: ['positive', 'teacher'],
  scopes: ['own'],
  rowwise: true,
  settings,
  compute: computeMarginMse,
};

function computeMarginMse(block: LossBlock, given: LossSettings): LossResult {
  readSettings('margin-mse', settings, given);
  const { rows, columns, scores, mask, positive, teacher } = block;
  if (teacher === undefined) throw new TypeError('margin-mse: the block has no teacher scores');
  const gradient = new Float64Array(rows * columns);
  let value = 0;
  for (let row = 0; row < rows; row++) {
    const start = row * columns;
    const end = start + columns;
    const positiveAt = start + (positive[row] as number);
    const positiveExcess = (scores[positiveAt] as number) - (teacher[positiveAt] as number);
    if (Number.isNaN(teacher[positiveAt])) continue;
    let negatives = 0;
    let squares = 0;
    let pull = 0;
    for (let at = start; at < end; at++) {
      const teacherScore = teacher[at] as number;
      if (at === positiveAt || mask[at] !== 1 || Number.isNaN(teacherScore)) continue;
      const error = positiveExcess - ((scores[at] as number) - teacherScore);
      negatives++;
      squares += error * error;
      pull += error;
      gradient[at] = -2 * error;
    }
    if (negatives === 0) continue;
    for (let at = start; at < end; at++) gradient[at] = (gradient[at] as number) / negatives;
    gradient[positiveAt] = (2 * pull) / negatives;
    value += squares / negatives;
  }
  return { value, gradient };
}
