import { cosineOfTurns, exp, integerPower, log, log1p, log2, tanh } from '../../src/core/exact-math.ts';

/** A checksum over the bits of many values of each function, the same in every engine. */
export function exactMathBits(): readonly number[] {
  const value = new Float64Array(1);
  const words = new Uint32Array(value.buffer);
  const checksum = (f: (i: number) => number): number => {
    let sum = 0;
    for (let i = 1; i < 100_000; i++) {
      value[0] = f(i);
      sum = (Math.imul(sum ^ words[0]!, 16777619) + words[1]!) | 0;
    }
    return sum;
  };
  return [
    checksum((i) => exp((i - 50_000) / 701.3)),
    checksum((i) => log(i / 7013.3)),
    checksum((i) => integerPower(0.999, i)),
    checksum((i) => cosineOfTurns(i / 70_013)),
    checksum((i) => log2(i / 7013.3)),
    checksum((i) => log1p((i - 50_000) / 70_013)),
    checksum((i) => tanh((i - 50_000) / 7013.3)),
  ];
}

export const expectedBits: readonly number[] = [
  418160587, -582572516, 163149807, 1244003096, 1025640270, -644279443, 1877238314,
];
