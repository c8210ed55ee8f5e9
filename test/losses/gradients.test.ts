import { describe, expect, test } from 'vitest';
import type { LossBlock, LossDefinition, LossSettings } from '../../src/losses/contract.ts';
import { lossByName, losses } from '../../src/losses/index.ts';
import { blockOf, numericalGradient, randomBlock, relativeDistance } from './blocks.ts';

const BLOCKS = Number(process.env.STUDIO_LOSS_BLOCKS ?? 300);

const cases: readonly (readonly [string, LossSettings])[] = [
  ['infonce', {}],
  ['infonce', { temperature: 1 }],
  ['kl', {}],
  ['kl', { temperature: 0.5, teacherTemperature: 1, squareScale: 1 }],
  ['margin-mse', {}],
  ['triplet', { margin: 0.31 }],
  ['listnet', {}],
  ['ws2', { temperature: 0.05 }],
  ['ws2', {}],
];

/** A hinge has no derivative at its corner, so ties of the triplet loss are moved off it. */
function offTheCorner(block: LossBlock, margin: number | undefined): boolean {
  if (margin === undefined) return true;
  return block.scores.every((score, at) => {
    const positiveAt =
      Math.floor(at / block.columns) * block.columns + block.positive[Math.floor(at / block.columns)]!;
    return Math.abs(margin - block.scores[positiveAt]! + score) > 1e-4;
  });
}

/** Whether the slopes to the left and to the right differ. */
function hasKink(loss: LossDefinition, block: LossBlock, settings: LossSettings): boolean {
  const step = 1e-8;
  const valueAt = (at: number, moved: number) =>
    loss.compute({ ...block, scores: block.scores.with(at, moved) }, settings).value;
  return block.scores.some((score, at) => {
    const here = valueAt(at, score);
    const right = (valueAt(at, score + step) - here) / step;
    const left = (here - valueAt(at, score - step)) / step;
    return Math.abs(right - left) > 1e-3;
  });
}

describe.each(cases)('%s %o', (name, settings) => {
  const loss = lossByName(name);

  test(`has the gradient of finite differences on ${BLOCKS} random blocks`, () => {
    let smooth = 0;
    let compared = 0;
    for (let seed = 0; seed < BLOCKS; seed++) {
      const block = randomBlock(seed);
      if (!offTheCorner(block, settings.margin)) continue;
      smooth++;
      const { gradient, value } = loss.compute(block, settings);
      expect(Number.isFinite(value), `value of block ${seed}`).toBe(true);
      const distanceAt = (step: number) =>
        relativeDistance(gradient, numericalGradient(loss, block, settings, step), 1e-2);
      // WS2 bends sharply where a singular value nearly vanishes, so only a tiny step sees the slope, and has two
      // slopes where it vanishes; about one block in a thousand is like that.
      if (distanceAt(1e-6) < 2e-6 || distanceAt(1e-8) < 1e-5) compared++;
      else expect(hasKink(loss, block, settings), `gradient of block ${seed}`).toBe(true);
      const masked = gradient.filter((_, at) => block.mask[at] === 0);
      expect(
        masked.every((entry) => entry === 0),
        `masked entries of block ${seed} are 0`,
      ).toBe(true);
    }
    expect(smooth).toBeGreaterThan(BLOCKS * 0.8);
    expect(compared).toBeGreaterThan(smooth * 0.998);
  });

  test('is finite where scores are as extreme as ±1e4/τ', () => {
    const extreme = 1e4 / (settings.temperature ?? 0.05);
    const block = blockOf(
      [
        [-extreme, extreme, 0],
        [extreme, -extreme, extreme],
        [extreme, extreme, extreme],
      ],
      {
        labels: [[3, 1, 0], [2, 0, 0], [1, 1, 1]], // prettier-ignore
        teacher: [[1, 0.5, 0], [300, -300, 0], [0, 0, 0]], // prettier-ignore
      },
    );
    const { value, gradient } = loss.compute(block, settings);
    expect(Number.isFinite(value)).toBe(true);
    expect([...gradient].every(Number.isFinite)).toBe(true);
  });

  test('changes neither scores nor mask', () => {
    const block = randomBlock(7);
    const before = [[...block.scores], [...block.mask], [...block.labels!], [...block.teacher!]];
    loss.compute(block, settings);
    expect([[...block.scores], [...block.mask], [...block.labels!], [...block.teacher!]]).toEqual(before);
  });
});

