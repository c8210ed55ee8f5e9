import { expect, it } from 'vitest';
import { demoEstimate } from '../../src/studio/demo-estimate.ts';
import { measureStep } from '../../src/studio/demo-rate.ts';
import { demoRecipe } from '../../src/studio/demo-recipe.ts';

it('measures steps until 270 ms have passed, and takes the time of one', async () => {
  let reads = 0;
  // As if whatever happens between two looks at the clock took 10 ms.
  const milliseconds = await measureStep({ now: () => 10 * reads++ });
  // A step of each student.
  expect(milliseconds).toBe(10 / 2);
  expect(10 * reads).toBeLessThanOrEqual(300);
});

it('estimates more time for a slower computer, more students and more steps, and less for more cores', () => {
  const rate = { milliseconds: 10, cores: 2 };
  const { expected, least, most } = demoEstimate(demoRecipe, rate);
  expect(least).toBeLessThan(expected);
  expect(most).toBeGreaterThan(expected);
  expect(demoEstimate(demoRecipe, { ...rate, milliseconds: 20 }).expected).toBeCloseTo(2 * expected);
  expect(demoEstimate(demoRecipe, { ...rate, cores: 1 }).expected).toBeGreaterThan(expected);
  expect(demoEstimate(demoRecipe, { ...rate, cores: 8 }).expected).toBe(expected);
  const twice = { ...demoRecipe, training: { ...demoRecipe.training, maxSteps: 600 } };
  expect(demoEstimate(twice, rate).expected).toBeGreaterThan(expected);
  expect(demoEstimate({ ...demoRecipe, seeds: [1, 2] }, rate).expected).toBeGreaterThan(expected);
});
