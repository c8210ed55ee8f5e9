import type { ListRecord } from '../corpus/types.ts';
import type { EncoderModel, EncoderShape } from '../encoders/types.ts';
import type { LossSpec } from '../losses/loss-spec.ts';
import { mostCheckpoints } from '../training/checkpoint.ts';
import { bytesPerPair } from '../training/forces/record.ts';
import { mostRecordedPairs, strongestPerList } from '../training/forces/recorder.ts';
import { forwardFlops } from '../training/flops.ts';
import type { Mix } from '../training/mixing/mix.ts';
import { parameterCounts, type ParameterSelection } from '../training/parameter-selection.ts';
import { mixOf, originOf } from './arm-mix.ts';
import { baselineName } from './baseline-name.ts';
import type { ShelvedEncoder } from './encoder-shelf.ts';
import { writtenSets } from './held-out-queries.ts';
import { holdOut, type HeldOut } from './held-out.ts';
import type { QuerySet } from './query-set.ts';
import { readLoss, readsScores, readsVectors } from './loss.ts';
import { prepareLists, type PreparedLists } from './prepared-lists.ts';
import type { RecipeMix } from './mix-schema.ts';
import type { RecipeCorpus, RecipeFiles } from './recipe-corpus.ts';
import { readEvidence, type Evidence } from './recipe-evidence.ts';
import type { GeneratorShelf } from './recipe-generators.ts';
import { readDevFile, type FileLists } from './recipe-lists.ts';
import type { CorpusSettings } from './schema/corpus.ts';
import type { Recipe, RecipeArm } from './schema.ts';
import type { RecipeBaseline } from './schema/evaluation.ts';
import type { RecipeTraining } from './schema/training.ts';
import type { ExpectedLists } from './source.ts';
import { filesOfSources, SourceShelf, warningsOfSources } from './source-shelf.ts';
import { noWork, type ListsStage, type Stage, type Work, type Workshop } from './stage.ts';
import { comparisonStage, type ComparisonReport, type SystemStages } from './stages/comparison.ts';
import { devStage, readyDevStage } from './stages/dev.ts';
import { diagnosedStage, type DiagnosedSource } from './stages/diagnosed.ts';
import type { LoweredReport } from './lowered-report.ts';
import { loweredStage, type LoweringArm } from './stages/lowered.ts';
import { lengthsStage } from './stages/lengths.ts';
import { mixedListsStage } from './stages/mixed.ts';
import { bm25Retriever, retrieverOf, trainedRetriever } from './retriever.ts';
import { rankingStage } from './stages/ranking.ts';
import { comparedBy, trainingStage, type TrainingStage } from './stages/training.ts';
import { mergeTraining, trainingSettings } from './training-settings.ts';

/** An arm with its lists, ready to be trained with any seed. */
export interface ArmStages extends PreparedLists {
  readonly arm: RecipeArm;
  readonly loss: LossSpec;
  /** The recipe's settings with the arm's own over them. */
  readonly training: RecipeTraining;
  /** How its sources share the batches, where it has several. */
  readonly mix?: Mix;
  /** The teacher's vectors of its lists, where its loss reads them. */
  readonly teacherVectors?: Stage | undefined;
}

type SearchedParts = GraphParts & { readonly test: QuerySet };
type GraphParts = Pick<Workshop, 'corpus' | 'shelf' | 'runtime'> & {
  readonly generators: GeneratorShelf;
  readonly holdOut?: typeof holdOut;
};

/** All stages of a recipe, with their keys. */
export interface StageGraph {
  readonly recipe: Recipe;
  readonly encoder: ShelvedEncoder;
  readonly heldOut: HeldOut;
  readonly fileLists: ReadonlyMap<string, FileLists>;
  /** What the sources' settings are known to do to results. */
  readonly warnings: readonly string[];
  readonly dev: ListsStage | undefined;
  readonly arms: readonly ArmStages[];
  readonly baselines: readonly SystemStages[];
  /** What the untrained encoder finds, for the queries that are shown. */
  readonly untrained: Stage;
  /** What the report tells of beside lists, trainings and their comparison. */
  readonly findings: readonly Stage[];
  /** @param changes what a trial of tuning, or its outcome, sets differently */
  training(arm: ArmStages, seed: number, label?: string, changes?: TrainingChanges): Promise<TrainingStage>;
  /** What an arm finds after a training. */
  ranking(arm: ArmStages, seed: number, trained: Stage): Promise<Stage>;
  comparison(arms: readonly SystemStages[]): Promise<Stage<ComparisonReport>>;
  /** The relevant passages that arms rank lower than the untrained encoder. */
  lowered(arms: readonly LoweringArm[]): Promise<Stage<LoweredReport>>;
  /** The encoder as an arm with these settings searches with it. */
  modelOf(training: RecipeTraining): EncoderModel;
}