test.each(losses.filter((loss) => loss.rowwise).map((loss) => [loss.name, loss] as const))(
  '%s of a block is the sum over its rows',
  (_, loss) => {
    const block = randomBlock(11);
    const whole = loss.compute(block, {});
    let value = 0;
    for (let row = 0; row < block.rows; row++) {
      const [from, to] = [row * block.columns, (row + 1) * block.columns];
      const part = loss.compute(
        {
          rows: 1,
          columns: block.columns,
          scores: block.scores.slice(from, to),
          mask: block.mask.slice(from, to),
          positive: block.positive.slice(row, row + 1),
          labels: block.labels!.slice(from, to),
          teacher: block.teacher!.slice(from, to),
        },
        {},
      );
      value += part.value;
      expect([...part.gradient]).toEqual([...whole.gradient.slice(from, to)]);
    }
    expect(value).toBeCloseTo(whole.value, 12);
  },
);

describe('edges', () => {
  test('a row of the positive alone costs nothing in losses that compare', () => {
    for (const name of ['infonce', 'triplet', 'kl', 'margin-mse']) {
      const block = blockOf([[0.3, 0.9]], { teacher: [[0.5, 0.7]], mask: Uint8Array.of(1, 0) });
      const { value, gradient } = lossByName(name).compute(block, {});
      expect(value, name).toBeCloseTo(0, 15);
      expect([...gradient].map(Math.abs), name).toEqual([0, 0]);
    }
  });

  test('kl and margin-mse pass over a passage without a teacher score', () => {
    const teacher = [[0.9, NaN, 0.2]];
    for (const name of ['kl', 'margin-mse']) {
      const full = lossByName(name).compute(blockOf([[0.3, 0.9, 0.4]], { teacher }), {});
      const without = lossByName(name).compute(blockOf([[0.3, 0.4]], { teacher: [[0.9, 0.2]] }), {});
      expect(full.value).toBeCloseTo(without.value, 14);
      expect(full.gradient[1]).toBe(0);
      expect(full.gradient[2]).toBeCloseTo(without.gradient[1]!, 14);
    }
  });

  test('kl of a row without any teacher score is nothing', () => {
    const { value, gradient } = lossByName('kl').compute(
      blockOf([[0.3, 0.9]], { teacher: [[NaN, NaN]] }),
      {},
    );
    expect([value, ...gradient]).toEqual([0, 0, 0]);
  });

  test('listnet and ws2 take an unknown grade for 0', () => {
    for (const name of ['listnet', 'ws2']) {
      const scores = [[0.3, 0.9, 0.4], [0.1, 0.2, 0.6]]; // prettier-ignore
      const unknown = blockOf(scores, { labels: [[2, 1, NaN], [1, NaN, 3]] }); // prettier-ignore
      const zero = blockOf(scores, { labels: [[2, 1, 0], [1, 0, 3]] }); // prettier-ignore
      expect(lossByName(name).compute(unknown, {})).toEqual(lossByName(name).compute(zero, {}));
    }
  });

  test('a hardness weight adds α·s to negative logits, without a gradient', () => {
    const loss = lossByName('infonce');
    const [temperature, hardness, positive, negative] = [0.1, 5, 0.4, 0.7];
    const { value, gradient } = loss.compute(blockOf([[positive, negative]]), { temperature, hardness });
    const odds = Math.exp(negative / temperature + hardness * negative - positive / temperature);
    expect(value).toBeCloseTo(Math.log1p(odds), 12);
    expect(gradient[1]).toBeCloseTo(odds / (1 + odds) / temperature, 12);
    expect(gradient[0]).toBeCloseTo(-gradient[1]!, 12);
  });
});
