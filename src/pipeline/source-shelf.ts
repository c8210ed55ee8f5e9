import { InputError } from '../core/errors.ts';
import type { LibraryEncoder, LoadableEncoder } from '../encoders/model-library.ts';
import { own } from '../core/own.ts';
import { bm25Warnings } from '../retrieval/bm25.ts';
import type { EncoderShelf, ShelvedEncoder } from './encoder-shelf.ts';
import type { HeldOut } from './held-out.ts';
import { omit } from './omit.ts';
import type { RecipeCorpus, RecipeFiles } from './recipe-corpus.ts';
import type { GeneratorShelf } from './recipe-generators.ts';
import { openPlace, readFileLists, type FileLists, type Place } from './recipe-lists.ts';
import type { Recipe } from './schema.ts';
import type { AskedScorer } from './schema/parts.ts';
import type { TeacherSettings } from './schema/teacher.ts';
import { ScoresShelf, VectorsShelf } from './scores-file.ts';
import type { ExpectedLists, PreparedSource, SourceContext, TypicalTokens } from './source.ts';
import { definitionOf } from './sources/index.ts';
import { typicalTokens, type ListsStage, type Stage, type Workshop } from './stage.ts';
import { scoresStage, type Scorer, type ScoresReport } from './stages/scores.ts';
import { teacherVectorsStage } from './stages/teacher-vectors.ts';
import { comparedBy } from './stages/training.ts';

type Sources = Recipe['sources'];

/** What sources are made by: all of a recipe, or a part that trains nothing. */
export type SourcesRecipe = Pick<Recipe, 'sources' | 'training'> & {
  readonly encoder?: Recipe['encoder'] | undefined;
};

/** Reads the files of all sources that name one. @throws InputError naming the file and the remedy */
export async function filesOfSources(
  sources: Sources,
  corpus: RecipeCorpus,
  files: RecipeFiles,
): Promise<ReadonlyMap<string, FileLists>> {
  const found = new Map<string, FileLists>();
  for (const [name, source] of Object.entries(sources)) {
    const place = definitionOf(source).file?.(source);
    if (place !== undefined)
      found.set(name, await readFileLists(await openPlace(place, corpus, files), corpus));
  }
  return found;
}

/** What the settings of searches are known to do to results, each once. */
export function warningsOfSources({
  sources,
  evaluation,
}: Pick<Recipe, 'sources' | 'evaluation'>): readonly string[] {
  const ofSources = Object.values(sources).flatMap((source) => definitionOf(source).warnings?.(source) ?? []);
  return [...new Set([...ofSources, ...bm25Warnings(evaluation.bm25)])];
}

interface ShelfParts extends Pick<Workshop, 'corpus' | 'runtime'> {
  readonly shelf: EncoderShelf;
  readonly generators: GeneratorShelf;
  readonly files: RecipeFiles;
}

/** The sources of a recipe. What two arms have in common is made once. */
export class SourceShelf {
  readonly #recipe: SourcesRecipe;
  readonly #trained: ShelvedEncoder | undefined;
  readonly #parts: ShelfParts;
  readonly #heldOut: HeldOut;
  readonly #fileLists: ReadonlyMap<string, FileLists>;
  readonly #scores: ScoresShelf;
  readonly #vectors: VectorsShelf;
  readonly #sources = new Map<string, Promise<PreparedSource>>();
  #typical: TypicalTokens | undefined;

  /** @param encoder what the arms train */
  constructor(
    recipe: SourcesRecipe,
    parts: ShelfParts,
    {
      encoder,
      heldOut,
      fileLists,
    }: {
      readonly encoder: ShelvedEncoder | undefined;
      readonly heldOut: HeldOut;
      readonly fileLists: ReadonlyMap<string, FileLists>;
    },
  ) {
    this.#trained = encoder;
    this.#recipe = recipe;
    this.#parts = parts;
    this.#heldOut = heldOut;
    this.#fileLists = fileLists;
    this.#scores = new ScoresShelf(parts.corpus, parts.files);
    this.#vectors = new VectorsShelf(parts.corpus, parts.files);
  }

  source(name: string): Promise<PreparedSource> {
    let prepared = this.#sources.get(name);
    if (prepared === undefined) {
      prepared = this.#prepare(name);
      this.#sources.set(name, prepared);
    }
    return prepared;
  }

