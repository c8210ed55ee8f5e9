import type { PauseSwitch } from '../generation/generation-run.ts';
import type { Clock, ModelFiles, Runtime, Store, WorkerPool } from '../host/contract.ts';
import type { Trainers } from '../host/trainers.ts';
import type { ListRecord, Query } from '../corpus/types.ts';
import { tableFamilyOf } from '../encoders/families/index.ts';
import type { ModelLibrary } from '../encoders/model-library.ts';
import type { EncoderModel } from '../encoders/types.ts';
import { expectedDisk, expectedMemory, makePlan, neededStages, type Plan } from './plan.ts';
import type { LockStep } from './lock-step.ts';
import type { LoweredReport } from './lowered-report.ts';
import { productRateStage, ratesStage, shareOfProducts, type Rates } from './rates.ts';
import type { RecipeGenerators } from './recipe-generators.ts';
import { readingOf, type Reading } from './reading.ts';
import type { RecipeCorpus, RecipeFiles } from './recipe-corpus.ts';
import { makeReport, type ArmResult, type RecipeReport } from './report.ts';
import type { Recipe } from './schema.ts';
import type { Stage } from './stage.ts';
import { buildStageGraph, type ArmStages, type StageGraph } from './stage-graph.ts';
import type { TrainingStage } from './stages/training.ts';
import type { StageResult } from './stage-store.ts';
import { TimeLeft, type TimeRange } from './time-left.ts';
import { bytesAtOnce, trainBesideEachOther, trainingsAtOnce } from './trainers.ts';
import { choiceOf, trialsOf, tune, type Trial, type Tuned, type TuningChoice } from './tuning.ts';
import type { Bm25Index } from '../retrieval/bm25.ts';
import type { VectorIndex } from '../retrieval/vectors.ts';
import type { TrainingForces } from '../training/forces/forces.ts';
import { openWorkshop, type RecipeWorkshop, type StageEvent } from './workshop.ts';

export interface RecipeJobParts {
  readonly recipe: Recipe;
  readonly runtime: Runtime;
  /** Keeps every stage's result; several recipes may share it. */
  readonly store: Store;
  readonly models: ModelFiles;
  /** Runs teachers, guides and retrievers that the studio has no graphs for; without it there are none. */
  readonly library?: ModelLibrary;
  readonly files: RecipeFiles;
  /** Opens the language models that the recipe names; without it those that are recorded are all there is. */
  readonly generators?: RecipeGenerators;
  readonly clock: Clock;
  /** Of the program. */
  readonly version: string;
  /** Ends the job after the step that it is at. What is finished is stored, and a long training leaves a checkpoint. */
  readonly signal?: AbortSignal;
  /** Holds what asks language models, between two requests. */
  readonly pause?: PauseSwitch;
  readonly onEvent?: (event: RecipeEvent) => void;
  /** How much of a training a kill may cost, about; shorter trainings leave no checkpoints. 30 by default. */
  readonly checkpointSeconds?: number;
  /** The wait after a request to a language model has failed, which doubles with each failure. 1 by default. */
  readonly retrySeconds?: number;
  /** Bytes of a corpus.jsonl that is held in memory whole; a larger one is read from its file anew each time. 256 MiB by default. */
  readonly mostCorpusBytesInMemory?: number;
  /** Runs `workers/search.ts`, for large corpora. */
  readonly pool?: WorkerPool;
  /** Trains beside each other what may be; without it one training waits for the other. */
  readonly trainers?: Trainers;
  /** Holds trainings beside each other at the same step, for who watches them. */
  readonly lockStep?: LockStep;
  /** Reads what the recipe names; what other jobs have read as well, where they share it. */
  readonly reading?: Reading;
  /** Keeps the corpus's vectors of every trained encoder in memory, for who searches on ({@link RecipeJob.vectorsOf}). */
  readonly keepVectors?: boolean;
}

/** What happens in a job, with an estimate of what is left of all of it. */
export type RecipeEvent = StageEvent & { readonly secondsLeft: TimeRange };

/** A stage with what is stored of it. */
export interface FoundStage {
  readonly stage: Stage;
  readonly result: StageResult;
}

interface TrainedArm extends ArmResult {
  readonly trainings: readonly { readonly seed: number; readonly stage: TrainingStage }[];
}

