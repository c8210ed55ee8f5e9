import { expect, it } from 'vitest';
import { RandomStream } from '../../../src/core/random.ts';
import { principalComponents, project } from '../../../src/training/distillation/principal-components.ts';

it('finds the plane that vectors lie in, and keeps their dot products there', () => {
  const random = new RandomStream(2, 'plane');
  const [first, second]: [number[], number[]] = [
    [1, 2, 0, -1, 3],
    [0, 1, 1, 1, 0],
  ];
  const rows = 40;
  const vectors = new Float32Array(rows * 5);
  for (let row = 0; row < rows; row++) {
    const [a, b] = [random.normal(), random.normal()];
    const made = Array.from({ length: 5 }, (_, k) => a * (first[k] ?? 0) + b * (second[k] ?? 0));
    const length = Math.hypot(...made);
    vectors.set(
      made.map((value) => value / length),
      row * 5,
    );
  }
  const components = principalComponents(vectors, 5, 2);
  const column = (j: number): number[] =>
    Array.from({ length: 5 }, (_, i) => components[i * 2 + j] as number);
  const dot = (a: readonly number[], b: readonly number[]): number =>
    a.reduce((sum, value, k) => sum + value * (b[k] as number), 0);
  expect(dot(column(0), column(0))).toBeCloseTo(1, 10);
  expect(dot(column(0), column(1))).toBeCloseTo(0, 10);
  const projected = project(vectors, components, 5, 2);
  const rowOf = (all: Float32Array, width: number, row: number): number[] => [
    ...all.subarray(row * width, (row + 1) * width),
  ];
  for (let row = 1; row < rows; row++) {
    expect(dot(rowOf(projected, 2, 0), rowOf(projected, 2, row))).toBeCloseTo(
      dot(rowOf(vectors, 5, 0), rowOf(vectors, 5, row)),
      5,
    );
  }
});
