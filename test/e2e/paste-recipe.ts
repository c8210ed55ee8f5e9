import type { Page } from 'playwright';
import type { RecipeInput } from '../../src/pipeline/schema.ts';

/** Pastes a recipe on the screen "Recipes", which opens it as a form with its JSON. */
export async function pasteRecipe(page: Page, recipe: RecipeInput): Promise<void> {
  await page.getByRole('button', { name: 'Paste or write JSON' }).click();
  await page.getByLabel('The recipe as JSON').fill(JSON.stringify(recipe));
  await page.getByRole('group', { name: 'The recipe as a form' }).waitFor();
}
