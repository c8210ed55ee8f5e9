import { expect, it } from 'vitest';
import { tickLabels } from '../../src/studio/charts/tick-labels.ts';

it.each([
  [
    [0.585, 0.59, 0.595, 0.6],
    ['0.585', '0.590', '0.595', '0.600'],
  ],
  [
    [0.1, 0.2, 0.1 + 0.2],
    ['0.1', '0.2', '0.3'],
  ],
  [
    [0, 5, 10],
    ['0.0', '5.0', '10.0'],
  ],
  [[0.25], ['0.3']],
])('ticks %j are told apart', (ticks, labels) => {
  expect(tickLabels(ticks)).toEqual(labels);
});
