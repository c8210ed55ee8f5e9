/** Plans for a recipe that is being made: each change of it is planned anew, and what was read is not read again. */
import type { ListRecord } from '../corpus/types.ts';
import { beirSplits } from '../corpus/beir.ts';
import { unlimitedLength, type EncoderModel } from '../encoders/types.ts';
import { vocabularyCover } from '../encoders/vocabulary-cover.ts';
import { InputError } from '../core/errors.ts';
import type { ModelFiles } from '../host/contract.ts';
import { DocumentNumbers } from '../training/batch-layout.ts';
import { Batches } from '../training/batches.ts';
import { stepsWithin, trainingWithin, type Budget, type Within } from './budget.ts';
import { RecipeJob, type RecipeJobParts } from './job.ts';
import type { DataFacts, SplitFacts } from './data-facts.ts';
import type { Plan } from './plan.ts';
import { leastBatches } from './proposal.ts';
import { ReadOnce } from './reading.ts';
import { goldLists, type JudgedQueries, type RecipeCorpus, type RecipeFiles } from './recipe-corpus.ts';
import type { Recipe } from './schema.ts';
import type { RecipeTraining } from './schema/training.ts';
import { RecipeStoppedError } from './stage.ts';
import { expectedTraining } from './stage-graph.ts';
import { trainingSettings } from './training-settings.ts';

/** What the training of a recipe takes, all of it and within a budget. */
export type PlannedTraining = Readonly<{
  /** Of every step. */
  plan: Plan;
  /** Whether this computer's speed is known, and with it the seconds of steps and of encoding. */
  isTimed: boolean;
  /** Of each training, about. */
  steps: number;
  /** Queries with training lists, their relevant passages, and the rows of an epoch. */
  queries: number;
  pairs: number;
  rows: number;
  batchSize: number;
  trainings: number;
  testQueries: number;
  /**
   * What the budget leaves of it, and what the training has to set for that; and of how many passages queries are
   * written, where the recipe has a sample of which a teacher would take most of the time.
   */
  within: Readonly<Within & { sample?: number }>;
  facts: DataFacts;
  /** How many batches can be filled with rows that share no passage; null where nobody can tell before. */
  batches: Readonly<{ filled: number; better: number | null }> | null;
}>;

export type PlannerParts = Pick<
  RecipeJobParts,
  'runtime' | 'store' | 'clock' | 'version' | 'trainers' | 'checkpointSeconds' | 'library' | 'generators'
> & {
  readonly models: ModelFiles;
  readonly files: RecipeFiles;
  /** Whether a model can be read without a download; another is planned for by its name alone. */
  readonly isHere: (model: string) => boolean;
};

export interface PlanOptions {
  readonly budget: Budget;
  /** Ends it before its next part. */
  readonly signal?: AbortSignal;
  /** Whether this computer may be measured, which takes a moment and disturbs what computes. */
  readonly measures: boolean;
  /** Hears of the plan without times while this computer is measured. */
  readonly onCounted?: ((planned: PlannedTraining) => void) | undefined;
}

/** Reads what recipes name once, however many of them are planned. */
export class TrainingPlanner {
  readonly #parts: PlannerParts;
  readonly #reading: ReadOnce;
  readonly #lengths = new WeakMap<readonly string[], Map<string, TextFacts>>();
  readonly #filled = new WeakMap<JudgedQueries, Map<string, number>>();

  constructor(parts: PlannerParts) {
    this.#parts = parts;
    this.#reading = new ReadOnce(parts, parts.files, parts.isHere);
  }