/**
 * Computes nothing but the hashes of what is read.
 * @throws InputError naming what cannot be read or does not fit
 */
export async function buildStageGraph(
  recipe: Recipe,
  parts: GraphParts,
  files: RecipeFiles,
): Promise<StageGraph> {
  const { corpus, shelf, runtime, generators } = parts;
  const { model, ...overrides } = recipe.encoder;
  const encoder = await shelf.encoder(model, overrides);
  const fileLists = await filesOfSources(recipe.sources, corpus, files);
  const evidence = await readEvidence(recipe.evidence, corpus, files);
  const devFile = await readDevFile(recipe.corpus, corpus, files);
  const sets = await writtenSets(recipe, { corpus, generators });
  const takeOut = parts.holdOut ?? holdOut;
  const heldOut = await takeOut(recipe.corpus, corpus, allLists(fileLists), devFile, sets);
  const searched = { ...parts, test: heldOut.test };
  const dev = await devStageOf(recipe, corpus, heldOut);
  const untrained = await searchStage(recipe, searched, 'untrained', encoder);
  const sources = new SourceShelf(recipe, { ...parts, files }, { encoder, heldOut, fileLists });
  const builder = new ArmBuilder(recipe, sources, encoder, evidence);
  const baselines = await baselineStages(recipe, searched, untrained);
  const devPassages = expectedDevPassages(heldOut, recipe.corpus.devCandidates, corpus.passages.size);
  // Train queries whose relevant passages are held out do not train.
  const sharedTrain = sets.test === undefined ? corpus.train : undefined;
  const modelOf = ({ similarity = 'cosine' }: RecipeTraining): EncoderModel =>
    comparedBy(encoder.model, similarity);
  return {
    ...{ recipe, encoder, heldOut, fileLists, dev, untrained, baselines, modelOf },
    warnings: warningsOfSources(recipe),
    arms: await builder.build(),
    findings: [await lengthsStage(searched, encoder), ...(await builder.diagnosed())],
    training: (arm, seed, label = trainingLabel(arm.arm.name, seed), changes = {}) =>
      trainingOf({ runtime, encoder, dev, devPassages }, arm, seed, label, changes),
    ranking: ({ arm, training }, seed, trained) => {
      const retriever = trainedRetriever(modelOf(training), trained, runtime);
      return rankingStage(searched, `${arm.name}, seed ${seed}`, retriever, recipe.evaluation);
    },
    comparison: (arms) =>
      comparisonStage({ test: heldOut.test, train: sharedTrain }, recipe, [...baselines, ...arms]),
    lowered: (arms) => loweredStage(searched, recipe.evaluation, untrained, arms),
  };
}

/** What chooses checkpoints, where something does. */
export async function devStageOf(
  recipe: {
    readonly corpus: Pick<CorpusSettings, 'devCandidates'>;
    readonly evaluation: Recipe['evaluation'];
  },
  corpus: RecipeCorpus,
  heldOut: HeldOut,
): Promise<ListsStage | undefined> {
  if (heldOut.devLists !== undefined) return readyDevStage(heldOut.devLists);
  if (heldOut.choosing === undefined) return undefined;
  const { devCandidates } = recipe.corpus;
  return devStage({ corpus }, heldOut.choosing, heldOut, devCandidates, recipe.evaluation.bm25);
}

/** What an arm's training is made of beside the arm. */
export interface TrainingParts {
  readonly runtime: Workshop['runtime'];
  readonly encoder: ShelvedEncoder;
  readonly dev: ListsStage | undefined;
  /** Passages that an evaluation embeds, about. */
  readonly devPassages: number;
}

/** What a trial of tuning, or its outcome, sets differently. */
interface TrainingChanges {
  readonly loss?: LossSpec;
  readonly training?: RecipeTraining;
}

export function trainingOf(
  { runtime, encoder, dev, devPassages }: TrainingParts,
  { lists, loss: ofArm, training, mix, expected, teacherVectors }: ArmStages,
  seed: number,
  label: string,
  changes: TrainingChanges = {},
): Promise<TrainingStage> {
  const settled = mergeTraining(training, changes.training ?? {});
  const loss = changes.loss ?? ofArm;
  const work = trainingWork(encoder.model, settled, loss, expected, devPassages);
  const plan = { label, encoder, lists, dev, teacherVectors, loss, training: settled, mix, seed, work };
  return trainingStage({ runtime }, plan);
}

/** Of the passages that an evaluation on dev embeds. */
export function expectedDevPassages(
  { choosing, devLists }: Pick<HeldOut, 'choosing' | 'devLists'>,
  devCandidates: number,
  corpusSize: number,
): number {
  if (devLists !== undefined) return devLists.reduce((sum, { documents }) => sum + documents.length, 0);
  if (choosing === undefined) return 0;
  const all = choosing.count * (devCandidates + 2);
  // A passage of several queries is embedded once.
  return corpusSize === 0 ? all : Math.min(all, corpusSize);
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
  parts: SearchedParts,
  name: string,
  encoder: ShelvedEncoder,
): Promise<Stage> {
  const model = comparedBy(encoder.model, training.similarity ?? 'cosine');
  return rankingStage(parts, name, retrieverOf({ ...encoder, model }, parts.runtime), evaluation);
}

