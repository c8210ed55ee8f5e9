import type { LossBlock, LossDefinition, LossResult, LossSettings } from './contract.ts';
import { readSettings } from './settings.ts';
import { softmaxInPlace } from './softmax.ts';

const settings = {
  temperature: {
    default: 0.05,
    above: 0,
    meaning: 'Divides the scores before the softmax; 0.05 suits cosines, 1 raw logits.',
  },
} as const;

/**
 * ListNet in its top-one form: cross-entropy between the grades' softmax and the scores' softmax.
 *
 * Optimizes: −Σⱼ softmax(l)ⱼ log softmax(s/τ)ⱼ.
 * Inputs: labels (grades). A passage of unknown grade counts as grade 0: it is another query's passage.
 * When: graded lists without a teacher. Every grade keeps some of the target, so lower grades are pulled up as well.
 * Relations: KL on the grades plus a constant, so its gradient is KL's; the natural ablation of WS2, which has the
 * same targets; InfoNCE is its limit where one grade towers over the others.
 * Source: Cao 2007, Learning to rank: from pairwise approach to listwise approach, eq. 5.
 * Example: `listnet(temperature=0.05)`.
 */
export const listnet: LossDefinition = {
  name: 'listnet',
  aliases: ['list-net-loss', 'listwise-labels', 'softmax-cross-entropy'],
  title: 'ListNet (top one)',
  needs: ['labels'],
  scopes: ['own', 'batch', 'in-batch'],
  rowwise: true,
  settings,
  compute: computeListnet,
};

function computeListnet(block: LossBlock, given: LossSettings): LossResult {
  const { temperature } = readSettings('listnet', settings, given);
  const { rows, columns, scores, mask, labels } = block;
  if (labels === undefined) throw new TypeError('listnet: the block has no labels');
  const gradient = new Float64Array(rows * columns);
  const target = new Float64Array(columns);
  let value = 0;
  for (let row = 0; row < rows; row++) {
    const start = row * columns;
    for (let j = 0; j < columns; j++) {
      const takesPart = mask[start + j] === 1;
      target[j] = takesPart ? (labels[start + j] as number) || 0 : -Infinity;
      gradient[start + j] = takesPart ? (scores[start + j] as number) / temperature : -Infinity;
    }
    softmaxInPlace(target, 0, columns);
    const logSum = softmaxInPlace(gradient, start, start + columns);
    for (let j = 0; j < columns; j++) {
      const share = target[j] as number;
      if (share > 0) value += share * (logSum - (scores[start + j] as number) / temperature);
      gradient[start + j] = ((gradient[start + j] as number) - share) / temperature;
    }
  }
  return { value, gradient };
}
