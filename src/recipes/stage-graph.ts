import type { ListRecord } from '../corpus/types.ts';
import { isPositive } from '../corpus/text-key.ts';
import type { LibraryEncoder } from '../encoders/model-library.ts';
import type { EncoderModel, EncoderShape } from '../encoders/types.ts';
import { InputError } from '../host/errors.ts';
import type { LossSpec } from '../losses/loss-spec.ts';
import { parseRules } from '../mining/rule-spec.ts';
import { mostCheckpoints } from '../training/checkpoint.ts';
import { forwardFlops } from '../training/flops.ts';
import type { Mix } from '../training/mixing/mix.ts';
import { parameterCounts, type ParameterSelection } from '../training/parameter-selection.ts';
import { mixOf, originOf } from './arm-mix.ts';
import { baselineName } from './baseline-name.ts';
import type { ShelvedEncoder } from './encoder-shelf.ts';
import { holdOut, type HeldOut } from './held-out.ts';
import { readLoss, readsTeacher } from './loss.ts';
import type { RecipeMix } from './mix-schema.ts';
import type { RecipeFiles } from './recipe-corpus.ts';
import { readEvidence, type Evidence } from './recipe-evidence.ts';
import { readFileLists, type FileLists } from './recipe-lists.ts';
import { omit } from './omit.ts';
import type {
  Recipe,
  RecipeArm,
  RecipeBaseline,
  RecipeEvidence,
  MinedSource,
  RecipeRetriever,
  RecipeScorer,
  RecipeSource,
  SelectedSource,
  RecipeTeacher,
  RecipeTraining,
  WrittenSource,
} from './schema.ts';
import { queriesOfLists, queriesOfSplit, type MinedQueries } from './mined-queries.ts';
import { generatorOf, isWritten, type GeneratorShelf } from './recipe-generators.ts';
import { noWork, typicalTokens, type Stage, type Work, type Workshop } from './stage.ts';
import { candidatesStage } from './stages/candidates.ts';
import { comparisonStage, type SystemStages } from './stages/comparison.ts';
import { devStage } from './stages/dev.ts';
import { diagnosedStage, type DiagnosedSource } from './stages/diagnosed.ts';
import { filteredStage } from './stages/filtered.ts';
import { generatedStage } from './stages/generated.ts';
import { lengthsStage } from './stages/lengths.ts';
import { fileListsStage, mergedListsStage, minedListsStage } from './stages/lists.ts';
import { mixedListsStage } from './stages/mixed.ts';
import { plantedListsStage } from './stages/planted.ts';
import { rankingStage, type Searcher } from './stages/ranking.ts';
import { ScoresShelf } from './scores-file.ts';
import { scoresStage, type Scorer } from './stages/scores.ts';
import { selectedListsStage } from './stages/selected.ts';
import { comparedBy, trainingStage } from './stages/training.ts';
import { mergeTraining, trainingSettings } from './training-settings.ts';
import {
  aboutLists,
  aboutPassages,
  aboutTrainQueries,
  expectedWriting,
  type ListsSize,
  type WrittenAbout,
} from './written-about.ts';
import { own } from '../host/own.ts';

/** What a source's lists will about look like, before they are there. */
export interface ExpectedLists {
  readonly lists: number;
  readonly passages: number;
  readonly positives: number;
  /** Of a passage and a query. */
  readonly passageTokens: number;
  readonly queryTokens: number;
}

interface PreparedLists {
  readonly lists: Stage;
  /** The stages that the lists went through, the source's first. */
  readonly history: readonly Stage[];
  readonly expected: ExpectedLists;
}

/** An arm with its lists, ready to be trained with any seed. */
export interface ArmStages extends PreparedLists {
  readonly arm: RecipeArm;
  readonly loss: LossSpec;
  /** The recipe's settings with the arm's own over them. */
  readonly training: RecipeTraining;
  /** How its sources share the batches, where it has several. */
  readonly mix?: Mix;
}

type GraphParts = Pick<Workshop, 'corpus' | 'shelf' | 'runtime'> & { readonly generators: GeneratorShelf };

