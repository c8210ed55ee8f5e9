import { expect, it } from 'vitest';
import { exactMathBits, expectedBits } from '../../core/exact-math-bits.ts';

it('exact math has the same bits in Chromium as in Node', () => {
  expect(exactMathBits()).toEqual(expectedBits);
});
