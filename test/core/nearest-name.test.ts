import { expect, it } from 'vitest';
import { nearestName } from '../../src/core/nearest-name.ts';

const known = ['seeds', 'temperature', 'bm25', 'kl'];

it.each([
  ['temprature', 'temperature'],
  ['Temperature', 'temperature'],
  ['sedes', 'seeds'],
  ['bm52', 'bm25'],
  ['klx', 'kl'],
  ['tmepertaure', 'temperature'],
  ['xyz', undefined],
  ['sdese', undefined],
])('%s is meant for %s', (typed, meant) => {
  expect(nearestName(typed, known)).toBe(meant);
});
