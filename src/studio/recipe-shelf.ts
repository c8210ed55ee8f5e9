/** The recipes that come with the studio, as the page offers them. */
import type { RecipeInput } from '../pipeline/schema.ts';
import { includedRecipe } from './demo-recipe.ts';

export interface ShelvedRecipe {
  /** Its file's name, without ending. */
  readonly id: string;
  readonly recipe: RecipeInput;
}

/** Each is a file of its own, fetched when the shelf is opened, but for the demo's. */
const files = import.meta.glob<RecipeInput>(['../../recipes/*.json', '!../../recipes/static-losses.json'], {
  import: 'default',
});

/** In the order of their names. */
export async function openShelf(): Promise<readonly ShelvedRecipe[]> {
  const entries = Object.entries(files).map(async ([path, load]) => [path, await load()] as const);
  return [...(await Promise.all(entries)), ...Object.entries(includedRecipe)]
    .map(([path, recipe]) => ({ id: path.replace(/^.*\/|\.json$/g, ''), recipe }))
    .sort((a, b) => a.id.localeCompare(b.id));
}

/** @throws InputError naming the path of each wrong value, with the nearest right one */
export async function readOwnRecipe(text: string, file: string): Promise<RecipeInput> {
  // Read where it is needed: the schema is larger than the page.
  const { parseRecipeText, readRecipe } = await import('../pipeline/read-recipe.ts');
  const document = parseRecipeText(text, file);
  readRecipe(document, file);
  return document as RecipeInput;
}
