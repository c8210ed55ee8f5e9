import { expect, it } from 'vitest';
import { bitsOfTrainings, staticBits } from '../support/static-training.ts';

it('a table in training gives the bits in Chromium that it gives in Node', async () => {
  expect(await bitsOfTrainings()).toBe(staticBits);
});
