import { describe, expect, test } from 'vitest';
import { RandomStream } from '../../src/core/random.ts';
import { infonce } from '../../src/losses/infonce.ts';
import { listnet } from '../../src/losses/listnet.ts';
import { polarFactor } from '../../src/losses/polar-factor.ts';
import { softmaxInPlace } from '../../src/losses/softmax.ts';
import { ws2 } from '../../src/losses/ws2.ts';
import { blockOf, numericalGradient, relativeDistance } from './blocks.ts';

/** Queries with lists of their own: block-diagonal labels 3, 2, 1, 0 and random scores, as in SyCL. */
function inBatch(queries: number, documents: number, seed = 3) {
  const random = new RandomStream(seed, 'ws2');
  const columns = queries * documents;
  const scores = Array.from({ length: queries }, () =>
    Array.from({ length: columns }, () => 2 * random.normal()),
  );
  const labels = Array.from({ length: queries }, (_, query) =>
    Array.from({ length: columns }, (_, j) =>
      Math.floor(j / documents) === query ? documents - 1 - (j % documents) : 0,
    ),
  );
  return { scores, labels };
}

const loss = (scores: number[][], labels: number[][]) =>
  ws2.compute(blockOf(scores, { labels }), {}).value / scores.length;

describe('properties', () => {
  test('it is blind to which query has which scores', () => {
    const { scores, labels } = inBatch(6, 4);
    const permuted = [3, 0, 5, 1, 4, 2].map((row) => scores[row]!);
    expect(loss(permuted, labels)).toBeCloseTo(loss(scores, labels), 12);
  });

  test("every query having another query's perfect ranking costs nothing", () => {
    const { labels } = inBatch(6, 4);
    expect(loss([...labels.slice(1), labels[0]!], labels)).toBeCloseTo(0, 12);
  });

  test("at another query's perfect ranking there is no gradient either: alone it never finds its way back", () => {
    const { labels } = inBatch(6, 4);
    const others = [...labels.slice(1), labels[0]!];
    const { gradient } = ws2.compute(blockOf(others, { labels }), {});
    // Where the value is 0 to rounding, the gradient is to the root of that.
    expect(Math.hypot(...gradient)).toBeLessThan(1e-6);
  });

  test.each([
    ['KL on the same targets', listnet],
    ['InfoNCE', infonce],
  ])("with %s as an anchor, another query's perfect ranking costs more than one's own", (_name, anchor) => {
    const { labels } = inBatch(6, 4);
    const others = [...labels.slice(1), labels[0]!];
    const positive = Int32Array.from({ length: 6 }, (_, query) => query * 4);
    const anchored = (scores: number[][]): number => {
      const block = { ...blockOf(scores, { labels }), positive };
      return ws2.compute(block, {}).value + 0.1 * anchor.compute(block, { temperature: 1 }).value;
    };
    expect(anchored(others)).toBeGreaterThan(anchored(labels) + 0.1);
  });

  test('KL on the same targets tells the queries apart, and has the same optimum', () => {
    const { scores, labels } = inBatch(6, 4);
    const kl = (rows: number[][]): number =>
      listnet.compute(blockOf(rows, { labels }), { temperature: 1 }).value;
    const permuted = [3, 0, 5, 1, 4, 2].map((row) => labels[row]!);
    expect(kl(permuted)).toBeGreaterThan(kl(labels) + 0.1);
    expect(kl(scores)).toBeGreaterThan(kl(labels));
  });

  test('is the means, the variances and a nuclear norm: the 2-Wasserstein distance of two Gaussians, squared', () => {
    // For two queries the nuclear norm of the 2 × 2 matrix is known in closed form.
    const { scores, labels } = inBatch(2, 3, 9);
    const shares = (rows: number[][]): number[][] =>
      rows.map((row) => {
        const shared = Float64Array.from(row);
        softmaxInPlace(shared, 0, shared.length);
        return [...shared];
      });
    const [p, t] = [shares(scores), shares(labels)];
    const centered = (rows: number[][]): number[][] =>
      rows.map((row) => row.map((value, j) => value - (rows[0]![j]! + rows[1]![j]!) / 2));
    const [a, b] = [centered(p), centered(t)];
    const dot = (x: number[], y: number[]): number => x.reduce((sum, value, j) => sum + value * y[j]!, 0);
    const means = p[0]!.map((_, j) => (p[0]![j]! + p[1]![j]! - t[0]![j]! - t[1]![j]!) / 2);
    const product = a.map((row) => b.map((other) => dot(row, other)));
    const frobenius = product.flat().reduce((sum, value) => sum + value * value, 0);
    const determinant = product[0]![0]! * product[1]![1]! - product[0]![1]! * product[1]![0]!;
    const nuclear = Math.sqrt(frobenius + 2 * Math.abs(determinant));
    const variances =
      a.reduce((sum, row) => sum + dot(row, row), 0) + b.reduce((sum, row) => sum + dot(row, row), 0);
    expect(loss(scores, labels)).toBeCloseTo(dot(means, means) + variances - 2 * nuclear, 12);
  });

  test('with the same labels for all, it is a squared error of the means plus the variance of P', () => {
    const { scores } = inBatch(5, 1);
    const labels = scores.map(() => [4, 3, 2, 1, 0]);
    const softmax = (row: number[]) => {
      const sum = row.reduce((total, logit) => total + Math.exp(logit), 0);
      return row.map((logit) => Math.exp(logit) / sum);
    };
    const shares = scores.map(softmax);
    const target = softmax(labels[0]!);
    let expected = 0;
    for (let j = 0; j < 5; j++) {
      const column = shares.map((row) => row[j]!);
      const mean = column.reduce((sum, share) => sum + share, 0) / 5;
      expected += (mean - target[j]!) ** 2;
      expected += column.reduce((sum, share) => sum + (share - mean) ** 2, 0) / 4;
    }
    expect(loss(scores, labels)).toBeCloseTo(expected, 12);
  });

  test.each([
    [64, 0.071, 0.11],
    [16, 0.22, 0.342],
  ])(
    'with %d queries the target is soft: the best passage gets %d, the own list %d',
    (queries, best, own) => {
      const { labels } = inBatch(queries, 4);
      const target = Float64Array.from(labels[0]!);
      softmaxInPlace(target, 0, target.length);
      expect(target[0]).toBeCloseTo(best, 3);
      expect(target.slice(0, 4).reduce((sum, share) => sum + share, 0)).toBeCloseTo(own, 3);
      // Only that target costs nothing; all mass on the own list costs something.
      expect(loss(labels, labels)).toBeCloseTo(0, 12);
      const sharper = labels.map((row) => row.map((label) => 3 * label));
      expect(loss(sharper, labels)).toBeGreaterThan(0.01);
    },
  );
});

