import { describe, expect, it } from 'vitest';
import { readRecipe } from '../../src/pipeline/read-recipe.ts';
import { document, paperRecipes, small } from '../support/paper-recipes.ts';

const open = paperRecipes();

describe.each(['paper-a', 'paper-b', 'paper-c'])('%s', (name) => {
  it('has its text written where a generator stands in place of the recording', async () => {
    const live = '{"kind":"http","address":"http://127.0.0.1:9/v1","model":"m"}';
    const job = await open(name, `generators.writer=${live}`);
    const plan = await job.plan();
    const writing = plan.stages.filter(({ kind }) => kind === 'generated');
    expect(writing.map(({ requests }) => requests)).toEqual([48]);
  });
});

describe("paper A's open questions", () => {
  it('generators: asks the second model where nobody has recorded it', async () => {
    const plan = await (await open('paper-a-generators', ...small)).plan();
    expect(plan.stages.filter(({ kind }) => kind === 'generated').map(({ requests }) => requests)).toEqual([
      48,
    ]);
  });
});

describe.each(['paper-a-full', 'paper-b-full', 'paper-c-full'])('%s', (name) => {
  it('can be read, and asks language models for what is to be written', () => {
    const recipe = readRecipe(document(name), `${name}.json`);
    expect(recipe.name).toBe(name);
    expect(
      Object.values(recipe.sources).some((source) => source.kind === 'generated' && source.of !== undefined),
    ).toBe(true);
  });
});

it('the recipes of paper A train every arm on the same number of negatives', () => {
  const recipe = readRecipe(document('paper-a-full'));
  expect(recipe.training.batches?.negatives).toBe(5);
  expect(recipe.arms.every(({ training }) => training.batches?.negatives === undefined)).toBe(true);
});
