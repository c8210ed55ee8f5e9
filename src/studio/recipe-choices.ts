/** From the choices of the screen "Recipes" to the recipe that runs, and what is still missing for it. */
import { InputError } from '../host/errors.ts';
import { baseAddress } from '../host/generators/server-address.ts';
import { sha256 } from '../host/sha256.ts';
import { omit } from '../recipes/omit.ts';
import type { RecipeInput } from '../recipes/schema.ts';
import { isDroppedModel } from './dropped-model.ts';
import type { GeneratorAccess, KeptItem } from './protocol.ts';
import { own } from '../host/own.ts';

/** Which language model writes, in place of one that a recipe names. */
export type GeneratorChoice =
  /** As the recipe has it. */
  | { readonly kind: 'recipe' }
  /** A kept log of what was written earlier. */
  | { readonly kind: 'recorded'; readonly id: string }
  | { readonly kind: 'webllm'; readonly model: string }
  /** `ORG/NAME/FILE` of the hub, an address, or the name of a dropped file. */
  | { readonly kind: 'wllama'; readonly model: string }
  | { readonly kind: 'http'; readonly address: string; readonly model: string };

export interface RecipeChoices {
  readonly recipe: RecipeInput;
  /** Undefined for the demo's. */
  readonly corpus: KeptItem | undefined;
  /** By the names that the recipe has for its language models. */
  readonly generators: Readonly<Record<string, GeneratorChoice>>;
  readonly access: GeneratorAccess;
}

type CorpusFacts = Pick<KeptItem, 'name' | 'splits'>;
type RecipeGenerators = NonNullable<RecipeInput['generators']>;

const demoCorpus: CorpusFacts = {
  name: 'The demo corpus',
  splits: ['train', 'dev', 'test'],
};

/** The language models that a recipe names, in its order. */
export function rolesOf({ generators = {} }: RecipeInput): readonly string[] {
  return Object.keys(generators);
}

/** Whether the page can take a generator of a recipe as it stands there. */
export function worksAsWritten({ generators = {} }: RecipeInput, role: string): boolean {
  const generator = own(generators, role);
  return generator !== undefined && !(generator.kind === 'recorded' && generator.file !== undefined);
}

/** What keeps the choices from being run, each a sentence with what to do. */
export function missingForRecipe(choices: RecipeChoices): readonly string[] {
  const { recipe, corpus } = choices;
  const facts = corpus ?? demoCorpus;
  const missing: string[] = [];
  const test = recipe.corpus.test ?? 'test';
  if (!facts.splits.includes(test)) {
    missing.push(`${facts.name} has no judgments qrels/${test}.tsv to report on: choose another corpus.`);
  }
  const train = recipe.corpus.train === undefined ? 'train' : recipe.corpus.train;
  if (train !== null && !facts.splits.includes(train)) {
    missing.push(`${facts.name} has no judgments qrels/${train}.tsv to train on: choose another corpus.`);
  }
  // What belongs to the demo's is not listed here; the worker says what it lacks.
  for (const { file, isRecording } of corpus === undefined ? [] : corpusFilesOf(recipeOf(choices))) {
    if (corpus?.listFiles.includes(file) === true) continue;
    missing.push(
      `The recipe reads ${file} of its corpus, and ${facts.name} has no such file: choose the corpus that it was ` +
        `written for, ${isRecording ? 'or a language model that writes anew' : 'or another recipe'}.`,
    );
  }
  for (const role of rolesOf(recipe)) missing.push(...missingForRole(choices, role));
  return missing;
}

function missingForRole({ recipe, generators, access }: RecipeChoices, role: string): readonly string[] {
  const choice = own(generators, role) ?? { kind: 'recipe' };
  switch (choice.kind) {
    case 'recipe':
      if (!worksAsWritten(recipe, role)) return [`Choose what writes as “${role}”.`];
      return droppedProblem(own(recipe.generators, role), own(access, role), role);
    case 'recorded':
      return choice.id === '' ? [`${role}: choose a log, or drop one.`] : [];
    case 'webllm':
      return choice.model === '' ? [`${role}: choose a model of WebLLM.`] : [];
    case 'wllama':
      if (choice.model === '') return [`${role}: name a GGUF file, or drop one.`];
      return !isDroppedModel(choice.model) || own(access, role)?.file !== undefined
        ? []
        : [`${role}: drop the file, or name it as ORG/NAME/FILE.gguf of the hub.`];
    case 'http':
      return [
        ...addressProblem(role, choice.address),
        ...(choice.model === '' ? [`${role}: give the model's name as the server has it.`] : []),
      ];
  }
}

