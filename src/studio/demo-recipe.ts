import type { RecipeInput } from '../pipeline/schema.ts';

/** The id of the demo's run with a seed: the same seed is the same run. */
export function demoRunId(seed: number): string {
  return seed === 1 ? 'demo' : `demo-seed-${seed}`;
}

/** The seed of a run of the demo; undefined for other runs. */
export function demoSeed(runId: string): number | undefined {
  const [, seed] = /^demo(?:-seed-(\d+))?$/.exec(runId) ?? [undefined, undefined];
  return runId === demoRunId(Number(seed ?? 1)) ? Number(seed ?? 1) : undefined;
}

/** By its path: the one recipe that is part of the page from the start. */
export const includedRecipe = import.meta.glob<RecipeInput>('../../recipes/static-losses.json', {
  import: 'default',
  eager: true,
});

const laterRecipe = import.meta.glob<RecipeInput>('../../recipes/nano-losses.json', { import: 'default' });

/** The two students of the page; the command line trains the others of the recipe beside them. */
const students = ['contrastive', 'listwise'];

/** The demo: two arms of the recipe `static-losses`, so that page and command line find the same with the same seed. */
export const demoRecipe: RecipeInput = studentsOf(Object.values(includedRecipe)[0], 'demo');

/** The second act: the same with a transformer, of the recipe `nano-losses`. */
export async function secondActRecipe(seed: number): Promise<RecipeInput> {
  const [load] = Object.values(laterRecipe);
  return { ...studentsOf(await load?.(), 'demo-nano'), seeds: [seed] };
}

/** The id of the second act's run with a seed. */
export function secondActRunId(seed: number): string {
  return `demo-nano-seed-${seed}`;
}

function studentsOf(recipe: RecipeInput | undefined, name: string): RecipeInput {
  if (recipe === undefined) throw new Error('a recipe of the demo is not part of the page');
  return {
    ...recipe,
    name,
    arms: recipe.arms.filter(({ name }) => students.includes(name)),
    evaluation: {
      ...recipe.evaluation,
      hybrids: ['listwise'],
      pairs: [
        ['listwise', 'contrastive'],
        ['listwise', 'bm25'],
      ],
    },
  };
}
