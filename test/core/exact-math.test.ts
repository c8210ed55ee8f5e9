import { describe, expect, it } from 'vitest';
import {
  cosineOfTurns,
  decimalExponent,
  exp,
  integerPower,
  log,
  log1p,
  log2,
  norm,
  powerOfTen,
  tanh,
} from '../../src/core/exact-math.ts';
import { exactMathBits, expectedBits } from './exact-math-bits.ts';

function largestError(
  f: (x: number) => number,
  reference: (x: number) => number,
  inputs: readonly number[],
): number {
  return Math.max(
    ...inputs.map((x) => Math.abs(f(x) - reference(x)) / Math.max(Math.abs(reference(x)), 1e-300)),
  );
}

const range = (from: number, to: number): number[] =>
  Array.from({ length: 20_001 }, (_, i) => from + ((to - from) * i) / 20_000);

describe('exact math', () => {
  it('follows the functions of the engine to two units in the last place', () => {
    const twoUnits = 2 ** -51;
    expect(largestError(exp, Math.exp, [...range(-700, 700), ...range(-1, 1)])).toBeLessThan(twoUnits);
    expect(largestError(log, Math.log, [...range(1e-9, 3), ...range(3, 1e12)])).toBeLessThan(twoUnits);
    expect(largestError(log, Math.log, [1e-310, 5e-324, 1e308])).toBeLessThan(twoUnits);
    expect(largestError(log2, Math.log2, [...range(1e-9, 3), ...range(3, 1e12)])).toBeLessThan(twoUnits);
    expect(largestError(log1p, Math.log1p, [...range(-0.999, 2), ...range(-1e-8, 1e-8)])).toBeLessThan(
      2 * twoUnits,
    );
    expect(largestError(tanh, Math.tanh, [...range(-20, 20), ...range(-1e-8, 1e-8)])).toBeLessThan(
      2 * twoUnits,
    );
    const cosine = (turns: number): number => Math.cos(2 * Math.PI * turns);
    for (const turns of range(-2, 2)) {
      expect(Math.abs(cosineOfTurns(turns) - cosine(turns))).toBeLessThan(4e-15);
    }
    for (const exponent of [0, 1, 2, 7, 1000, 100_001]) {
      const expected = 0.999 ** exponent;
      expect(Math.abs(integerPower(0.999, exponent) / expected - 1)).toBeLessThan(1e-11);
    }
  });

  it('has the values at the edges', () => {
    expect([exp(0), exp(-Infinity), exp(Infinity), exp(800), exp(-800), exp(NaN)]).toEqual([
      1,
      0,
      Infinity,
      Infinity,
      0,
      NaN,
    ]);
    expect([log(1), log(0), log(Infinity), log(-1)]).toEqual([0, -Infinity, Infinity, NaN]);
    expect([0, 0.25, 0.5, 0.75, 1].map(cosineOfTurns)).toEqual([1, -0, -1, 0, 1]);
    expect(exp(-745)).toBe(Math.exp(-745));
    expect([log2(0), log2(Infinity), log2(-1)]).toEqual([-Infinity, Infinity, NaN]);
    for (let power = -1074; power <= 1023; power++) expect(log2(2 ** power)).toBe(power);
    expect([log1p(0), log1p(-1), log1p(Infinity)]).toEqual([0, -Infinity, Infinity]);
    expect([tanh(0), tanh(Infinity), tanh(-Infinity), tanh(NaN)]).toEqual([0, 1, -1, NaN]);
    expect([norm([]), norm([3, 4]), norm(new Float32Array([2]))]).toEqual([0, 5, 2]);
    for (let power = -300; power <= 300; power++) {
      expect(decimalExponent(powerOfTen(power))).toBe(power);
      expect(decimalExponent(powerOfTen(power) * 9.99)).toBe(power);
    }
  });

  it('has the same bits in every engine', () => {
    expect(exactMathBits()).toEqual(expectedBits);
  });
});