async function baselineStages(
  recipe: Recipe,
  parts: SearchedParts,
  untrained: Stage,
): Promise<SystemStages[]> {
  const { evaluation } = recipe;
  const stageOf = async (baseline: RecipeBaseline): Promise<Stage> => {
    if (baseline === 'untrained') return untrained;
    if (baseline === 'bm25') {
      return rankingStage(parts, 'bm25', bm25Retriever(evaluation.bm25), evaluation);
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

type ArmsRecipe = Pick<Recipe, 'arms' | 'training' | 'teacher' | 'filters' | 'evidence'> &
  Partial<Pick<Recipe, 'diagnostics'>>;

/** Builds the lists of arms; what two arms have in common is built once. */
export class ArmBuilder {
  readonly #recipe: ArmsRecipe;
  readonly #sources: SourceShelf;
  readonly #encoder: ShelvedEncoder;
  readonly #evidence: readonly Evidence[];

  constructor(
    recipe: ArmsRecipe,
    sources: SourceShelf,
    encoder: ShelvedEncoder,
    evidence: readonly Evidence[],
  ) {
    this.#recipe = recipe;
    this.#sources = sources;
    this.#encoder = encoder;
    this.#evidence = evidence;
  }

  async build(): Promise<ArmStages[]> {
    const arms: ArmStages[] = [];
    for (const arm of this.#recipe.arms) arms.push(await this.#arm(arm));
    return arms;
  }

  /** What the sources look like that the recipe names for it. */
  async diagnosed(): Promise<readonly Stage[]> {
    const { diagnostics } = this.#recipe;
    if (diagnostics === undefined) return [];
    const sources: DiagnosedSource[] = [];
    for (const name of diagnostics.sources) {
      const { lists, expected } = await this.#sources.source(name);
      sources.push({ name, lists, passages: expected.passages });
    }
    const by = diagnostics.by ?? this.#recipe.teacher;
    const scorer = by.from === 'stored' ? undefined : await this.#sources.scorer(by);
    return [await diagnosedStage(diagnostics, sources, this.#encoder, scorer)];
  }

  async #arm(arm: RecipeArm): Promise<ArmStages> {
    const loss = readLoss(arm.loss);
    const training = mergeTraining(this.#recipe.training, arm.training);
    const prepared =
      arm.mix === undefined
        ? await this.#prepare(arm.source ?? '', arm.filters, loss)
        : await this.#mix(arm.name, arm.mix, loss);
    // Of the lists before any filter, so that arms with other filters share them.
    const teacherVectors = readsVectors(loss)
      ? await this.#sources.teacherVectors(
          arm.source ?? arm.name,
          { lists: prepared.source, expected: prepared.expected },
          this.#recipe.teacher,
        )
      : undefined;
    const mix = arm.mix && mixOf(arm.mix);
    return { arm, loss, training, ...prepared, teacherVectors, ...(mix !== undefined && { mix }) };
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
      source: lists,
      filtered: undefined,
      fromFiles: [],
      history: [...parts.flatMap(({ history }) => history), lists],
      expected: {
        ...first.expected,
        lists: sum('lists'),
        passages: sum('passages'),
        positives: sum('positives'),
      },
    };
  }

  #prepare(name: string, filters: string | undefined, loss: LossSpec): Promise<PreparedLists> {
    const { teacher, filters: stacks, evidence } = this.#recipe;
    const parts = { teacher, filters: stacks, guide: evidence.guide, evidence: this.#evidence };
    return prepareLists(this.#sources, parts, name, filters, { teacher: readsScores(loss) });
  }
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
    evaluations,
    disk: trainingDisk(
      shape,
      trainingSettings(training, loss, 0, () => 0).selection,
      steps * batchSize * Math.min(strongestPerList, rowPassages * (isOwn(loss) ? 1 : batchSize)),
    ),
  };
}

function isOwn({ terms }: LossSpec): boolean {
  return terms.every(({ scope }) => scope === 'own');
}

/**
 * The weights stay, and the record of push and pull; checkpoints have both, with two moments of each weight that is
 * trained.
 * @param forces at most so many are recorded, of which some are of one pair
 */
function trainingDisk(
  shape: EncoderShape,
  selection: ParameterSelection,
  forces: number,
): NonNullable<Work['disk']> {
  const { all, trained } = parameterCounts(shape, selection);
  const record = bytesPerPair * Math.min(forces, mostRecordedPairs);
  return {
    keptBytes: 4 * all + record,
    workingBytes: 4 * all + mostCheckpoints * (3 * 4 * trained + record),
  };
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