  /** The lists with the raw scores of a model, or of a file. @param role whether it teaches, or guides the rules */
  async scored(
    of: string,
    { lists, expected }: { readonly lists: ListsStage; readonly expected: { readonly passages: number } },
    by: AskedScorer,
    role: 'teacher' | 'guide' = 'teacher',
  ): Promise<ListsStage<ScoresReport>> {
    return scoresStage(this.#parts, of, lists, await this.scorer(by), expected.passages, role);
  }

  async scorer(choice: AskedScorer): Promise<Scorer> {
    const { shelf } = this.#parts;
    if (choice.from === 'file') return { kind: 'file', ...(await this.#scores.open(choice)) };
    if (choice.from === 'vectors') return { kind: 'encoder', ...(await this.vectors(choice)) };
    const { model } = choice;
    if (choice.from === 'cross-encoder') {
      return { kind: 'cross-encoder', ...(await shelf.anyCrossEncoder(model)) };
    }
    const overrides = omit({ scale: null, ...choice }, 'from', 'model', 'scale');
    return { kind: 'encoder', ...(await shelf.anyEncoder(model, overrides)) };
  }

  /** The vectors that an encoder has left in a file, as the encoder itself. */
  vectors(place: Place): Promise<LoadableEncoder> {
    return this.#vectors.open(place);
  }

  /** A teacher's vectors of all lists of a source, or of a mix. @throws InputError if the teacher has none */
  async teacherVectors(
    of: string,
    { lists, expected }: { readonly lists: ListsStage; readonly expected: ExpectedLists },
    teacher: TeacherSettings,
  ): Promise<Stage> {
    const scorer = teacher.from === 'stored' ? undefined : await this.scorer(teacher);
    if (scorer?.kind !== 'encoder') {
      throw new InputError('the teacher cannot score every query with every passage of a batch', {
        remedy: 'Use an encoder or a file of vectors as teacher, or scope=own',
      });
    }
    // A passage of several lists is embedded once.
    const { size } = this.#parts.corpus.passages;
    const distinct = expected.distinctPassages ?? expected.passages;
    const passages = size === 0 ? distinct : Math.min(distinct, size);
    return teacherVectorsStage(this.#parts, of, lists, scorer, { ...expected, passages });
  }

  async #prepare(name: string): Promise<PreparedSource> {
    const source = own(this.#recipe.sources, name);
    if (source === undefined) throw new Error(`the recipe has no source ${name}`);
    return definitionOf(source).prepare(name, source, this.contextOf(name));
  }

  /** What a source is made with. */
  contextOf(name: string): SourceContext {
    const { corpus, runtime, shelf, generators } = this.#parts;
    return {
      ...{ corpus, runtime, shelf, generators },
      heldOut: this.#heldOut,
      file: this.#fileLists.get(name),
      source: (of) => this.source(of),
      scorer: (choice) => this.scorer(choice),
      scored: (of, prepared, by) => this.scored(of, prepared, by),
      encoder: (model, overrides) => this.#encoder(model, overrides),
      vectors: (place) => this.vectors(place),
      typicalTokens: () => this.#typicalTokens(),
      tokensOf: (texts) => this.#tokensOf(texts),
    };
  }

  async #encoder(
    model: string | undefined,
    overrides: Parameters<EncoderShelf['encoder']>[1],
  ): Promise<ShelvedEncoder | LibraryEncoder> {
    const { shelf } = this.#parts;
    const { encoder: base, training } = this.#recipe;
    const similarity = training.similarity ?? 'cosine';
    const encoder = await (model === undefined && base !== undefined
      ? shelf.encoder(base.model, { ...omit(base, 'model'), ...overrides })
      : shelf.anyEncoder(model ?? '', overrides));
    if ('model' in encoder) return { ...encoder, model: comparedBy(encoder.model, similarity) };
    if (encoder.encoding.normalize || similarity === 'dot' || model === undefined) return encoder;
    return shelf.anyEncoder(model, { ...overrides, normalize: true });
  }

  #typicalTokens(): TypicalTokens {
    const { corpus } = this.#parts;
    const { queries } = this.#heldOut.train ?? corpus.test;
    this.#typical ??= {
      ...this.#tokensOf({ passages: corpus.passages.sample, queries: queries.map(({ text }) => text) }),
      ...(queries.length === 0 && { queryTokens: shortTexts.queryTokens }),
    };
    return this.#typical;
  }

  #tokensOf({ passages, queries }: Parameters<SourceContext['tokensOf']>[0]): TypicalTokens {
    if (this.#trained === undefined) return shortTexts;
    const { model } = this.#trained;
    return {
      passageTokens: typicalTokens(model, passages, 'passage'),
      queryTokens: typicalTokens(model, queries, 'query'),
    };
  }
}

/** Of a passage and a query, where nothing is trained that would say how they are read. */
const shortTexts: TypicalTokens = { passageTokens: 128, queryTokens: 16 };
