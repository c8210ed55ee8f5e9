import type { LossBlock, LossDefinition, LossResult, LossSettings } from './contract.ts';
import { readSettings } from './settings.ts';
import { softmaxInPlace } from './softmax.ts';

const settings = {
  temperature: { default: 0.05, above: 0, meaning: 'Divides the scores before the softmax.' },
  teacherTemperature: {
    default: 0.3,
    above: 0,
    meaning: 'Divides the teacher scores before the softmax; 0.3 suits scores from 0 to 1.',
  },
  squareScale: {
    default: 0,
    isSwitch: true,
    meaning: 'Multiplies the loss by the squared temperature, as in sentence-transformers.',
  },
} as const;

/**
 * Listwise distillation: the Kullback–Leibler divergence from a teacher's ranking distribution.
 *
 * Optimizes: Σⱼ pⱼ (log pⱼ − log softmax(s/τ)ⱼ) with p = softmax(t/τₜ); times τ² where `squareScale` is on.
 * Inputs: teacher scores. A passage without one takes no part in its row. With `scope=batch` the candidates are all
 * distinct documents of the batch, known positives included, and the teacher must score each of them for each query:
 * an encoder, or stored vectors.
 * When: lists that a cross-encoder scored; with `scope=batch` wherever the teacher is an encoder. Pulls every passage
 * towards the teacher's share, so false negatives do no harm and passages of middling relevance are learned too.
 * Relations: has ListNet's gradient, with teacher scores in place of labels; MarginMSE copies differences of raw
 * scores instead of shares; often summed with a little InfoNCE, which adds the batch's other passages.
 * Source: RocketQAv2, arXiv 2110.07367, eq. 3; temperatures of arXiv 2502.19712; Hinton 2015 for the factor τ².
 * Example: `kl + 0.1*infonce(temperature=0.01, scope=batch)`; `kl(scope=batch, teacherTemperature=0.05)`.
 */
export const klListwise: LossDefinition = {
  name: 'kl',
  aliases: [
    'kl-listwise',
    'listwise',
    'listwise-kl',
    'distillation',
    'listwise-distillation',
    'kl-div',
    'distill-kl-div',
    'distill-kl-div-loss',
  ],
  title: 'Listwise KL divergence',
  needs: ['teacher'],
  scopes: ['own', 'batch'],
  rowwise: true,
  settings,
  compute: computeKl,
};

function computeKl(block: LossBlock, given: LossSettings): LossResult {
  const { temperature, teacherTemperature, squareScale } = readSettings('kl', settings, given);
  const { rows, columns, scores, mask, teacher } = block;
  const gradient = new Float64Array(rows * columns);
  if (teacher === undefined) throw new TypeError('kl: the block has no teacher scores');
  const factor = squareScale === 1 ? temperature * temperature : 1;
  const target = new Float64Array(columns);
  let value = 0;
  for (let row = 0; row < rows; row++) {
    const start = row * columns;
    let known = 0;
    for (let j = 0; j < columns; j++) {
      const score = teacher[start + j] as number;
      const takesPart = mask[start + j] === 1 && !Number.isNaN(score);
      target[j] = takesPart ? score / teacherTemperature : -Infinity;
      gradient[start + j] = takesPart ? (scores[start + j] as number) / temperature : -Infinity;
      if (takesPart) known++;
    }
    if (known === 0) {
      gradient.fill(0, start, start + columns);
      continue;
    }
    const logSum = softmaxInPlace(gradient, start, start + columns);
    const teacherLogSum = softmaxInPlace(target, 0, columns);
    for (let j = 0; j < columns; j++) {
      const share = target[j] as number;
      if (share > 0) {
        const teacherLog = (teacher[start + j] as number) / teacherTemperature - teacherLogSum;
        const studentLog = (scores[start + j] as number) / temperature - logSum;
        value += factor * share * (teacherLog - studentLog);
      }
      gradient[start + j] = (factor * ((gradient[start + j] as number) - share)) / temperature;
    }
  }
  return { value, gradient };
}
