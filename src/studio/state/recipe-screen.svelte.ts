import {
  missingForRecipe,
  recipeOf,
  recipeRunId,
  rolesOf,
  worksAsWritten,
  newGenerator,
  type GeneratorChoices,
  type RecipeChoices,
} from '../recipe-choices.ts';
import type { GeneratorAccess, KeptItem, KeptRun } from '../protocol.ts';
import { openShelf, readOwnRecipe, type ShelvedRecipe } from '../recipe-shelf.ts';
import { generatorKinds } from '../../pipeline/generators/index.ts';
import type { RecipeInput } from '../../pipeline/schema.ts';
import { problemOf, type Problem } from './problem.ts';
import { own } from '../../core/own.ts';

/** The choices on the screen "Recipes", as they are made. Kept while the user looks at another screen. */
export class RecipeScreen {
  /** Undefined until they are fetched. */
  shelf = $state.raw<readonly ShelvedRecipe[] | undefined>();
  recipe = $state.raw<RecipeInput | undefined>();
  /** What the user gave that is no recipe. */
  problem = $state.raw<Problem | undefined>();
  corpus = $state.raw<KeptItem | undefined>();
  generators = $state.raw<GeneratorChoices>({});
  /** Keys and dropped models: here and in the worker's memory, nowhere else. */
  access = $state.raw<GeneratorAccess>({});
  /** The run of the choices that were planned or started last. */
  runId = $state<string | undefined>();
  /** Of the shelf; `own` for the user's. */
  #chosen = $state('');
  readonly missing = $derived(this.#choices === undefined ? [] : missingForRecipe(this.#choices));
  /** What would run. */
  readonly adapted = $derived(this.#choices === undefined ? undefined : recipeOf(this.#choices));

  get chosen(): string {
    return this.#chosen;
  }

  get #choices(): RecipeChoices | undefined {
    const { recipe, corpus, generators, access } = this;
    return recipe === undefined ? undefined : { recipe, corpus, generators, access };
  }

  get choices(): RecipeChoices | undefined {
    return this.#choices;
  }

  /** Fetches the recipes that come with the studio. */
  async open(): Promise<void> {
    if (this.shelf !== undefined) return;
    try {
      this.shelf = await openShelf();
      const writes = this.shelf.find(
        ({ recipe }) =>
          recipe.corpus.builtIn === 'demo' &&
          Object.values(recipe.generators ?? {}).some(({ kind }) => kind !== 'extract'),
      );
      const first = writes ?? this.shelf[0];
      // Whoever chose before the list was there has chosen a recipe of their own.
      if (this.#chosen === '' && first !== undefined) this.choose(first.id);
    } catch (error) {
      this.problem = problemOf(error);
    }
  }

  /** @param id of the shelf, or `own` for a recipe that is still to be given */
  choose(id: string): void {
    this.#take(id, this.shelf?.find((each) => each.id === id)?.recipe);
  }

  /** Takes the text of a recipe of the user's own. What is wrong with it is told in `problem`. */
  async read(text: string, file: string): Promise<void> {
    try {
      this.#take('own', await readOwnRecipe(text, file));
    } catch (error) {
      this.#take('own', undefined);
      this.problem = problemOf(error);
    }
  }

  /** @param choice undefined for the recipe's own */
  setGenerator(role: string, choice: GeneratorChoices[string]): void {
    this.generators = { ...this.generators, [role]: choice };
  }

  setAccess(role: string, given: GeneratorAccess[string]): void {
    this.access = { ...this.access, [role]: { ...own(this.access, role), ...given } };
  }

  forget(item: KeptItem): void {
    if (this.corpus?.id === item.id) this.corpus = undefined;
  }

  /** The run of these choices; undefined while something is missing. */
  async run(): Promise<Pick<KeptRun, 'runId' | 'recipe'> | undefined> {
    const recipe = this.adapted;
    if (recipe === undefined || this.missing.length > 0) return undefined;
    return { runId: await recipeRunId(recipe), recipe };
  }

  #take(chosen: string, recipe: RecipeInput | undefined): void {
    this.#chosen = chosen;
    this.recipe = recipe;
    this.problem = undefined;
    this.access = {};
    this.generators = Object.fromEntries(
      (recipe === undefined ? [] : rolesOf(recipe)).map((role) => [
        role,
        recipe !== undefined && worksAsWritten(recipe, role) ? undefined : newGenerator(generatorKinds[0]),
      ]),
    );
  }
}