/** A recipe with everything it reads opened, ready to be planned and run. */
export class RecipeJob {
  readonly graph: StageGraph;
  readonly #recipe: Recipe;
  readonly #workshop: RecipeWorkshop;
  readonly #left: TimeLeft;
  readonly #startedAt: number;
  readonly #trainers: Trainers | undefined;
  readonly #lockStep: LockStep | undefined;
  #trainingsAtOnce = 1;
  #arms: readonly ArmResult[] = [];
  #isPlanned = false;
  #isTimed = false;

  private constructor(
    recipe: Recipe,
    graph: StageGraph,
    workshop: RecipeWorkshop,
    {
      left,
      startedAt,
      trainers,
      lockStep,
    }: {
      left: TimeLeft;
      startedAt: number;
      trainers: Trainers | undefined;
      lockStep: LockStep | undefined;
    },
  ) {
    this.#recipe = recipe;
    this.graph = graph;
    this.#workshop = workshop;
    this.#left = left;
    this.#startedAt = startedAt;
    this.#trainers = trainers;
    this.#lockStep = lockStep;
  }

  /** Reads the corpus, the lists and the models. @throws InputError naming what does not fit, before any work */
  static async open(parts: RecipeJobParts): Promise<RecipeJob> {
    const { recipe, runtime, clock, files, onEvent } = parts;
    const startedAt = clock.now();
    const reading =
      parts.reading ?? readingOf(parts, files, { mostBytesInMemory: parts.mostCorpusBytesInMemory });
    const corpus = await reading.corpus(recipe.corpus);
    const left = new TimeLeft();
    const { workshop, shelf, generators } = openWorkshop(
      {
        ...parts,
        gates: parts.lockStep,
        onEvent: (event) => {
          parts.lockStep?.hear(event);
          onEvent?.({ ...event, secondsLeft: left.after(event) });
        },
      },
      recipe.generators,
      corpus,
      reading.shelf,
    );
    const { holdOut } = reading;
    const graph = await buildStageGraph(recipe, { corpus, shelf, runtime, generators, holdOut }, files);
    const { trainers, lockStep } = parts;
    return new RecipeJob(recipe, graph, workshop, { left, startedAt, trainers, lockStep });
  }

  /** From now on this ends what is computed: a job may outlive the call that it was opened for. */
  endBy(signal: AbortSignal): void {
    this.#workshop.signal = signal;
  }

  /** What is searched. */
  get corpus(): RecipeCorpus {
    return this.#workshop.corpus;
  }

