import { expect, it } from 'vitest';
import { RandomStream } from '../../../src/core/random.ts';
import { distillationLoss } from '../../../src/training/distillation/loss.ts';

const dimension = 5;
const weights = { vectorWeight: 1, similarityWeight: 0.7, similarityTemperature: 0.3 };

function unitVectors(count: number, name: string): Float32Array<ArrayBuffer> {
  const random = new RandomStream(1, name);
  const vectors = Float32Array.from({ length: count * dimension }, () => random.normal());
  for (let start = 0; start < vectors.length; start += dimension) {
    const row = vectors.subarray(start, start + dimension);
    const length = Math.hypot(...row);
    row.forEach((value, k) => (row[k] = value / length));
  }
  return vectors;
}

it('is zero, with only the pull of the vector term, where the student agrees with the teacher', () => {
  const targets = unitVectors(6, 'targets');
  const { value, terms, gradient } = distillationLoss(targets, targets, dimension, weights);
  expect(value).toBeCloseTo(0, 6);
  expect(terms.map(({ value }) => value)).toEqual([expect.closeTo(0, 6), 0]);
  gradient.forEach((slope, at) => expect(slope).toBeCloseTo(-(targets[at] as number) / 6, 6));
});

it('has the gradient that finite differences give', () => {
  const vectors = unitVectors(4, 'vectors');
  const targets = unitVectors(4, 'targets');
  const { gradient } = distillationLoss(vectors, targets, dimension, weights);
  const step = 2 ** -7;
  for (let at = 0; at < vectors.length; at++) {
    const moved = (by: number): number => {
      const copy = vectors.slice();
      copy[at] = (copy[at] as number) + by;
      return distillationLoss(copy, targets, dimension, weights).value;
    };
    expect(gradient[at]).toBeCloseTo((moved(step) - moved(-step)) / (2 * step), 3);
  }
});

it('computes both terms as written, by hand for three texts', () => {
  const vectors = Float32Array.of(1, 0, 0, 1, 1, 0);
  const targets = Float32Array.of(1, 0, 1, 0, 0, 1);
  const { terms } = distillationLoss(vectors, targets, 2, {
    vectorWeight: 1,
    similarityWeight: 1,
    similarityTemperature: 1,
  });
  expect(terms[0]?.value).toBeCloseTo(1 - 1 / 3, 12);
  const kl = (p: number, q: number): number => p * Math.log(p / q) + (1 - p) * Math.log((1 - p) / (1 - q));
  const near = Math.E / (Math.E + 1);
  // Text 0 is near 1 to the teacher and near 2 to the student; 1 is near 0, and to the student as far as from 2;
  // 2 is far from both, and to the student near 0.
  const expected = (kl(near, 1 - near) + kl(near, 0.5) + kl(0.5, near)) / 3;
  expect(terms[1]?.value).toBeCloseTo(expected, 12);
});

it('learns similarities alone from vectors of another dimension', () => {
  const alone = { ...weights, vectorWeight: 0 };
  const vectors = unitVectors(4, 'vectors');
  const targets = unitVectors(4, 'targets');
  const padded = new Float32Array(4 * (dimension + 2));
  for (let row = 0; row < 4; row++) {
    padded.set(targets.subarray(row * dimension, (row + 1) * dimension), row * (dimension + 2));
  }
  const { value, gradient, terms } = distillationLoss(vectors, padded, dimension, alone);
  const same = distillationLoss(vectors, targets, dimension, alone);
  expect(value).toBe(same.value);
  expect(gradient).toEqual(same.gradient);
  const both = distillationLoss(vectors, targets, dimension, weights);
  expect(value).toBeCloseTo(both.value - (both.terms[0]?.value ?? 0), 12);
  expect(terms[0]).toMatchObject({ weight: 0, value: 0 });
});