  /**
   * What a corpus is like.
   * @param encoder whose tokenizer reads it
   * @param testSplit of those that it has
   */
  async facts(folder: string, encoder: string, testSplit: string | null): Promise<DataFacts> {
    const splits = beirSplits(await this.#parts.files.openCorpus({ folder }));
    const train = splits.includes('train') && testSplit !== 'train' ? 'train' : null;
    const corpus = await this.#reading.corpus({
      ...{ folder, titles: true, train, dev: null, devCandidates: 0 },
      test: testSplit !== null && splits.includes(testSplit) ? testSplit : null,
    });
    const { model } = await this.#reading.shelf.encoder(encoder, {});
    return this.#factsOf(corpus, model);
  }

  /** @throws InputError naming what cannot be read or does not fit; RecipeStoppedError where it was ended */
  async plan(recipe: Recipe, options: PlanOptions): Promise<PlannedTraining> {
    const planned = await this.#plan(recipe, options);
    const sample = planned.isTimed ? sampleWithin(recipe, planned.plan, options.budget) : undefined;
    if (sample === undefined) return planned;
    const fewer = await this.#plan(withSample(recipe, sample), options);
    return { ...fewer, within: { ...fewer.within, sample } };
  }

  async #plan(recipe: Recipe, options: PlanOptions): Promise<PlannedTraining> {
    const { signal, measures, onCounted } = options;
    const goOn = (): void => {
      if (signal?.aborted === true) throw new RecipeStoppedError();
    };
    goOn();
    const job = await RecipeJob.open({ ...this.#parts, recipe, reading: this.#reading });
    goOn();
    const counted = await job.plan({ measures: false });
    goOn();
    const known = this.#told(job, counted, options);
    if (known.isTimed || !measures) return known;
    onCounted?.(known);
    const plan = await job.plan();
    goOn();
    return this.#told(job, plan, options);
  }

  #told(job: RecipeJob, plan: Plan, { budget }: PlanOptions): PlannedTraining {
    const { graph, corpus } = job;
    const sizes = graph.arms.map(({ training, loss, expected }) => ({
      ...{ rows: rowsOf(training, expected), expected },
      ...expectedTraining(training, loss, expected),
    }));
    const [first] = sizes;
    if (first === undefined) throw new RangeError('a recipe has an arm');
    return {
      plan,
      isTimed: job.isTimed,
      ...{ steps: stepsWithin(plan, 'full') || first.steps, batchSize: first.batchSize, rows: first.rows },
      queries: first.expected.lists,
      pairs: first.expected.positives,
      trainings: plan.stages.filter((stage) => stage.steps !== undefined || stage.kind === 'training').length,
      testQueries: graph.heldOut.test.count,
      within: trainingWithin(plan, graph.arms, budget),
      facts: this.#factsOf(corpus, graph.encoder.model),
      batches: this.#batches(job),
    };
  }

  #factsOf(corpus: RecipeCorpus, model: EncoderModel): DataFacts {
    const { passages, train, test } = corpus;
    return {
      passages: passages.size,
      ...this.#textFacts(passages.sample, model),
      train: train === undefined ? null : splitFacts(train),
      test: test.queries.length === 0 ? null : splitFacts(test),
    };
  }

  #textFacts(texts: readonly string[], { name, tokenizer, encoding }: EncoderModel): TextFacts {
    const known = this.#lengths.get(texts) ?? new Map<string, TextFacts>();
    this.#lengths.set(texts, known);
    const key = `${name} ${encoding.passagePrefix}`;
    let facts = known.get(key);
    if (facts === undefined) {
      facts = {
        passageTokens: texts
          .map((text) => tokenizer.encode(encoding.passagePrefix + text, unlimitedLength).length)
          .sort((a, b) => a - b),
        cover: vocabularyCover(tokenizer, texts) ?? null,
      };
      known.set(key, facts);
    }
    return facts;
  }

  /** Batches that the relevant passages alone let fill; negatives may leave fewer. */
  #batches({ graph, corpus }: RecipeJob): PlannedTraining['batches'] {
    const [arm] = graph.arms;
    const { train } = graph.heldOut;
    if (arm === undefined || train === undefined || arm.arm.mix !== undefined) return null;
    const { batches } = trainingSettings(arm.training, arm.loss, 0, () => 0);
    if (!batches.distinctPassages || batches.incomplete === 'keep') return null;
    const { rowPer, level, batchSize } = batches;
    // Many rows fill a few batches in any case.
    if (rowsOf(arm.training, arm.expected) > mostDealtRows) return null;
    const known = this.#filled.get(train) ?? new Map<string, number>();
    this.#filled.set(train, known);
    let lists: readonly ListRecord[] | undefined;
    const filled = (size: number): number => {
      const key = JSON.stringify([rowPer, level, size]);
      let count = known.get(key);
      if (count === undefined) {
        lists ??= goldLists(train, corpus.passages).filter(({ documents }) => documents.length > 0);
        count = filledBatches(lists, { rowPer, ...(level !== undefined && { level }), batchSize: size });
        known.set(key, count);
      }
      return count;
    };
    const better = [1, 2, 3, 4, 5].map((halves) => Math.floor(batchSize / 2 ** halves));
    return {
      filled: filled(batchSize),
      better: better.find((size) => size >= 2 && filled(size) >= leastBatches) ?? null,
    };
  }
}

