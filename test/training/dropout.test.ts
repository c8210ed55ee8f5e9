import { describe, expect, test } from 'vitest';
import { fillDropoutMask, type DropoutPlace } from '../../src/training/dropout.ts';

const place: DropoutPlace = { seed: 1, step: 3, site: 'layer.0.attention', microBatch: 0 };

function mask(length: number, probability: number, changes: Partial<DropoutPlace> = {}): Float32Array {
  const out = new Float32Array(length);
  fillDropoutMask(out, probability, { ...place, ...changes });
  return out;
}

const LENGTH = 1 << 20;

describe.each([0.1, 0.5, 0.9])('at probability %d', (probability) => {
  const kept = Math.round(256 * (1 - probability)) / 256;

  test('elements are 0 or the inverse of the share kept, and average 1', () => {
    const values = mask(LENGTH, probability);
    expect([...new Set(values)].sort()).toEqual([0, Math.fround(1 / kept)]);
    const mean = values.reduce((sum, value) => sum + value, 0) / LENGTH;
    // Four standard deviations of the mean of LENGTH draws.
    expect(Math.abs(mean - 1)).toBeLessThan(4 * Math.sqrt((1 - kept) / kept / LENGTH));
  });

  test('neighbors, sites, steps, seeds and micro-batches are independent', () => {
    const first = mask(LENGTH, probability);
    const others = [
      new Float32Array([...first.subarray(1), first[0]!]),
      mask(LENGTH, probability, { site: 'layer.1.attention' }),
      mask(LENGTH, probability, { step: 4 }),
      mask(LENGTH, probability, { seed: 2 }),
      mask(LENGTH, probability, { microBatch: 1 }),
    ];
    for (const other of others) {
      let both = 0;
      for (let i = 0; i < LENGTH; i++) if (first[i]! > 0 && other[i]! > 0) both++;
      const deviation = Math.sqrt(kept ** 2 * (1 - kept ** 2) * LENGTH);
      expect(Math.abs(both - kept ** 2 * LENGTH)).toBeLessThan(5 * deviation);
    }
  });
});

test('counts of kept elements in runs of 64 spread as a binomial does', () => {
  const values = mask(LENGTH, 0.25);
  const runs = LENGTH / 64;
  let squares = 0;
  for (let run = 0; run < runs; run++) {
    let kept = 0;
    for (let i = 0; i < 64; i++) if (values[64 * run + i]! > 0) kept++;
    squares += (kept - 48) ** 2;
  }
  const variance = squares / runs;
  // The variance of 64 draws is 12; its own standard error over the runs is 12·√(2/runs).
  expect(Math.abs(variance - 12)).toBeLessThan(5 * 12 * Math.sqrt(2 / runs));
});

test('a place always has the same mask, whose beginning does not depend on the length', () => {
  expect(mask(1003, 0.1)).toEqual(mask(1003, 0.1));
  expect(mask(1003, 0.1).slice(0, 37)).toEqual(mask(37, 0.1));
  // A hash of known values: any host must find the same.
  const kept = [...mask(32, 0.5)].map((value) => (value > 0 ? 1 : 0)).join('');
  expect(kept).toMatchInlineSnapshot(`"11101100110101001110000100000110"`);
});

test('probability 0 keeps everything, and 1 is refused', () => {
  expect(mask(9, 0)).toEqual(new Float32Array(9).fill(1));
  expect(() => mask(9, 1)).toThrow(RangeError);
  expect(() => mask(9, NaN)).toThrow(RangeError);
  expect(() => mask(9, -0.1)).toThrow(RangeError);
});