  /**
   * What is to be done and about how long it takes. Where something is to be computed, the machine's rates are
   * measured first, once for each encoder and corpus.
   * @param measures whether they may be; without them, only what needs no rate has a time
   */
  async plan({ measures = true }: { readonly measures?: boolean } = {}): Promise<Plan> {
    const workshop = this.#workshop;
    const isStored = (stage: Stage): Promise<boolean> => workshop.isStored(stage);
    const needed = await neededStages(await this.#targets(isStored), isStored);
    const computed = needed.flatMap(({ stage, stored }) => (stored ? [] : [stage]));
    const takesTime = computed.some(({ work }) => work.forwardFlops + work.trainingFlops > 0);
    if (takesTime) workshop.rates = await this.#rates(computed, measures);
    this.#isTimed = !takesTime || workshop.rates !== undefined;
    const paces = await workshop.pacesOf(needed.map(({ stage }) => stage));
    const { runtime, checkpointSeconds } = workshop;
    const trainings = needed.filter(({ stage, stored }) => !stored && stage.work.steps !== undefined).length;
    const isTable = tableFamilyOf(this.graph.encoder.model.shape) !== undefined;
    const bytes = expectedMemory(this.graph, runtime, workshop.corpus.passages);
    const atOnce = trainingsAtOnce(runtime, this.#trainers, { trainings, isTable, bytes });
    const plan = makePlan(needed, workshop.rates, paces, {
      trainingsAtOnce: atOnce,
      memory: { bytes: bytesAtOnce(bytes, atOnce), availableBytes: runtime.availableMemory() },
      disk: expectedDisk(this.graph, needed, workshop.rates, { checkpointSeconds, atOnce }),
    });
    this.#trainingsAtOnce = atOnce;
    this.#left.expect(plan);
    this.#isPlanned = true;
    return plan;
  }

  /** Whether the times of the last plan are told from this machine's rates, or need none. */
  get isTimed(): boolean {
    return this.#isTimed;
  }

  /** The machine's rates. */
  async #rates(stages: readonly Stage[], measures: boolean): Promise<Rates | undefined> {
    const workshop = this.#workshop;
    const found = async <Value>(stage: Stage<Value>): Promise<Value | undefined> =>
      (await (measures ? workshop.resultOf(stage) : workshop.findResult(stage)))?.value;
    const { encoder } = this.graph;
    const rates = await found(await ratesStage(workshop, encoder.measuredBy ?? encoder));
    if (rates === undefined || rates.matmul > 0 || !stages.some(({ work }) => work.by === 'graphs')) {
      return rates;
    }
    const products = await found(await productRateStage(workshop));
    return products === undefined ? undefined : { ...rates, graphs: shareOfProducts * products };
  }

  /**
   * What is stored of the lists that the arms learn from, of every stage that they went through: what {@link run} tells
   * nothing of where a stage that needs it is stored itself.
   */
  async storedLists(): Promise<readonly FoundStage[]> {
    const targets = this.graph.arms.map(({ lists }) => lists);
    const found: FoundStage[] = [];
    for (const { stage } of await neededStages(targets, () => Promise.resolve(false))) {
      if (!('holdsLists' in stage)) continue;
      const result = await this.#workshop.findResult(stage);
      if (result !== undefined) found.push({ stage, result });
    }
    return found;
  }

  /**
   * Computes what is not stored, and reports.
   * @throws RecipeStoppedError where it was asked to end. @throws StoreFencedError if another process took a training
   *   over. @throws InputError for lists that do not fit a loss or a rule
   */
  async run(): Promise<RecipeReport> {
    if (!this.#isPlanned) await this.plan();
    const { graph } = this;
    const workshop = this.#workshop;
    const tunings = await this.#tune();
    const arms: TrainedArm[] = [];
    for (const [i, arm] of graph.arms.entries()) {
      arms.push(await this.#stagesOf(arm, tunings[i]?.choice ?? {}));
    }
    await this.#train(arms.flatMap(({ trainings }) => trainings.map(({ stage }) => stage)));
    this.#arms = arms;
    for (const { rankings } of [...graph.baselines, ...arms]) {
      for (const ranking of rankings) await workshop.resultOf(ranking);
    }
    const lowered = await this.#loweredBy(arms);
    for (const finding of [...graph.findings, lowered]) await workshop.resultOf(finding);
    await workshop.clearLastingVectors();
    await workshop.sweep();
    const comparison = await workshop.resultOf(await graph.comparison(arms));
    return makeReport({
      recipe: this.#recipe,
      graph,
      workshop,
      arms,
      tunings: tunings.map(({ report }) => report),
      comparison: comparison.value,
      lowered,
      seconds: (workshop.clock.now() - this.#startedAt) / 1000,
    });
  }

  /**
   * The corpus as vectors of the untrained encoder, or of an arm as it was trained with the first seed; undefined where
   * this job has had no need to make them, or has not kept them.
   */
  vectorsOf(system: string): VectorIndex | undefined {
    const { encoder, recipe } = this.graph;
    if (system === 'untrained') {
      return this.#workshop.keptVectors({ ...encoder, model: this.graph.modelOf(recipe.training) });
    }
    const training = this.#arms.find(({ name }) => name === system)?.trainings[0];
    return training && this.#workshop.keptVectors(training.stage);
  }

  /** The lists that dev queries are found in; undefined where nothing chooses checkpoints. */
  async devLists(): Promise<readonly ListRecord[] | undefined> {
    const { dev } = this.graph;
    return dev && this.#workshop.listsOf(dev);
  }

  /** The corpus, to be searched by keywords as the recipe's evaluation does; made once. */
  bm25(): Promise<Bm25Index> {
    return this.#workshop.bm25(this.#recipe.evaluation.bm25);
  }

  /** Whether {@link run} has trained an arm. */
  isTrained(arm: string): boolean {
    return this.#arms.some(({ name }) => name === arm);
  }

  /** The queries that the report is on. Those that a stage writes are there after {@link run}. */
  async testQueries(): Promise<readonly Query[]> {
    return (await this.graph.heldOut.test.open(this.#workshop)).queries;
  }

  /** An arm's encoder as {@link run} trained it with one seed. */
  async trainedModel(arm: string, seed: number): Promise<EncoderModel> {
    const { stages, training } = this.#trained(arm, seed);
    return { ...this.graph.modelOf(stages.training), weights: await this.#workshop.weightsOf(training) };
  }

  /** Push and pull of an arm's lists as {@link run} trained it with one seed; undefined where they were not recorded. */
  forcesOf(arm: string, seed: number): Promise<TrainingForces | undefined> {
    return this.#workshop.forcesOf(this.#trained(arm, seed).training);
  }

  #trained(arm: string, seed: number): { readonly stages: ArmStages; readonly training: Stage } {
    const result = this.#arms.find(({ name }) => name === arm);
    const training = result?.trainings.find((each) => each.seed === seed);
    if (result === undefined || training === undefined) {
      throw new RangeError(`${arm} was not trained with the seed ${seed}`);
    }
    return { stages: result.stages, training: training.stage };
  }

  /** Makes the trials of every arm, where the recipe has some, and chooses. */
  async #tune(): Promise<readonly Tuned[]> {
    const { tuning } = this.#recipe;
    if (tuning === undefined) return [];
    const trials: (readonly Trial[])[] = [];
    for (const arm of this.graph.arms) trials.push(await trialsOf(this.graph, arm, tuning));
    await this.#train(trials.flat().map(({ stage }) => stage));
    const tuned: Tuned[] = [];
    for (const [i, arm] of this.graph.arms.entries()) {
      tuned.push(await tune(this.#workshop, arm, trials[i] ?? []));
    }
    return tuned;
  }

  /** Trains what is not trained yet: where there are workers for it there, then what is left here. */
  async #train(stages: readonly TrainingStage[]): Promise<void> {
    const [workshop, trainers, atOnce] = [this.#workshop, this.#trainers, this.#trainingsAtOnce];
    if (trainers !== undefined && atOnce > 1) {
      const { encoder } = this.#recipe;
      const lockStep = this.#lockStep;
      await trainBesideEachOther(workshop, stages, { trainers, encoder, atOnce, lockStep });
    }
    for (const stage of stages) await workshop.resultOf(stage);
  }

  async #stagesOf(stages: ArmStages, choice: TuningChoice): Promise<TrainedArm> {
    const trainings: { seed: number; stage: TrainingStage }[] = [];
    const rankings: Stage[] = [];
    for (const seed of this.#recipe.seeds) {
      const stage = await this.graph.training(stages, seed, undefined, choice);
      trainings.push({ seed, stage });
      rankings.push(await this.graph.ranking(stages, seed, stage));
    }
    return { name: stages.arm.name, stages, choice, trainings, rankings };
  }

  /** With the first seed. */
  #loweredBy(arms: readonly TrainedArm[]): Promise<Stage<LoweredReport>> {
    return this.graph.lowered(
      arms.flatMap(({ name, trainings: [first], rankings: [ranking] }) =>
        first === undefined || ranking === undefined
          ? []
          : [{ name, seed: first.seed, training: first.stage, ranking }],
      ),
    );
  }

  /** What the report needs. Until the trials have been made, the first stands for what will be chosen. */
  async #targets(isStored: (stage: Stage) => Promise<boolean>): Promise<readonly Stage[]> {
    const targets: Stage[] = [];
    const systems: TrainedArm[] = [];
    for (const arm of this.graph.arms) {
      let choice: TuningChoice = {};
      if (this.#recipe.tuning !== undefined) {
        const trials = await trialsOf(this.graph, arm, this.#recipe.tuning);
        targets.push(...trials.map(({ stage }) => stage));
        choice = await this.#foreseen(arm, trials, isStored);
      }
      const result = await this.#stagesOf(arm, choice);
      targets.push(...result.trainings.map(({ stage }) => stage));
      systems.push(result);
    }
    const baselines = this.graph.baselines.flatMap(({ rankings }) => rankings);
    const rankings = systems.flatMap((system) => system.rankings);
    return [
      ...targets,
      ...this.graph.findings,
      ...baselines,
      ...rankings,
      this.graph.untrained,
      await this.#loweredBy(systems),
      await this.graph.comparison(systems),
    ];
  }

  async #foreseen(
    arm: ArmStages,
    trials: readonly Trial[],
    isStored: (stage: Stage) => Promise<boolean>,
  ): Promise<TuningChoice> {
    const known = await Promise.all(trials.map(({ stage }) => isStored(stage)));
    if (known.every(Boolean)) return (await tune(this.#workshop, arm, trials)).choice;
    const [first] = trials;
    return first === undefined ? {} : choiceOf(arm, first);
  }
}
