import type { LossBlock, LossDefinition, LossSettings } from '../../src/losses/contract.ts';
import { RandomStream } from '../../src/core/random.ts';

/** A block from rows of scores, labels and teacher scores; every passage takes part, the positive is column 0. */
export function blockOf(
  scores: readonly (readonly number[])[],
  rest: {
    labels?: readonly (readonly number[])[];
    teacher?: readonly (readonly number[])[];
    mask?: Uint8Array;
  } = {},
): LossBlock {
  const rows = scores.length;
  const columns = scores[0]!.length;
  return {
    rows,
    columns,
    scores: Float64Array.from(scores.flat()),
    mask: rest.mask ?? new Uint8Array(rows * columns).fill(1),
    positive: new Int32Array(rows),
    labels: rest.labels && Float64Array.from(rest.labels.flat()),
    teacher: rest.teacher && Float64Array.from(rest.teacher.flat()),
  };
}

/**
 * A random block: a few passages masked, some grades tied, positives anywhere, sometimes one column only or
 * everything masked but the positive.
 */
export function randomBlock(seed: number): LossBlock {
  const random = new RandomStream(seed, 'loss block');
  const rows = 1 + random.integer(6);
  const columns = random.uniform() < 0.1 ? 1 : 1 + random.integer(9);
  const size = rows * columns;
  const ties = random.uniform() < 0.3;
  const score = () => (ties ? random.integer(4) / 4 : 2 * random.uniform() - 1);
  const shareMasked = random.uniform() < 0.1 ? 1 : random.uniform() * 0.4;
  const positive = Int32Array.from({ length: rows }, () => random.integer(columns));
  const mask = Uint8Array.from({ length: size }, () => (random.uniform() < shareMasked ? 0 : 1));
  positive.forEach((column, row) => (mask[row * columns + column] = 1));
  return {
    rows,
    columns,
    scores: Float64Array.from({ length: size }, score),
    mask,
    positive,
    labels: Float64Array.from({ length: size }, () => random.integer(4)),
    teacher: Float64Array.from({ length: size }, () => random.uniform()),
  };
}

/** ∂value/∂scores by central differences. */
export function numericalGradient(
  loss: LossDefinition,
  block: LossBlock,
  settings: LossSettings,
  step = 1e-6,
): Float64Array {
  return block.scores.map((score, at) => {
    const valueAt = (moved: number) =>
      loss.compute({ ...block, scores: block.scores.with(at, moved) }, settings).value;
    return (valueAt(score + step) - valueAt(score - step)) / (2 * step);
  });
}

/** ‖left − right‖ / max(‖right‖, floor). */
export function relativeDistance(left: ArrayLike<number>, right: ArrayLike<number>, floor = 1e-30): number {
  let difference = 0;
  let size = 0;
  for (let i = 0; i < right.length; i++) {
    difference += (left[i]! - right[i]!) ** 2;
    size += right[i]! ** 2;
  }
  return Math.sqrt(difference) / Math.max(Math.sqrt(size), floor);
}
