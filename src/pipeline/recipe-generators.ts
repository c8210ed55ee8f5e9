import { readRange, type ByteSource } from '../core/source.ts';
import type { Prompt } from '../generation/prompt.ts';
import { InputError } from '../core/errors.ts';
import type { Generator } from '../host/generator.ts';
import { sha256 } from '../core/sha256.ts';
import type { GeneratorMeans, NamedGenerator } from './generator.ts';
import {
  openGenerator,
  recordingOf,
  type GeneratorsByName,
  type RecipeGenerator,
} from './generators/index.ts';
import type { RecipeCorpus, RecipeFiles } from './recipe-corpus.ts';
import { openPlace, type Place } from './recipe-lists.ts';
import { openPrompt } from './recipe-prompts.ts';
import { own } from '../core/own.ts';

/** Opens the generators that a recipe names, as a host does. */
export interface RecipeGenerators {
  /**
   * A generator that is not loaded yet. What it holds when it is loaded is freed by its `unload`.
   * @param role the generator's name in the recipe
   * @throws InputError where this host has no such generator
   */
  open(role: string, generator: RecipeGenerator, openFile: GeneratorMeans['openFile']): Promise<Generator>;
}

/** What a stage's result depends on, of a generator. Where it runs is no part of it. */
export interface GeneratorIdentity {
  /** As its replies are named in the log. */
  readonly model: string;
  /** SHA-256 of the file of a recorded one, null for others. */
  readonly recorded: string | null;
}

/** The name of the generator that writes a source: the only one where it names none. */
export function generatorOf(
  generators: GeneratorsByName,
  { generator }: { readonly generator?: string | undefined },
): string {
  return generator ?? Object.keys(generators)[0] ?? '';
}

/** The generators of a recipe. */
export class GeneratorShelf {
  readonly byName: GeneratorsByName;
  readonly #corpus: RecipeCorpus;
  readonly #files: RecipeFiles;
  readonly #host: RecipeGenerators | undefined;

  constructor(
    byName: GeneratorsByName,
    corpus: RecipeCorpus,
    files: RecipeFiles,
    host: RecipeGenerators | undefined,
  ) {
    this.byName = byName;
    this.#corpus = corpus;
    this.#files = files;
    this.#host = host;
  }

  /** @throws InputError for a recorded log that cannot be read */
  async identityOf(role: string): Promise<GeneratorIdentity> {
    const generator = this.#named(role);
    const recording = recordingOf(generator);
    const { model }: NamedGenerator = generator;
    if (recording === undefined && model !== undefined) return { model, recorded: null };
    const { description } = await this.open(role);
    const source = recording && (await this.#openFile(recording));
    return {
      model: description.model,
      recorded: source === undefined ? null : await sha256(await readRange(source, 0, source.size)),
    };
  }

  /** A prompt that a recipe has in a file. @throws InputError naming a file that holds none */
  openPromptFile(path: string): Promise<Prompt> {
    return openPrompt(path, this.#files);
  }

  /** @throws InputError where this host has no such generator */
  async open(role: string): Promise<Generator> {
    const generator = this.#named(role);
    // Recorded ones are files, which every host opens alike.
    const isRecorded = recordingOf(generator) !== undefined;
    const opened = isRecorded
      ? openGenerator(generator, { openFile: this.#openFile }, [])
      : this.#host?.open(role, generator, this.#openFile);
    if (opened !== undefined) return opened;
    throw new InputError(`generators.${role}: language models are not available here`, {
      remedy: 'Use a recorded log, or run the recipe on the command line or in the browser',
    });
  }

  readonly #openFile = (place: Place): Promise<ByteSource> => openPlace(place, this.#corpus, this.#files);

  #named(role: string): RecipeGenerator {
    const generator = own(this.byName, role);
    if (generator === undefined) throw new Error(`the recipe has no generator ${role}`);
    return generator;
  }
}
