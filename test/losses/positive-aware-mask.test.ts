import { describe, expect, test } from 'vitest';
import { columnsOfDocuments, falseNegatives, removeDocuments } from '../../src/losses/positive-aware-mask.ts';

describe('falseNegatives', () => {
  const teacher = Float64Array.of(0.9, 0.54, 0.55, 0.89, NaN, 0.1);

  test('removes what the teacher scores above the share of the positive', () => {
    expect(falseNegatives(teacher, 0, { share: 0.6, margin: null })).toEqual([2, 3]);
  });

  test('removes what the teacher scores above the positive less the margin', () => {
    expect(falseNegatives(teacher, 0, { share: null, margin: 0.05 })).toEqual([3]);
    expect(falseNegatives(teacher, 2, { share: null, margin: 0 })).toEqual([0, 3]);
  });

  test('removes nothing when it is off or the positive has no score', () => {
    expect(falseNegatives(teacher, 0, { share: null, margin: null })).toEqual([]);
    expect(falseNegatives(teacher, 4, { share: 0.6, margin: 0.1 })).toEqual([]);
  });
});

test('removeDocuments masks a document wherever it stands, but in the columns kept', () => {
  const documents = Int32Array.of(7, 8, 9, 7, 8, 7);
  const mask = new Uint8Array(6).fill(1);
  const columnsOf = columnsOfDocuments(documents);
  expect(removeDocuments(mask, [7, 9, 100], columnsOf, 3, 4)).toBe(3);
  expect([...mask]).toEqual([0, 1, 0, 1, 1, 0]);
  expect(removeDocuments(mask, [7, 8], columnsOf, 1, 4)).toBe(1);
  expect([...mask]).toEqual([0, 1, 0, 1, 0, 0]);
});
