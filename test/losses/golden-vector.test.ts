import { expect, test } from 'vitest';
import { lossByName } from '../../src/losses/index.ts';
import { blockOf } from './blocks.ts';

// One list of four passages, computed apart from this project with central differences, to the printed digits.
const scores = [0.62, 0.7, 0.35, 0.1];
const labels = [3, 2, 1, 0];
const teacher = [0.95, 0.8, 0.3, 0.02];
const block = blockOf([scores], { labels: [labels], teacher: [teacher] });

test.each([
  ['infonce', {}, 1.784664, [-16.64293, 16.62767, 0.01516, 0.0001]],
  ['margin-mse', {}, 0.1218, [-0.68, 0.15333, 0.25333, 0.27333]],
  ['kl', {}, 0.890612, [-7.96707, 9.75923, -1.28212, -0.51004]],
  ['kl', { squareScale: 1 }, 0.002227, [-0.0199177, 0.0243981, -0.0032053, -0.0012751]],
  ['listnet', {}, 2.209641, [-9.52122, 11.89001, -1.72772, -0.64107]],
])('%s %o has the golden value and gradient', (name, settings, value, gradient) => {
  const result = lossByName(name).compute(block, settings);
  expect(result.value).toBeCloseTo(value, 6);
  gradient.forEach((expected, j) => expect(result.gradient[j]).toBeCloseTo(expected, 5));
});

test('triplet has the golden value and gradient on the first two passages', () => {
  const masked = { ...block, mask: Uint8Array.of(1, 1, 0, 0) };
  const result = lossByName('triplet').compute(masked, { margin: 0.2 });
  expect(result.value).toBeCloseTo(0.28, 12);
  expect([...result.gradient]).toEqual([-1, 1, 0, 0]);
});

test.each([
  [0.05, 0.379631],
  [1, 0.163654],
])('ws2 at temperature %d has the golden value', (temperature, value) => {
  const rows = [scores, [0.55, 0.5, 0.45, 0.2], [0.9, 0.3, 0.6, 0.05]];
  const { value: sum } = lossByName('ws2').compute(blockOf(rows, { labels: [labels, labels, labels] }), {
    temperature,
  });
  expect(sum / 3).toBeCloseTo(value, 6);
});