/** What is missing where a recipe names a dropped file itself. */
function droppedProblem(
  own: RecipeGenerators[string] | undefined,
  access: GeneratorAccess[string] | undefined,
  role: string,
): readonly string[] {
  if (own?.kind !== 'wllama' || !isDroppedModel(own.model) || access?.file !== undefined) return [];
  return [`${role}: drop the file ${own.model}, or choose another language model.`];
}

function addressProblem(role: string, address: string): readonly string[] {
  if (address === '') return [`${role}: give the address of the server.`];
  try {
    baseAddress(address);
    return [];
  } catch (error) {
    if (!(error instanceof InputError)) throw error;
    return [`${role}: ${error.problem}. ${error.remedy}.`];
  }
}

/** The recipe with the chosen corpus and language models in the places of its own. */
export function recipeOf({ recipe, corpus, generators }: RecipeChoices): RecipeInput {
  const chosen: RecipeGenerators = Object.fromEntries(
    Object.entries(recipe.generators ?? {}).map(([role, given]) => [
      role,
      generatorOf(given, own(generators, role)),
    ]),
  );
  return {
    ...recipe,
    corpus: {
      ...omit(recipe.corpus, 'folder', 'builtIn'),
      ...devOf(recipe, corpus ?? demoCorpus),
      ...placeOf(corpus),
    },
    ...(recipe.generators === undefined ? {} : { generators: chosen }),
  };
}

function generatorOf(
  own: RecipeGenerators[string],
  choice: GeneratorChoice = { kind: 'recipe' },
): RecipeGenerators[string] {
  switch (choice.kind) {
    case 'recipe':
      return own;
    case 'recorded':
      return { kind: 'recorded', file: choice.id };
    case 'webllm':
    case 'wllama':
      return { kind: choice.kind, model: choice.model };
    case 'http':
      return { kind: 'http', address: choice.address, model: choice.model };
  }
}

function placeOf(corpus: KeptItem | undefined): RecipeInput['corpus'] {
  return corpus === undefined ? { builtIn: 'demo' } : { folder: corpus.id };
}

/** A corpus without the dev split that a recipe names holds out a part of its train queries. */
function devOf(recipe: RecipeInput, { splits }: CorpusFacts): Pick<RecipeInput['corpus'], 'dev'> {
  const { dev } = recipe.corpus;
  if (dev === undefined || dev === null || !('split' in dev) || splits.includes(dev.split)) return {};
  return { dev: { share: 0.1 } };
}

/** Whether another corpus than its own makes a recipe hold out train queries in place of its dev split. */
export function replacesDev(choices: RecipeChoices): boolean {
  return 'dev' in devOf(choices.recipe, choices.corpus ?? demoCorpus);
}

interface CorpusFile {
  readonly file: string;
  /** Whether it holds what a language model wrote earlier, which another model may write anew. */
  readonly isRecording: boolean;
}

/** The files of its corpus that a recipe reads. */
function corpusFilesOf(recipe: RecipeInput): readonly CorpusFile[] {
  const { generators = {}, sources, ...rest } = recipe;
  const read = Object.entries(sources).map(([, source]) => {
    if (source.kind !== 'generated' || source.prompts === undefined) return source;
    const generator = own(generators, source.generator ?? Object.keys(generators)[0] ?? '');
    const replays = generator?.kind === 'recorded' && generator.file === undefined;
    return replays ? source : omit(source, 'recorded');
  });
  return [...filesIn(rest, false), ...filesIn(generators, true), ...filesIn(read, false)];
}

/** Wherever they are named. */
function filesIn(value: unknown, isRecording: boolean): readonly CorpusFile[] {
  if (typeof value !== 'object' || value === null) return [];
  return Object.entries(value).flatMap(([key, member]: [string, unknown]) =>
    key === 'corpusFile' && typeof member === 'string'
      ? [{ file: member, isRecording }]
      : filesIn(member, isRecording || key === 'recorded'),
  );
}

/** A run's id. The same choices are the same run, so its results are shown again and not computed anew. */
export async function recipeRunId(recipe: RecipeInput): Promise<string> {
  const slug = recipe.name.toLowerCase().replace(/[^a-z0-9]+/g, '-');
  return `recipe-${slug}-${(await sha256(JSON.stringify(recipe))).slice(0, 8)}`;
}
