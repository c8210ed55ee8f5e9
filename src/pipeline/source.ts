/** What a kind of source is: one file of sources/ defines it, and sources/index.ts lists it. */
import type * as v from 'valibot';
import type { LibraryEncoder, LoadableEncoder } from '../encoders/model-library.ts';
import type { Prompt } from '../generation/prompt.ts';
import type { EncoderShelf, ShelvedEncoder } from './encoder-shelf.ts';
import type { Faults, Path } from './faults.ts';
import type { GeneratorsByName } from './generators/index.ts';
import type { HeldOut } from './held-out.ts';
import type { ListsReport } from './lists-report.ts';
import type { GeneratorIdentity } from './recipe-generators.ts';
import type { FileLists, Place } from './recipe-lists.ts';
import type { CorpusSettings } from './schema/corpus.ts';
import type { AskedScorer } from './schema/parts.ts';
import type { ListsStage, Stage, Workshop } from './stage.ts';
import { listsStage } from './stages/lists.ts';
import type { Scorer } from './stages/scores.ts';

/** Numbers of lists, of all their passages, and of the positives among those. */
export interface ListsSize {
  readonly lists: number;
  readonly passages: number;
  readonly positives: number;
  /** Distinct ones among the passages, where lists are known to share them. */
  readonly distinctPassages?: number;
}

/** Tokens of a typical passage and query. */
export interface TypicalTokens {
  readonly passageTokens: number;
  readonly queryTokens: number;
}

/** What a source's lists will about look like, before they are there. */
export interface ExpectedLists extends ListsSize, TypicalTokens {}

/** A source's stage, with what it will about find. */
export interface PreparedSource {
  readonly lists: ListsStage<ListsReport>;
  readonly expected: ExpectedLists;
}

/** Another source that a source is made of, and where it names it. */
export interface SourcePart {
  readonly name: string;
  readonly path: Path;
}

/** What a check may look at beside the source. */
export interface RecipeNames {
  readonly corpus: Pick<CorpusSettings, 'train'>;
  readonly generators: GeneratorsByName;
  /** Every source, by name. */
  readonly sources: Readonly<Record<string, { readonly kind: string }>>;
}

/** What a source is made with. */
export interface SourceContext extends Pick<Workshop, 'corpus' | 'runtime'> {
  readonly shelf: EncoderShelf;
  readonly heldOut: HeldOut;
  readonly generators: {
    readonly byName: GeneratorsByName;
    identityOf(role: string): Promise<GeneratorIdentity>;
    openPromptFile(path: string): Promise<Prompt>;
  };
  /** Another source of the recipe. */
  source(name: string): Promise<PreparedSource>;
  /** The lists of the file that this source names ({@link SourceDefinition.file}). */
  readonly file: FileLists | undefined;
  scorer(choice: AskedScorer): Promise<Scorer>;
  /** The lists with the raw scores of a model, or of a file. */
  scored(of: string, prepared: PreparedSource, by: AskedScorer): Promise<ListsStage>;
  /**
   * An encoder that embeds and is not trained, compared as the trained ones are.
   * @param model without it, the recipe's
   */
  encoder(
    model: string | undefined,
    overrides: Parameters<EncoderShelf['encoder']>[1],
  ): Promise<ShelvedEncoder | LibraryEncoder>;
  /** The vectors that an encoder has left in a file, as the encoder itself. */
  vectors(place: Place): Promise<LoadableEncoder>;
  /** Of the corpus and the train queries, or the test queries where there are none. */
  typicalTokens(): TypicalTokens;
  /** Of these texts. */
  tokensOf(texts: {
    readonly passages: readonly string[];
    readonly queries: readonly string[];
  }): TypicalTokens;
}

export type SourceSchema = v.StrictObjectSchema<v.ObjectEntries, undefined>;

/** A kind of source. */
export interface SourceDefinition<Schema extends SourceSchema = SourceSchema> {
  /** With its `kind`, a literal. */
  readonly schema: Schema;
  /** The sources that it is made of. */
  parts(source: v.InferOutput<Schema>): readonly SourcePart[];
  /** What it says wrong of itself and of the recipe; references to its parts are checked for it. */
  check?(source: v.InferOutput<Schema>, recipe: RecipeNames, path: Path, faults: Faults): void;
  /** Which kinds may be its parts, and what messages call them; all sources unless it says so. */
  readonly partKinds?: { readonly what: string; includes(kind: string): boolean };
  /** The file whose lists it takes. */
  file?(source: v.InferOutput<Schema>): Place | undefined;
  /** What its settings are known to do to results, one line each. */
  warnings?(source: v.InferOutput<Schema>): readonly string[];
  prepare(name: string, source: v.InferOutput<Schema>, context: SourceContext): Promise<PreparedSource>;
}

export function defineSource<const Schema extends SourceSchema>(
  definition: SourceDefinition<Schema>,
): SourceDefinition<Schema> {
  return definition;
}

type SourceStageParts = Pick<Stage<ListsReport>, 'inputs' | 'needs' | 'run'> & Partial<Pick<Stage, 'work'>>;

/** The stage that makes a source's lists. */
export function sourceStage(name: string, parts: SourceStageParts): Promise<ListsStage<ListsReport>> {
  return listsStage({ label: `lists of ${name}`, ...parts });
}
