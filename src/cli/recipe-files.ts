import { access, readdir } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { join } from 'node:path';
import { InputError } from '../core/errors.ts';
import { nearestName } from '../core/nearest-name.ts';
import { parseRecipeText } from '../pipeline/read-recipe.ts';
import type { RecipeFiles } from '../pipeline/recipe-corpus.ts';
import { openFile, openTree, readText } from './input-files.ts';

/** The package's own folders; relative to dist/src/cli/, where this runs. */
const packageFolder = fileURLToPath(new URL('../../../', import.meta.url));
const recipeFolder = join(packageFolder, 'recipes');

/** Opens what recipes name: paths are relative to where the command runs. */
export const recipeFiles: RecipeFiles = {
  openCorpus: ({ folder, builtIn }) => openTree(folder ?? join(packageFolder, 'public', builtIn ?? '')),
  openFile,
};

/** The JSON of a recipe: a file, or one that comes with the studio. @throws InputError */
export async function openRecipe(
  recipe: string,
): Promise<{ readonly document: unknown; readonly file: string }> {
  const builtIn = join(recipeFolder, `${recipe}.json`);
  // A name goes before a file or folder that happens to be called the same.
  const isName = !recipe.endsWith('.json') && !/[/\\]/.test(recipe);
  const isBuiltIn = isName && (await exists(builtIn));
  const file = isBuiltIn ? builtIn : recipe;
  if (isName && !isBuiltIn && !(await exists(recipe))) {
    const known = await builtInRecipes();
    const nearest = nearestName(recipe, known);
    throw new InputError(`there is no recipe "${recipe}"`, {
      remedy:
        nearest === undefined
          ? `Use a recipe file, or one of ${known.join(', ') || '(this installation has none)'}`
          : `Did you mean ${nearest}`,
    });
  }
  return { document: parseRecipeText(await readText(file), recipe), file: recipe };
}

async function builtInRecipes(): Promise<string[]> {
  const files = await readdir(recipeFolder).catch(() => []);
  return files.filter((file) => file.endsWith('.json')).map((file) => file.slice(0, -5));
}

async function exists(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  );
}
