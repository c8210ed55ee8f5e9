/** Recipes that the user changes or pasted: each is kept in this browser as it is typed. */
import type { RecipeInput } from '../../pipeline/schema.ts';
import { readOwnRecipe } from '../recipe-shelf.ts';
import { preferencesNamed, readPreference, writePreference } from './preferences.ts';
import { problemOf, type Problem } from './problem.ts';
import { Route } from './route.svelte.ts';

/** What a draft began as. */
export interface DraftOrigin {
  /** What it is called: a recipe's name, or a result's. */
  readonly name: string;
  readonly recipe: RecipeInput;
}

/** As it is kept. */
interface KeptDraft {
  readonly text: string;
  readonly origin?: DraftOrigin | undefined;
  /** What the form shows, where the text is something else. */
  readonly shown?: RecipeInput | undefined;
  readonly changedAt: string;
}

const kind = 'recipe-draft.';
/** How long nothing is typed before JSON is read, in milliseconds. */
const readAfter = 400;

/** One recipe as JSON and as a form, of which each follows the other. */
export class RecipeDraft {
  readonly id: string;
  /** Undefined for a recipe of the user's own. */
  readonly origin: DraftOrigin | undefined;
  /** What the form shows: the recipe that was read last, with the form's own changes. Undefined before one was. */
  recipe = $state.raw<RecipeInput | undefined>();
  /** Why the recipe cannot be run. */
  problem = $state.raw<Problem | undefined>();
  /** Whether the JSON is something else than the form shows, because it could not be read. */
  isStale = $state(false);
  /** Whether the browser keeps it. */
  isKept = $state(true);
  /** ISO 8601. */
  changedAt = $state('');
  #text = $state('');
  #timer: ReturnType<typeof setTimeout> | undefined;
  #reading: Promise<void> | undefined;

  constructor(id: string, { text, origin, shown, changedAt }: KeptDraft) {
    this.id = id;
    this.origin = origin;
    this.recipe = shown;
    this.changedAt = changedAt;
    this.#text = text;
  }

  /** Reads what was kept. */
  open(): void {
    if (this.#reading === undefined && this.#text.trim() !== '') void this.#read(this.#text, true);
  }

  /** As JSON. */
  get text(): string {
    return this.#text;
  }

  /** Takes JSON as it is typed, and reads it once nothing more is. */
  type(text: string): void {
    this.#text = text;
    this.keep();
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => void this.settle(), readAfter);
  }

  /** Takes a change of the form. */
  change(recipe: RecipeInput): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.recipe = recipe;
    this.isStale = false;
    this.#text = textOf(recipe);
    this.keep();
    void this.#read(this.#text, true);
  }

  /** Gives up JSON that could not be read. */
  revert(): void {
    if (this.recipe !== undefined) this.change(this.recipe);
  }

  /** Reads what was typed last, now. */
  async settle(): Promise<void> {
    if (this.#timer === undefined) return this.#reading;
    clearTimeout(this.#timer);
    this.#timer = undefined;
    await this.#read(this.#text, false);
  }

  /** @param isForms whether the text may be what the form shows, right or wrong */
  #read(text: string, isForms: boolean): Promise<void> {
    this.#reading = this.#readText(text, isForms);
    return this.#reading;
  }

  async #readText(text: string, isForms: boolean): Promise<void> {
    try {
      const recipe = await readOwnRecipe(text, 'the recipe');
      if (text !== this.#text) return;
      this.recipe = recipe;
      this.problem = undefined;
      this.isStale = false;
    } catch (error) {
      if (text !== this.#text) return;
      this.problem = problemOf(error);
      this.isStale = !(isForms && this.recipe !== undefined && textOf(this.recipe) === text);
    }
    this.#write();
  }

  keep(): void {
    this.changedAt = new Date().toISOString();
    this.#write();
  }

  #write(): void {
    const kept: KeptDraft = {
      text: this.#text,
      origin: this.origin,
      shown: this.recipe,
      changedAt: this.changedAt,
    };
    this.isKept = writePreference(`${kind}${this.id}`, JSON.stringify(kept));
  }
}

function textOf(recipe: RecipeInput): string {
  return JSON.stringify(recipe, null, 2);
}

/** The drafts of this browser. */
export class RecipeDrafts {
  /** The one that was changed last is the first. */
  list = $state.raw<readonly RecipeDraft[]>(
    preferencesNamed(kind)
      .flatMap((name) => {
        const kept = readKept(readPreference(name));
        return kept === undefined ? [] : [new RecipeDraft(name.slice(kind.length), kept)];
      })
      .sort((a, b) => (a.changedAt < b.changedAt ? 1 : -1)),
  );

  find(id: string | undefined): RecipeDraft | undefined {
    return this.list.find((draft) => draft.id === id);
  }

  /** A draft of a recipe; one of the same origin that nobody has changed is taken again. */
  of(recipe: RecipeInput, from: string): RecipeDraft {
    const origin = { name: from, recipe };
    const text = textOf(recipe);
    return this.#unchanged(from, text) ?? this.#add({ text, origin, shown: recipe });
  }

  /** A draft of JSON that was typed, pasted or dropped: a recipe, or what is to become one. */
  ofText(text: string): RecipeDraft {
    return this.#add({ text });
  }

  forget(draft: RecipeDraft): void {
    writePreference(`${kind}${draft.id}`, undefined);
    this.list = this.list.filter((each) => each !== draft);
  }

  #unchanged(from: string, text: string): RecipeDraft | undefined {
    return this.list.find(
      ({ origin, text: own }) => own === text && origin?.name === from && textOf(origin.recipe) === text,
    );
  }

  #add(given: Omit<KeptDraft, 'changedAt'>): RecipeDraft {
    const id = `draft-${crypto.randomUUID().slice(0, 8)}`;
    const draft = new RecipeDraft(id, { ...given, changedAt: '' });
    draft.keep();
    this.list = [draft, ...this.list];
    return draft;
  }
}

function readKept(text: string | undefined): KeptDraft | undefined {
  if (text === undefined) return undefined;
  try {
    const kept = JSON.parse(text) as Partial<KeptDraft>;
    if (typeof kept.text !== 'string') return undefined;
    return { ...kept, text: kept.text, changedAt: kept.changedAt ?? '' };
  } catch {
    return undefined;
  }
}

/** Those that all screens share. */
export const recipeDrafts = new RecipeDrafts();

/**
 * Opens a copy of a recipe on the screen "Recipes", as a form with its JSON.
 * @param from what it is called there: "Differs from …"
 */
export function openDraft(recipe: RecipeInput, from: string, drafts = recipeDrafts): RecipeDraft {
  const draft = drafts.of(recipe, from);
  location.hash = Route.to('recipes', draft.id);
  return draft;
}