const mostDealtRows = 4000;

/** Of a budget, a teacher may take so much. */
const teacherShare = 0.5;
const leastSample = 50;

/** Of how many passages queries can be written, where a teacher would take too long for those of the recipe's sample. */
function sampleWithin({ sources }: Recipe, { stages }: Plan, budget: Budget): number | undefined {
  if (budget === 'full' || 'steps' in budget) return undefined;
  const samples = Object.values(sources).flatMap((source) => sampleOf(source) ?? []);
  const teacher = stages.reduce(
    (sum, { kind, seconds }) => sum + (kind === 'teacher-vectors' ? seconds : 0),
    0,
  );
  const most = teacherShare * budget.seconds;
  const [sample] = samples;
  if (sample === undefined || teacher <= most) return undefined;
  const fits = Math.max(leastSample, Math.floor((sample * most) / teacher));
  return fits < sample ? fits : undefined;
}

function sampleOf(source: Recipe['sources'][string]): number | undefined {
  return source.kind === 'generated' && source.of !== undefined && 'passages' in source.of
    ? source.of.passages.sample
    : undefined;
}

function withSample(recipe: Recipe, sample: number): Recipe {
  const sources = Object.entries(recipe.sources).map(([name, source]) => {
    if (source.kind !== 'generated' || source.of === undefined || !('passages' in source.of)) {
      return [name, source] as const;
    }
    return [name, { ...source, of: { passages: { ...source.of.passages, sample } } }] as const;
  });
  return { ...recipe, sources: Object.fromEntries(sources) };
}

type TextFacts = Pick<DataFacts, 'passageTokens' | 'cover'>;

function splitFacts({ queries, judgments }: JudgedQueries): SplitFacts {
  let pairs = 0;
  const grades = new Set<number>();
  for (const { id } of queries) {
    for (const grade of judgments.get(id)?.values() ?? []) {
      if (grade <= 0) continue;
      pairs++;
      grades.add(grade);
    }
  }
  return { queries: queries.length, pairs, graded: grades.size > 1 };
}

function rowsOf(
  { batches }: RecipeTraining,
  { lists, positives }: { readonly lists: number; readonly positives: number },
): number {
  return batches?.rowPer === 'list' ? lists : Math.max(lists, positives);
}

function filledBatches(
  lists: readonly ListRecord[],
  options: Pick<ConstructorParameters<typeof Batches>[2], 'rowPer' | 'level' | 'batchSize'>,
): number {
  try {
    const batches = new Batches(lists, new DocumentNumbers(), {
      ...{ ...options, seed: 0, incomplete: 'drop', distinctPassages: true },
      ...{ negatives: 0, choice: 'top', otherPositives: false },
    });
    return batches.stepsInEpoch(0);
  } catch (error) {
    if (error instanceof InputError) return 0;
    throw error;
  }
}