/** All stages of a recipe, with their keys. Nothing is computed but the hashes of what is read. */
export class StageGraph {
  readonly recipe: Recipe;
  readonly encoder: ShelvedEncoder;
  readonly heldOut: HeldOut;
  readonly fileLists: ReadonlyMap<string, FileLists>;
  readonly dev: Stage | undefined;
  readonly lengths: Stage;
  readonly arms: readonly ArmStages[];
  readonly baselines: readonly SystemStages[];
  /** What the untrained encoder finds, for the queries that are shown. */
  readonly untrained: Stage;
  /** What the sources look like, where the recipe asks for it. */
  readonly diagnosed: Stage | undefined;
  readonly #parts: GraphParts;

  private constructor(
    parts: GraphParts,
    built: Omit<StageGraph, 'comparison' | 'training' | 'ranking' | 'modelOf'>,
  ) {
    this.#parts = parts;
    this.recipe = built.recipe;
    this.encoder = built.encoder;
    this.heldOut = built.heldOut;
    this.fileLists = built.fileLists;
    this.dev = built.dev;
    this.lengths = built.lengths;
    this.arms = built.arms;
    this.baselines = built.baselines;
    this.untrained = built.untrained;
    this.diagnosed = built.diagnosed;
  }

  /** @throws InputError naming what cannot be read or does not fit */
  static async build(recipe: Recipe, parts: GraphParts, files: RecipeFiles): Promise<StageGraph> {
    const { corpus, shelf } = parts;
    const { model, ...overrides } = recipe.encoder;
    const encoder = await shelf.encoder(model, overrides);
    const fileLists = await readFileLists(recipe, corpus, files);
    const evidence = await readEvidence(recipe, corpus, files);
    const heldOut = await holdOut(recipe, corpus, allLists(fileLists));
    const bm25 = recipe.evaluation.bm25;
    const dev =
      heldOut.dev === undefined
        ? undefined
        : await devStage(parts, heldOut.dev, heldOut, recipe.corpus.devCandidates, bm25);
    const untrained = await searchStage(recipe, parts, 'untrained', encoder);
    const builder = new ArmBuilder(recipe, parts, encoder, heldOut, fileLists, evidence, files);
    return new StageGraph(parts, {
      recipe,
      encoder,
      heldOut,
      fileLists,
      dev,
      lengths: await lengthsStage(parts, encoder),
      arms: await builder.build(),
      baselines: await baselineStages(recipe, parts, untrained),
      untrained,
      diagnosed: await builder.diagnosed(),
    });
  }

  /** @param changes what a trial of tuning, or its outcome, sets differently */
  training(
    { arm, lists, loss, training, mix, expected }: ArmStages,
    seed: number,
    label = trainingLabel(arm.name, seed),
    changes: { readonly loss?: LossSpec; readonly training?: RecipeTraining } = {},
  ): Promise<Stage> {
    const settled = mergeTraining(training, changes.training ?? {});
    return trainingStage(this.#parts, {
      label,
      encoder: this.encoder,
      lists,
      dev: this.dev,
      loss: changes.loss ?? loss,
      training: settled,
      mix,
      seed,
      work: trainingWork(this.encoder.model, settled, changes.loss ?? loss, expected, this.#devPassages()),
    });
  }