describe('degenerate batches', () => {
  test('more queries than passages: the covariance is rank-deficient, and the gradient right', () => {
    const { scores } = inBatch(8, 1);
    const narrow = scores.map((row) => row.slice(0, 3));
    const labels = narrow.map((_, query) => [query % 3, (query + 1) % 4, 1]);
    const block = blockOf(narrow, { labels });
    expect(relativeDistance(ws2.compute(block, {}).gradient, numericalGradient(ws2, block, {}))).toBeLessThan(
      1e-7,
    );
  });

  test('equal labels in all rows: the target has no covariance, and the gradient is right', () => {
    const { scores } = inBatch(4, 1);
    const block = blockOf(scores, { labels: scores.map(() => [3, 2, 1, 0]) });
    expect(relativeDistance(ws2.compute(block, {}).gradient, numericalGradient(ws2, block, {}))).toBeLessThan(
      1e-7,
    );
  });

  test('equal scores in all rows: no derivative exists, the gradient is that of the means alone', () => {
    const { labels } = inBatch(4, 2);
    const scores = labels.map(() => [0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8]);
    const block = blockOf(scores, { labels });
    const { value, gradient } = ws2.compute(block, {});
    expect(Number.isFinite(value)).toBe(true);
    // All rows have the same gradient, since nothing tells them apart.
    for (let at = 8; at < 32; at++) expect(gradient[at]).toBeCloseTo(gradient[at % 8]!, 12);
    expect(Math.hypot(...gradient)).toBeLessThan(1);
  });

  test('one query: only the means count', () => {
    const block = blockOf([[0.4, 0.1, 0.2]], { labels: [[2, 1, 0]] });
    const { value, gradient } = ws2.compute(block, {});
    expect(value).toBeGreaterThan(0);
    expect(relativeDistance(gradient, numericalGradient(ws2, block, {}))).toBeLessThan(1e-7);
  });
});

describe('polarFactor', () => {
  test('finds the singular values of a diagonal matrix and their signs', () => {
    const { nuclearNorm, factor } = polarFactor(Float64Array.of(3, 0, 0, -2), 2, 1e-14);
    expect(nuclearNorm).toBe(5);
    expect([...factor].map((entry) => entry + 0)).toEqual([1, 0, 0, -1]);
  });

  test('gives an orthogonal factor whose product with the matrix is symmetric', () => {
    const size = 40;
    const random = new RandomStream(5, 'polar');
    const matrix = Float64Array.from({ length: size * size }, () => random.normal());
    const { nuclearNorm, factor } = polarFactor(matrix, size, 1e-12);
    let worst = 0;
    let trace = 0;
    for (let i = 0; i < size; i++) {
      for (let j = 0; j < size; j++) {
        let gram = 0;
        let product = 0;
        let mirrored = 0;
        for (let k = 0; k < size; k++) {
          gram += factor[k * size + i]! * factor[k * size + j]!;
          product += factor[k * size + i]! * matrix[k * size + j]!;
          mirrored += factor[k * size + j]! * matrix[k * size + i]!;
        }
        worst = Math.max(worst, Math.abs(gram - (i === j ? 1 : 0)), Math.abs(product - mirrored));
        if (i === j) trace += product;
      }
    }
    expect(worst).toBeLessThan(1e-11);
    expect(trace).toBeCloseTo(nuclearNorm, 9);
  });

  test('leaves vanishing singular values out', () => {
    const { nuclearNorm, factor } = polarFactor(Float64Array.of(1, 1, 1, 1), 2, 1e-14);
    expect(nuclearNorm).toBeCloseTo(2, 14);
    factor.forEach((entry) => expect(entry).toBeCloseTo(0.5, 14));
  });
});
