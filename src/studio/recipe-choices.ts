/** From the choices of the screen "Recipes" to the recipe that runs, and what is still missing for it. */
import { wrongSettings } from '../core/setting.ts';
import { sha256 } from '../core/sha256.ts';
import { Faults } from '../pipeline/faults.ts';
import type { GeneratorDefinition } from '../pipeline/generator.ts';
import { generatorKind, recordingOf, type RecipeGenerator } from '../pipeline/generators/index.ts';
import { omit } from '../pipeline/omit.ts';
import type { RecipeInput } from '../pipeline/schema.ts';
import type { GeneratorAccess, KeptItem } from './protocol.ts';
import { own } from '../core/own.ts';

/**
 * The language models that write in place of those that a recipe names, by its names; without one, the recipe's own
 * does. Settings that are still to be given are empty.
 */
export type GeneratorChoices = Readonly<Record<string, RecipeGenerator | undefined>>;

export interface RecipeChoices {
  readonly recipe: RecipeInput;
  /** Undefined for the demo's. */
  readonly corpus: KeptItem | undefined;
  readonly generators: GeneratorChoices;
  readonly access: GeneratorAccess;
}

type CorpusFacts = Pick<KeptItem, 'name' | 'splits'>;

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
  return generator !== undefined && recordingOf(generator)?.file === undefined;
}

/** What the choice of a kind begins with. */
export function newGenerator({ kind, settings }: GeneratorDefinition): RecipeGenerator {
  const initial = Object.entries(settings).flatMap(([member, setting]) =>
    setting.isRequired === true || setting.initial !== undefined ? [[member, setting.initial ?? '']] : [],
  );
  return { kind, ...Object.fromEntries(initial) } as RecipeGenerator;
}

/** What keeps the choices from being run, each a sentence with what to do. */
export function missingForRecipe(choices: RecipeChoices): readonly string[] {
  const { recipe, corpus } = choices;
  const facts = corpus ?? demoCorpus;
  const missing: string[] = [];
  const test = recipe.corpus.test ?? 'test';
  if (typeof test === 'string' && !facts.splits.includes(test)) {
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
  // Several parts of a recipe may lack the same.
  return [...new Set(missing)];
}

function missingForRole({ recipe, generators, access }: RecipeChoices, role: string): readonly string[] {
  const chosen = own(generators, role);
  const generator = chosen ?? own(recipe.generators, role);
  if (generator === undefined || (chosen === undefined && !worksAsWritten(recipe, role))) {
    return [`Choose what writes as “${role}”.`];
  }
  const definition = generatorKind(generator.kind);
  const wrong = wrongSettings(definition.settings, generator);
  if (wrong.length > 0) return wrong.map((sentence) => `${role}: ${sentence}`);
  const faults = new Faults();
  definition.check?.(generator, [role], faults);
  const dropped = definition.droppedFile?.(generator);
  return [
    ...faults.lines.map((line) => `${line}.`),
    ...(dropped === undefined || own(access, role)?.file?.name === dropped
      ? []
      : [`${role}: drop the file ${dropped}, or choose another language model.`]),
  ];
}

/** The recipe with the chosen corpus and language models in the places of its own. */
export function recipeOf({ recipe, corpus, generators }: RecipeChoices): RecipeInput {
  const chosen = Object.fromEntries(
    Object.entries(recipe.generators ?? {}).map(([role, given]) => [role, own(generators, role) ?? given]),
  );
  const placed = withCorpus(recipe, corpus);
  return {
    ...placed,
    corpus: { ...placed.corpus, ...devOf(recipe, corpus ?? demoCorpus) },
    ...(recipe.generators === undefined ? {} : { generators: chosen }),
  };
}

/** The recipe on a kept corpus, or on the demo's. */
export function withCorpus(recipe: RecipeInput, corpus: KeptItem | undefined): RecipeInput {
  return { ...recipe, corpus: { ...omit(recipe.corpus, 'folder', 'builtIn'), ...placeOf(corpus) } };
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
    const recording = recordingOf(generator);
    return recording !== undefined && recording.file === undefined ? source : omit(source, 'recorded');
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