  /** What an arm finds after a training. */
  ranking({ arm, training }: ArmStages, seed: number, trained: Stage): Promise<Stage> {
    const searcher: Searcher = { kind: 'trained', model: this.modelOf(training), training: trained };
    return rankingStage(this.#parts, `${arm.name}, seed ${seed}`, searcher, this.recipe.evaluation);
  }

  comparison(arms: readonly SystemStages[]): Promise<Stage> {
    return comparisonStage(this.#parts, this.recipe, [...this.baselines, ...arms]);
  }

  /** The encoder as an arm with these settings searches with it. */
  modelOf({ similarity = 'cosine' }: RecipeTraining): EncoderModel {
    return comparedBy(this.encoder.model, similarity);
  }

  #devPassages(): number {
    const { dev } = this.heldOut;
    return dev === undefined ? 0 : dev.queries.length * (this.recipe.corpus.devCandidates + 2);
  }
}

/** What the training of an arm is called. */
export function trainingLabel(arm: string, seed: number): string {
  return `training of ${arm}, seed ${seed}`;
}

function allLists(fileLists: ReadonlyMap<string, FileLists>): ListRecord[] {
  return [...fileLists.values()].flatMap(({ lists }) => lists);
}

async function searchStage(
  { evaluation, training }: Recipe,
  parts: GraphParts,
  name: string,
  encoder: ShelvedEncoder,
): Promise<Stage> {
  const model = comparedBy(encoder.model, training.similarity ?? 'cosine');
  return rankingStage(parts, name, { kind: 'encoder', encoder: { ...encoder, model } }, evaluation);
}

async function baselineStages(recipe: Recipe, parts: GraphParts, untrained: Stage): Promise<SystemStages[]> {
  const { evaluation } = recipe;
  const stageOf = async (baseline: RecipeBaseline): Promise<Stage> => {
    if (baseline === 'untrained') return untrained;
    if (baseline === 'bm25') {
      return rankingStage(parts, 'bm25', { kind: 'bm25', settings: evaluation.bm25 }, evaluation);
    }
    const { name, model, ...overrides } = baseline;
    return searchStage(recipe, parts, name, await parts.shelf.encoder(model, overrides));
  };
  const systems: SystemStages[] = [];
  for (const baseline of evaluation.baselines) {
    systems.push({ name: baselineName(baseline), rankings: [await stageOf(baseline)] });
  }
  return systems;
}

/** Who scores passages. */
type ScorerChoice =
  Exclude<RecipeTeacher | RecipeScorer, { from: 'stored' }> | NonNullable<RecipeEvidence['guide']>;

/** Builds the lists of arms; what two arms have in common is built once. */
class ArmBuilder {
  readonly #recipe: Recipe;
  readonly #parts: GraphParts;
  readonly #encoder: ShelvedEncoder;
  readonly #heldOut: HeldOut;
  readonly #fileLists: ReadonlyMap<string, FileLists>;
  readonly #evidence: readonly Evidence[];
  /** What the sources that a model is to write will about hold; known once their stages are. */
  readonly #written = new Map<string, ListsSize>();
  readonly #scores: ScoresShelf;
  readonly #lists = new Map<string, Promise<Stage>>();

  constructor(
    recipe: Recipe,
    parts: GraphParts,
    encoder: ShelvedEncoder,
    heldOut: HeldOut,
    fileLists: ReadonlyMap<string, FileLists>,
    evidence: readonly Evidence[],
    files: RecipeFiles,
  ) {
    this.#recipe = recipe;
    this.#parts = parts;
    this.#encoder = encoder;
    this.#heldOut = heldOut;
    this.#fileLists = fileLists;
    this.#evidence = evidence;
    this.#scores = new ScoresShelf(parts.corpus, files);
  }

