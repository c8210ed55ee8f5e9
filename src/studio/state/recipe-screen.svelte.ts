import {
  missingForRecipe,
  recipeOf,
  recipeRunId,
  rolesOf,
  withCorpus,
  worksAsWritten,
  newGenerator,
  type GeneratorChoices,
  type RecipeChoices,
} from '../recipe-choices.ts';
import type { GeneratorAccess, KeptItem, KeptRun } from '../protocol.ts';
import { openShelf, type ShelvedRecipe } from '../recipe-shelf.ts';
import { generatorKinds } from '../../pipeline/generators/index.ts';
import type { RecipeInput } from '../../pipeline/schema.ts';
import { problemOf, type Problem } from './problem.ts';
import { openDraft, recipeDrafts, type RecipeDraft, type RecipeDrafts } from './recipe-drafts.svelte.ts';
import { own } from '../../core/own.ts';

/** The choices on the screen "Recipes", as they are made. Kept while the user looks at another screen. */
export class RecipeScreen {
  readonly drafts: RecipeDrafts;
  /** Undefined until they are fetched. */
  shelf = $state.raw<readonly ShelvedRecipe[] | undefined>();
  /** Why the shelf could not be fetched. */
  problem = $state.raw<Problem | undefined>();
  /** What this browser keeps. */
  kept = $state.raw<readonly KeptItem[]>([]);
  /** What the user chose in place of the recipe's language models. */
  #chosen = $state.raw<GeneratorChoices>({});
  /** Keys and dropped models: here and in the worker's memory, nowhere else. */
  access = $state.raw<GeneratorAccess>({});
  /** By recipe: the run of the choices that were planned or started last. */
  #runIds = $state.raw<Readonly<Record<string, string>>>({});
  /** Which recipe or draft is open. */
  #item = $state<string | undefined>();
  /** In place of the corpus of a recipe that comes with the studio; a draft has its own. */
  #corpus = $state.raw<KeptItem | undefined>();
  readonly draft: RecipeDraft | undefined = $derived(this.#draftOf(this.#item));
  readonly shelved: ShelvedRecipe | undefined = $derived(this.shelf?.find(({ id }) => id === this.#item));
  /** The one that is open; of a draft, what its form shows. */
  readonly recipe: RecipeInput | undefined = $derived(
    this.draft === undefined ? this.shelved?.recipe : this.draft.recipe,
  );
  readonly generators: GeneratorChoices = $derived({ ...this.#ofRecipe(), ...this.#chosen });
  readonly missing = $derived(this.#missing());
  /** What would run. */
  readonly adapted = $derived(this.choices === undefined ? undefined : recipeOf(this.choices));

  constructor(drafts: RecipeDrafts = recipeDrafts) {
    this.drafts = drafts;
  }

  get item(): string | undefined {
    return this.#item;
  }

  /** The run of the open recipe that was planned or started last. */
  get runId(): string | undefined {
    return own(this.#runIds, this.#item);
  }

  set runId(runId: string | undefined) {
    if (this.#item === undefined || runId === undefined) return;
    this.#runIds = { ...this.#runIds, [this.#item]: runId };
  }

  get corpus(): KeptItem | undefined {
    const { draft } = this;
    if (draft === undefined) return this.#corpus;
    return this.#keptCorpus(draft.recipe?.corpus.folder);
  }

  /** Undefined for the demo's. */
  set corpus(corpus: KeptItem | undefined) {
    const recipe = this.draft?.recipe;
    if (recipe === undefined) this.#corpus = corpus;
    else this.draft?.change(withCorpus(recipe, corpus));
  }

  /** The corpus that a draft names and this browser does not keep. */
  get absentCorpus(): string | undefined {
    const folder = this.draft?.recipe?.corpus.folder;
    return this.#keptCorpus(folder) === undefined ? folder : undefined;
  }

  get choices(): RecipeChoices | undefined {
    const { recipe, corpus, generators, access } = this;
    return recipe === undefined ? undefined : { recipe, corpus, generators, access };
  }

  /** Fetches the recipes that come with the studio. */
  async open(): Promise<void> {
    if (this.shelf !== undefined) return;
    try {
      this.problem = undefined;
      this.shelf = await openShelf();
    } catch (error) {
      this.problem = problemOf(error);
    }
  }

  /** Opens a recipe or a draft by its id. The choices for one last until another is opened. */
  show(item: string): void {
    if (item === this.#item) return;
    this.#item = item;
    this.#chosen = {};
    this.access = {};
    this.draft?.open();
  }

  /** Opens a draft of the recipe, with what was chosen for it. */
  change(): void {
    const { shelved, adapted, missing } = this;
    if (shelved === undefined) return;
    const { recipe } = shelved;
    const isChosen = this.#corpus !== undefined || Object.keys(this.#chosen).length > 0;
    const draft = openDraft(recipe, recipe.name, this.drafts);
    if (isChosen && adapted !== undefined && missing.length === 0) draft.change(adapted);
  }

  /** @param choice undefined for the recipe's own */
  setGenerator(role: string, choice: GeneratorChoices[string]): void {
    this.#chosen = { ...this.#chosen, [role]: choice };
  }

  setAccess(role: string, given: GeneratorAccess[string]): void {
    this.access = { ...this.access, [role]: { ...own(this.access, role), ...given } };
  }

  /** The run of these choices; undefined while something is missing. */
  async run(): Promise<Pick<KeptRun, 'runId' | 'recipe'> | undefined> {
    await this.draft?.settle();
    const recipe = this.adapted;
    if (recipe === undefined || this.missing.length > 0) return undefined;
    return { runId: await recipeRunId(recipe), recipe };
  }

  #draftOf(item: string | undefined): RecipeDraft | undefined {
    return this.drafts.find(item);
  }

  #keptCorpus(folder: string | undefined): KeptItem | undefined {
    return this.kept.find(({ kind, id }) => kind === 'corpus' && id === folder);
  }

  #missing(): readonly string[] {
    if (this.choices === undefined) return [];
    if (this.draft?.problem !== undefined) return ['Fix the recipe: its JSON says what is wrong.'];
    const absent = this.absentCorpus;
    if (absent !== undefined) {
      return [`The corpus “${absent}” is not kept in this browser. Choose another corpus, or drop it here.`];
    }
    return missingForRecipe(this.choices);
  }

  /** What writes unless the user chooses otherwise. */
  #ofRecipe(): GeneratorChoices {
    const { recipe } = this;
    if (recipe === undefined) return {};
    return Object.fromEntries(
      rolesOf(recipe).map((role) => [
        role,
        worksAsWritten(recipe, role) ? undefined : newGenerator(generatorKinds[0]),
      ]),
    );
  }
}