  async build(): Promise<ArmStages[]> {
    const arms: ArmStages[] = [];
    for (const arm of this.#recipe.arms) arms.push(await this.#arm(arm));
    return arms;
  }

  /** What the sources look like that the recipe names for it. */
  async diagnosed(): Promise<Stage | undefined> {
    const { diagnostics } = this.#recipe;
    if (diagnostics === undefined) return undefined;
    const sources: DiagnosedSource[] = [];
    for (const name of diagnostics.sources) {
      const lists = await this.#listsOf(name);
      sources.push({ name, lists, passages: this.#expected(name).passages });
    }
    const by = diagnostics.by ?? this.#recipe.teacher;
    const scorer = by.from === 'stored' ? undefined : await this.#scorer(by);
    return diagnosedStage(diagnostics, sources, this.#encoder, scorer);
  }

  async #arm(arm: RecipeArm): Promise<ArmStages> {
    const loss = readLoss(arm.loss);
    const training = mergeTraining(this.#recipe.training, arm.training);
    return arm.mix === undefined
      ? { arm, loss, training, ...(await this.#prepare(arm.source ?? '', arm.filters, loss)) }
      : { arm, loss, training, mix: mixOf(arm.mix), ...(await this.#mix(arm.name, arm.mix, loss)) };
  }

  async #mix(name: string, { sources }: RecipeMix, loss: LossSpec): Promise<PreparedLists> {
    const parts: (PreparedLists & { readonly origin: string })[] = [];
    for (const part of sources) {
      parts.push({ origin: originOf(part), ...(await this.#prepare(part.source, part.filters, loss)) });
    }
    const lists = await mixedListsStage(name, parts);
    const sum = (of: 'lists' | 'passages' | 'positives'): number =>
      parts.reduce((all, { expected }) => all + expected[of], 0);
    const first = parts[0] as PreparedLists;
    return {
      lists,
      history: [lists],
      expected: {
        ...first.expected,
        lists: sum('lists'),
        passages: sum('passages'),
        positives: sum('positives'),
      },
    };
  }

  /** The lists of a source with the scores that the loss and the rules read, without what the rules drop. */
  async #prepare(source: string, filters: string | undefined, loss: LossSpec): Promise<PreparedLists> {
    const recipe = this.#recipe;
    const history = [await this.#listsOf(source)];
    const expected = this.#expected(source);
    const rules = own(recipe.filters, filters) ?? [];
    const reads = new Set(
      rules.length === 0 ? [] : parseRules(rules).map(({ definition }) => definition.reads),
    );
    const asksTeacher = readsTeacher(loss) || reads.has('teacher');
    const { teacher, evidence } = recipe;
    const score = async (model: ScorerChoice, role: 'teacher' | 'guide'): Promise<Stage> => {
      const lists = history.at(-1) as Stage;
      const scorer = await this.#scorer(model);
      return scoresStage(this.#parts, source, lists, scorer, expected.passages, role);
    };
    if (asksTeacher && teacher.from !== 'stored') history.push(await score(teacher, 'teacher'));
    if (reads.has('guide') && evidence.guide !== undefined)
      history.push(await score(evidence.guide, 'guide'));
    const scale = asksTeacher ? teacher.scale : null;
    if (scale !== null || rules.length > 0) {
      const label = `lists of ${source}, ${filters ?? 'scaled'}`;
      const read = this.#evidence.filter((file) => reads.has(file.reads));
      history.push(await filteredStage(label, history.at(-1) as Stage, scale, rules, read));
    }
    return { lists: history.at(-1) as Stage, history, expected };
  }

  async #scorer(choice: ScorerChoice): Promise<Scorer> {
    const { shelf } = this.#parts;
    if (choice.from === 'file') return { kind: 'file', ...(await this.#scores.open(choice)) };
    const { model } = choice;
    if (choice.from === 'cross-encoder') {
      return { kind: 'cross-encoder', ...(await shelf.anyCrossEncoder(model)) };
    }
    const overrides = omit({ scale: null, ...choice }, 'from', 'model', 'scale');
    return { kind: 'encoder', ...(await shelf.anyEncoder(model, overrides)) };
  }

  #listsOf(name: string): Promise<Stage> {
    let lists = this.#lists.get(name);
    if (lists === undefined) {
      lists = this.#makeLists(name, this.#source(name));
      this.#lists.set(name, lists);
    }
    return lists;
  }

  #source(name: string): RecipeSource {
    const source = own(this.#recipe.sources, name);
    if (source === undefined) throw new Error(`the recipe has no source ${name}`);
    return source;
  }

  async #makeLists(name: string, source: RecipeSource): Promise<Stage> {
    switch (source.kind) {
      case 'mined':
        return this.#mine(name, source);
      case 'lists':
      case 'generated': {
        if (isWritten(this.#recipe, source)) return this.#write(name, source);
        const lists = this.#fileLists.get(name)?.lists ?? [];
        return fileListsStage(name, lists, source.kind === 'generated', this.#heldOut);
      }
      case 'merged': {
        const parts: Stage[] = [];
        for (const part of source.of) parts.push(await this.#listsOf(part));
        return mergedListsStage(name, parts, source.join);
      }
      case 'selected':
        return this.#select(name, source);
      case 'planted':
        return plantedListsStage(name, source, await this.#listsOf(source.of));
    }
  }

  async #write(source: string, written: WrittenSource): Promise<Stage> {
    const { generators } = this.#parts;
    const role = generatorOf(this.#recipe, written);
    const prompts = await generators.promptsOf(written);
    const about = await this.#about(written.of);
    this.#written.set(source, expectedWriting(prompts, about));
    return generatedStage({
      ...(await generators.identityOf(role)),
      ...{ source, role, heldOut: this.#heldOut, seed: written.seed ?? 0 },
      ...{ prompts, about },
    });
  }

  async #about(of: WrittenSource['of']): Promise<WrittenAbout> {
    const { corpus } = this.#parts;
    if ('passages' in of) return aboutPassages(corpus, this.#heldOut, of.passages);
    if ('train' in of) return aboutTrainQueries(corpus, this.#heldOut, of.train);
    return aboutLists(await this.#listsOf(of.source), this.#expected(of.source), of);
  }

  async #select(name: string, source: SelectedSource): Promise<Stage> {
    const { of, queriesOf, by } = source;
    const taken = await this.#listsOf(of);
    const scored =
      by === undefined || by.from === 'stored'
        ? taken
        : await scoresStage(this.#parts, of, taken, await this.#scorer(by), this.#expected(of).passages);
    return selectedListsStage(name, source, {
      source: taken,
      lists: scored,
      queriesOf: queriesOf === undefined ? undefined : await this.#listsOf(queriesOf),
    });
  }

  async #minedQueries(name: string, of: string | undefined): Promise<MinedQueries> {
    if (of !== undefined) return queriesOfLists(await this.#listsOf(of), this.#expected(of));
    const { train } = this.#heldOut;
    if (train !== undefined && train.queries.length > 0) return queriesOfSplit(train);
    throw new InputError(`sources.${name}: there are no train queries to mine for`, {
      remedy: 'Give corpus.train a split with judgments, and hold less out for dev',
    });
  }

  async #mine(name: string, source: MinedSource): Promise<Stage> {
    const mined = await this.#minedQueries(name, source.of);
    const k = source.fuse ? Math.max(source.depth, source.ranks.last) : source.ranks.last;
    const candidates: Stage[] = [];
    for (const retriever of source.retrievers) {
      const encoder = retriever.kind === 'dense' ? await this.#dense(retriever) : undefined;
      candidates.push(await candidatesStage(this.#parts, retriever, encoder, mined, k));
    }
    return minedListsStage(this.#parts, name, source, candidates, mined, this.#heldOut);
  }

  async #dense(
    retriever: Extract<RecipeRetriever, { kind: 'dense' }>,
  ): Promise<ShelvedEncoder | LibraryEncoder> {
    const { shelf } = this.#parts;
    const own = omit(retriever, 'kind', 'name', 'model');
    const { encoder: base } = this.#recipe;
    const similarity = this.#recipe.training.similarity ?? 'cosine';
    const { model } = retriever;
    const encoder = await (model === undefined
      ? shelf.encoder(base.model, { ...omit(base, 'model'), ...own })
      : shelf.anyEncoder(model, own));
    if ('model' in encoder) return { ...encoder, model: comparedBy(encoder.model, similarity) };
    if (encoder.encoding.normalize || similarity === 'dot' || model === undefined) return encoder;
    return shelf.anyEncoder(model, { ...own, normalize: true });
  }

  #expected(name: string): ExpectedLists {
    const source = this.#source(name);
    const { model } = this.#encoder;
    if (source.kind === 'merged') {
      const parts = source.of.map((part) => this.#expected(part));
      const first = parts[0] as ExpectedLists;
      const sum = (of: 'lists' | 'passages' | 'positives'): number =>
        parts.reduce((total, part) => total + part[of], 0);
      if (source.join) return { ...first, passages: sum('passages') };
      return { ...first, lists: sum('lists'), passages: sum('passages'), positives: sum('positives') };
    }
    if (source.kind === 'selected') return expectedSelection(source, this.#expected(source.of));
    if (source.kind === 'planted') return this.#expected(source.of);
    const written = this.#written.get(name);
    if (written !== undefined) return { ...written, ...this.#typicalTexts() };
    if (source.kind === 'mined') {
      const { positives, queries } = this.#judgedQueries(source);
      const perPositive = source.lists === 'per-positive';
      const negatives = source.negatives * (source.fuse ? 1 : source.retrievers.length);
      const lists = perPositive ? positives : queries;
      return {
        lists,
        positives,
        passages: positives + lists * negatives,
        ...this.#typicalTexts(),
      };
    }
    const lists = this.#fileLists.get(name)?.lists ?? [];
    const passages = lists.flatMap(({ documents }) => documents);
    return {
      lists: lists.length,
      positives: passages.filter((document) => isPositive(document)).length,
      passages: passages.length,
      passageTokens: typicalTokens(
        model,
        passages.map(({ text }) => text),
        'passage',
      ),
      queryTokens: typicalTokens(
        model,
        lists.map(({ query }) => query),
        'query',
      ),
    };
  }

  #judgedQueries({ of, level }: MinedSource): { readonly queries: number; readonly positives: number } {
    if (of !== undefined) {
      const { lists, positives } = this.#expected(of);
      return { queries: lists, positives };
    }
    const judged = [...(this.#heldOut.train?.judgments.values() ?? [])];
    const positives = judged.reduce(
      (sum, grades) => sum + [...grades.values()].filter((grade) => grade >= level).length,
      0,
    );
    return { queries: this.#heldOut.train?.queries.length ?? 0, positives };
  }

  /** Of the corpus and the train queries, or the test queries where there are none. */
  #typicalTexts(): Pick<ExpectedLists, 'passageTokens' | 'queryTokens'> {
    const { corpus } = this.#parts;
    const { model } = this.#encoder;
    const texts = (all: readonly { readonly text: string }[]): string[] => all.map(({ text }) => text);
    const { queries } = this.#heldOut.train ?? corpus.test;
    return {
      passageTokens: typicalTokens(model, texts(corpus.passages), 'passage'),
      queryTokens: typicalTokens(model, texts(queries), 'query'),
    };
  }
}

/** At most what the source has, where nobody can tell which queries and prompts there will be. */
function expectedSelection(
  { sample, negatives }: Pick<SelectedSource, 'sample' | 'negatives'>,
  of: ExpectedLists,
): ExpectedLists {
  const lists = Math.min(of.lists, sample ?? Infinity);
  const share = lists / Math.max(1, of.lists);
  const positives = Math.round(share * of.positives);
  const passages = Math.round(share * of.passages);
  if (negatives === undefined) return { ...of, lists, positives, passages };
  return { ...of, lists, positives, passages: Math.min(passages, positives + lists * negatives) };
}

/** Steps, and what they and the evaluations between them cost. */
function trainingWork(
  { shape, encoding }: EncoderModel,
  training: RecipeTraining,
  loss: LossSpec,
  expected: ExpectedLists,
  devPassages: number,
): Work {
  const { steps, evaluations, rowPassages, batchSize } = expectedTraining(training, loss, expected);
  const passage = forwardFlops(shape, Math.min(expected.passageTokens, encoding.passageMaxLength));
  const query = forwardFlops(shape, expected.queryTokens);
  return {
    ...noWork,
    trainingFlops: 3 * steps * batchSize * (query + rowPassages * passage),
    forwardFlops: devPassages === 0 ? 0 : evaluations * devPassages * passage,
    seconds: 0.5,
    steps,
    disk: trainingDisk(shape, trainingSettings(training, loss, 0, () => 0).selection),
  };
}

/** The weights stay; checkpoints have them with two moments of each that is trained. */
function trainingDisk(shape: EncoderShape, selection: ParameterSelection): NonNullable<Work['disk']> {
  const { all, trained } = parameterCounts(shape, selection);
  return { keptBytes: 4 * all, workingBytes: 4 * all + mostCheckpoints * 3 * 4 * trained };
}

/** About how many steps a training takes, and how many passages stand in a row of its batches. */
export function expectedTraining(
  training: RecipeTraining,
  loss: LossSpec,
  expected: ExpectedLists,
): {
  readonly steps: number;
  readonly evaluations: number;
  readonly rowPassages: number;
  readonly batchSize: number;
} {
  const { batches, epochs, maxSteps, evaluateEvery } = trainingSettings(training, loss, 0, () => 0);
  const rows = batches.rowPer === 'positive' ? Math.max(expected.positives, expected.lists) : expected.lists;
  const perList = expected.passages / Math.max(1, expected.lists);
  const others = batches.otherPositives
    ? perList - 1
    : perList - expected.positives / Math.max(1, expected.lists);
  const negatives = batches.negatives === 'all' ? others : Math.min(others, batches.negatives);
  const all = Math.max(1, Math.floor(rows / batches.batchSize)) * epochs;
  const steps = Math.min(all, maxSteps ?? all);
  const every = training.evaluateEvery === undefined ? Math.max(1, Math.ceil(steps / 10)) : evaluateEvery;
  return {
    steps,
    evaluations: 1 + Math.ceil(steps / every),
    rowPassages: 1 + Math.max(0, negatives),
    batchSize: batches.batchSize,
  };
}
