import type { ListRecord } from '../corpus/types.ts';
import { Embedder, tokenizeSide, type Side } from '../encoders/embedder.ts';
import type { TokenSequence } from '../encoders/batch-inputs.ts';
import type { EncoderModel, Weights, WeightTensor } from '../encoders/types.ts';
import { measureMatmulRate } from '../graph/matmul-rate.ts';
import { quoted } from '../core/shown.ts';
import { type Json } from '../core/json.ts';
import { isGpu, type Clock, type Runtime } from '../host/contract.ts';
import { InputError, OutOfMemoryError } from '../core/errors.ts';
import { readsTeacherVectors } from '../losses/loss-spec.ts';
import { checkLists } from '../losses/requirements.ts';
import type { TextVectors } from '../retrieval/text-vectors.ts';
import type { CheckpointStore } from './checkpoint.ts';
import {
  resumeReport,
  type ResumeReport,
  type TrainingHistory,
  type TrainingState,
} from './checkpoint-state.ts';
import { initialEarlyStopping, observeEvaluation, type EarlyStoppingState } from './early-stopping.ts';
import { GradientCache, type TokenizedBatch } from './gradient-cache.ts';
import { forwardFlops } from './flops.ts';
import { ListObjective } from './list-objective.ts';
import { chooseMicroBatches } from './choose-micro-batches.ts';
import type { MicroBatchPlan } from './micro-batches.ts';
import type { Objective, ObjectiveBatch } from './objective.ts';
import {
  checkSelection,
  encoderWeights,
  initialLoraWeights,
  loraShape,
  trainableParameters,
} from './parameter-selection.ts';
import { createParameterState, type ParameterState } from './parameter-state.ts';
import { recipeHash } from './recipe-hash.ts';
import { learningRateShare, scheduleFor, type Schedule } from './schedules.ts';
import type { OptimizationSettings, TrainingSettings } from './settings.ts';
import type { BatchLoss } from './similarity.ts';
import { TeacherVectors } from './teacher-vectors.ts';

/** Evaluates the current model, for example on dev queries. The names are those that early stopping watches. */
export type Evaluate = (embedder: Embedder, step: number) => Promise<Readonly<Record<string, number>>>;

/** What a training needs, independent of the objective. */
export interface OptimizationParts {
  readonly runtime: Runtime;
  readonly encoder: EncoderModel;
  readonly settings: OptimizationSettings;
  readonly clock: Clock;
  /** The device's own rate of matrix products (measureMatmulRate), where it is known; measured if not. */
  readonly matmulRate?: number;
  /** Version of the program, for the fingerprint of checkpoints. */
  readonly version: string;
  /** Without it nothing is evaluated and the last weights are kept. */
  readonly evaluate?: Evaluate;
  /** Without it the training cannot be resumed, and the best weights are held in memory. */
  readonly checkpoints?: CheckpointStore;
  /** Ends the training after the current step, with a checkpoint. */
  readonly signal?: AbortSignal;
  readonly onEvent?: (event: TrainingEvent) => void;
}

export interface TrainerParts extends OptimizationParts {
  readonly lists: readonly ListRecord[];
  readonly settings: TrainingSettings;
  /** A teacher's vectors of the lists' texts: for `kl` over the batch, which scores every query with every passage. */
  readonly teacherVectors?: TextVectors | undefined;
}

/** Averages over the steps of this run. */
export interface TrainingSpeed {
  /** Query–passage pairs per second. */
  readonly pairsPerSecond: number;
  /** Tokens per second, padding not counted. */
  readonly tokensPerSecond: number;
  /** Floating-point operations over those the machine's own matrix product would do in the time. */
  readonly shareOfMatmulRate: number;
}

/** Result and speed of a step. */
export interface StepReport extends TrainingSpeed {
  readonly kind: 'step';
  /** Steps done, from 1. */
  readonly step: number;
  readonly totalSteps: number;
  readonly epoch: number;
  readonly loss: number;
  /** The loss's terms before weighting. */
  readonly terms: readonly { readonly name: string; readonly value: number }[];
  readonly learningRate: number;
  /** Before clipping. */
  readonly gradientNorm: number;
  readonly secondsLeft: number;
}

export type TrainingEvent =
  | StepReport
  | {
      readonly kind: 'resumed';
      readonly step: number;
      readonly report: ResumeReport;
      readonly problems: readonly string[];
    }
  | {
      readonly kind: 'evaluation';
      readonly step: number;
      readonly values: Readonly<Record<string, number>>;
      readonly isBest: boolean;
    }
  | { readonly kind: 'checkpoint'; readonly step: number }
  /** The device ran out of memory, and training continues with smaller micro-batches. */
  | {
      readonly kind: 'smaller micro-batch';
      /** Steps done. */
      readonly step: number;
      readonly tokens: number;
      /** Says also what it was. */
      readonly message: string;
    };

export interface TrainingResult {
  /** The encoder's own weights, LoRA merged: the best by evaluation, or the last where nothing was evaluated. */
  readonly weights: Weights;
  readonly bestStep: number;
  readonly steps: number;
  readonly endedBy: 'steps' | 'early stopping' | 'request';
  readonly history: TrainingHistory;
  /** Bit-exact, or why not. */
  readonly breaks: readonly string[];
  /** Of this run, evaluation and checkpoints not counted. */
  readonly trainingSeconds: number;
  readonly speed: TrainingSpeed;
}

/** The loss or the gradients are no longer finite. The last checkpoint is from before. */
export class TrainingDivergedError extends Error {
  override readonly name = 'TrainingDivergedError';
  readonly step: number;
  /** Where the weights are sound and the loss is not: what it was given, or how it is set, does not fit. */
  readonly isOfLoss: boolean;

  constructor(
    step: number,
    what: string,
    options: { readonly isOfLoss?: boolean; readonly remedy?: string } = {},
  ) {
    const {
      isOfLoss = false,
      remedy = isOfLoss
        ? 'Use a higher temperature, or loss settings closer to their defaults'
        : 'Use a lower learning rate, a longer warm-up or a higher temperature',
    } = options;
    super(
      `training diverged at step ${step}: non-finite ${what}${isOfLoss ? ', although all vectors are finite' : ''}. ` +
        `${remedy}; the last checkpoint is intact.`,
    );
    this.step = step;
    this.isOfLoss = isOfLoss;
  }
}

/** Trains an encoder on lists, or resumes a training from its checkpoints. */
export async function train(parts: TrainerParts): Promise<TrainingResult> {
  const { lists, settings, encoder } = parts;
  checkLists(settings.loss, lists, { level: settings.batches.level });
  const teacher = await teacherOf(parts);
  const objective = new ListObjective(lists, settings, encoder.encoding.normalize, teacher);
  try {
    return await optimize(parts, objective, await recipeHash({ ...parts, teacher }));
  } catch (error) {
    throw error instanceof TrainingDivergedError && error.isOfLoss ? explained(error, lists) : error;
  }
}

/** The teacher of a loss that reads vectors. @throws InputError if there is none, or it lacks a text of the lists */
async function teacherOf({
  settings,
  lists,
  teacherVectors,
}: TrainerParts): Promise<TeacherVectors | undefined> {
  const term = settings.loss.terms.find(readsTeacherVectors);
  if (term === undefined) return undefined;
  if (teacherVectors !== undefined) return TeacherVectors.of(teacherVectors, lists);
  const { name } = term.definition;
  throw new InputError(`${name} over the batch needs a teacher's vectors of all queries and passages`, {
    remedy: `Use an encoder or a file of vectors as teacher, or ${name}(scope=own)`,
  });
}

/** Beyond it, differences and exponents of scores exceed the range of float32 gradients. */
const ordinaryScore = 1e6;

/** A loss that is not finite usually comes from a value in the lists, which the error then names. */
function explained(error: TrainingDivergedError, lists: readonly ListRecord[]): TrainingDivergedError {
  let most = ordinaryScore;
  let culprit: string | undefined;
  for (const { query_id: query, documents } of lists) {
    for (const { id, teacher, label } of documents) {
      for (const [what, value = 0] of [
        ['teacher score', teacher],
        ['label', label],
      ] as const) {
        if (Math.abs(value) <= most) continue;
        most = Math.abs(value);
        culprit = `the ${what} of ${quoted(id)} in the list of query ${quoted(query)} is ${value}`;
      }
    }
  }
  if (culprit === undefined) return error;
  return new TrainingDivergedError(error.step, `loss: ${culprit}`, {
    remedy:
      'Scale the scores of the lists to about 0 to 1 (`retriever-studio filter --scale`, or teacher.scale in a recipe)',
  });
}

/**
 * Trains an encoder for any objective, or resumes a training from its checkpoints.
 * @param hash covers everything that determines the training's numbers, for its checkpoints
 */
export async function optimize(
  parts: OptimizationParts,
  objective: Objective,
  hash: string,
): Promise<TrainingResult> {
  const trainer = await Trainer.prepare(parts, objective, hash);
  try {
    return await trainer.run();
  } finally {
    await trainer.close();
  }
}

interface PreparedTraining {
  readonly objective: Objective;
  readonly schedule: Schedule;
  readonly recipeHash: string;
  /** Floating-point operations per second. */
  readonly matmulRate: number;
  readonly state: ParameterState;
  readonly plan: MicroBatchPlan;
}

class Trainer {
  readonly #parts: OptimizationParts;
  readonly #objective: Objective;
  readonly #state: ParameterState;
  #cache: GradientCache;
  readonly #embedder: Embedder;
  readonly #schedule: Schedule;
  readonly #totalSteps: number;
  #plan: MicroBatchPlan;
  /** The user's setting, if memory made the plan's micro-batches smaller. */
  #chosenTokens: number | undefined;
  readonly #tokens = new Map<string, TokenSequence>();
  readonly #recipeHash: string;
  readonly #matmulRate: number;

  #step = 0;
  #stopping: EarlyStoppingState = initialEarlyStopping;
  #losses: number[] = [];
  #evaluations: { step: number; values: Record<string, number> }[] = [];
  #breaks: readonly string[] = [];
  /** Without checkpoints, the best weights so far. */
  #bestWeights: Map<string, WeightTensor> | undefined;
  #trainingMilliseconds = 0;
  #pairsDone = 0;
  #tokensDone = 0;
  #flopsDone = 0;
  #stepsDone = 0;

  static async prepare(parts: OptimizationParts, objective: Objective, hash: string): Promise<Trainer> {
    const { settings, encoder, runtime } = parts;
    checkSelection(encoder.shape, settings.selection);
    const allSteps = objective.stepsInEpochs(settings.epochs);
    const schedule = scheduleFor(settings.schedule, Math.min(allSteps, settings.maxSteps ?? allSteps));
    const matmulRate = parts.matmulRate ?? (await measureMatmulRate(runtime, parts.clock));
    const { selection } = settings;
    const trainable = trainableParameters(encoder.shape, selection);
    const weights =
      selection.kind === 'lora'
        ? new Map([...encoder.weights, ...initialLoraWeights(encoder.shape, selection.rank, settings.seed)])
        : encoder.weights;
    const state = await createParameterState(runtime, weights, trainable, settings.optimizer);
    const plan = chooseMicroBatches(runtime, encoder, {
      tokens: settings.tokensPerMicroBatch,
      trainable: new Set(trainable),
      lora: loraShape(selection),
      dropout: dropsOut(settings),
    });
    return new Trainer(parts, { objective, schedule, recipeHash: hash, matmulRate, state, plan });
  }

  private constructor(parts: OptimizationParts, prepared: PreparedTraining) {
    const { settings, encoder, runtime } = parts;
    const { state } = prepared;
    this.#parts = parts;
    this.#recipeHash = prepared.recipeHash;
    this.#state = state;
    this.#matmulRate = prepared.matmulRate;
    this.#objective = prepared.objective;
    this.#schedule = prepared.schedule;
    this.#totalSteps = prepared.schedule.totalSteps;
    this.#plan = prepared.plan;
    this.#cache = this.#createCache();
    this.#embedder = new Embedder(runtime, encoder, () => state.weights, loraShape(settings.selection));
  }

  #createCache(): GradientCache {
    const { settings, encoder, runtime } = this.#parts;
    return new GradientCache(runtime, encoder, this.#state, {
      ...this.#plan,
      activationBytes: settings.activationBytes,
      lora: loraShape(settings.selection),
      dropout: dropsOut(settings) ? { ...settings.dropout, seed: settings.seed } : undefined,
    });
  }

  /** Cuts batches by another plan from now on. */
  async #follow(plan: MicroBatchPlan): Promise<void> {
    await this.#cache.close();
    this.#plan = plan;
    this.#cache = this.#createCache();
  }

  async run(): Promise<TrainingResult> {
    const resumed = await this.#resume();
    let isBest = false;
    let stop = false;
    if (!resumed) {
      const weights = await this.#readWeights();
      ({ isBest } = await this.#evaluate());
      await this.#save(weights, isBest);
    }
    const { settings, evaluate } = this.#parts;
    const { patience } = settings.earlyStopping;
    stop = patience !== null && this.#stopping.evaluationsWithoutImprovement >= patience;
    while (this.#step < this.#totalSteps && !stop && !this.#aborted()) {
      await this.#trainStep();
      const last = this.#step === this.#totalSteps;
      const evaluated = evaluate !== undefined && (last || this.#step % settings.evaluateEvery === 0);
      const due = last || this.#step % settings.checkpointEvery === 0;
      if (!evaluated && !due && !this.#aborted()) continue;
      const weights = await this.#readWeights();
      isBest = false;
      if (evaluated) ({ isBest, stop } = await this.#evaluate());
      if (isBest || due || stop || this.#aborted()) await this.#save(weights, isBest);
    }
    return this.#result(stop);
  }

  async close(): Promise<void> {
    await this.#embedder.close();
    await this.#cache.close();
    await this.#state.close();
  }

  #aborted(): boolean {
    return this.#parts.signal?.aborted === true;
  }

  async #trainStep(): Promise<void> {
    const { settings, clock } = this.#parts;
    const start = clock.now();
    const { epoch, step } = this.#objective.locate(this.#step);
    const batch = this.#objective.batch(epoch, step);
    const sequences = this.#tokenize(batch);
    const { loss, gradientNorm } = await this.#gradients(sequences, batch);
    if (!Number.isFinite(gradientNorm)) {
      throw new TrainingDivergedError(this.#step + 1, 'gradient norm', { isOfLoss: this.#step === 0 });
    }
    const learningRate = settings.learningRate * learningRateShare(this.#schedule, this.#step);
    this.#step++;
    await this.#state.update(learningRate, this.#step, gradientNorm);
    this.#losses.push(loss.value);
    this.#trainingMilliseconds += clock.now() - start;
    this.#count(sequences);
    this.#report(epoch, loss, learningRate, gradientNorm);
  }

  /** Adds the gradients of a batch; where memory runs out, again with smaller micro-batches. */
  async #gradients(
    sequences: TokenizedBatch,
    batch: ObjectiveBatch,
  ): Promise<{ readonly loss: BatchLoss<Float32Array>; readonly gradientNorm: number }> {
    for (;;) {
      try {
        const loss = await this.#cache.run(
          sequences,
          (queries, passages) => this.#loss(batch, queries, passages),
          this.#step,
        );
        return { loss, gradientNorm: await this.#state.gradientNorm() };
      } catch (error) {
        if (!(error instanceof OutOfMemoryError)) throw error;
        await this.#halveMicroBatches(error, [...sequences.queries, ...sequences.passages]);
      }
    }
  }

  /** @throws {TrainingDivergedError} where the loss, or a gradient of it, is not finite */
  async #loss(
    batch: ObjectiveBatch,
    queries: Float32Array<ArrayBuffer>,
    passages: Float32Array<ArrayBuffer>,
  ): Promise<BatchLoss<Float32Array>> {
    const result = await batch.loss(queries, passages, this.#embedder.dimensions);
    const values = [[result.value], result.queryGradient, result.passageGradient];
    // No weights have moved before the first step, and sound vectors come of sound ones.
    const isOfLoss = this.#step === 0 || (areFinite(queries) && areFinite(passages));
    if (!values.every(areFinite)) throw new TrainingDivergedError(this.#step + 1, 'loss', { isOfLoss });
    return result;
  }

  /** @throws the error where that would not help: on the host, or where each micro-batch is one sequence already */
  async #halveMicroBatches(error: OutOfMemoryError, sequences: readonly TokenSequence[]): Promise<void> {
    const { tokensPerMicroBatch: before } = this.#plan;
    const longest = Math.max(...sequences.map(({ length }) => length));
    const most = this.#plan.lengthLadder.find((length) => length >= longest) ?? longest;
    if (!isGpu(this.#parts.runtime.device) || before < 2 * most) throw error;
    const tokens = Math.floor(before / 2);
    const { tokensPerMicroBatch: chosen } = this.#parts.settings;
    if (chosen !== 'auto') this.#chosenTokens = chosen;
    await this.#follow({ ...this.#plan, tokensPerMicroBatch: tokens });
    await this.#state.clearGradients();
    const message = `memory ran out: tokensPerMicroBatch was ${before} and is ${tokens}`;
    this.#breaks = [...this.#breaks, `not bit-exact from step ${this.#step} because ${message}`];
    this.#parts.onEvent?.({ kind: 'smaller micro-batch', step: this.#step, tokens, message });
  }

  #tokenize(batch: ObjectiveBatch): TokenizedBatch {
    const tokens = (text: string, side: Side): TokenSequence => {
      const key = `${side} ${text}`;
      let sequence = this.#tokens.get(key);
      if (sequence === undefined) {
        sequence = tokenizeSide(this.#parts.encoder, text, side);
        // Memory for a training's texts is bounded; a text that comes again later is tokenized again.
        if (this.#tokens.size >= mostTokenized) this.#tokens.clear();
        this.#tokens.set(key, sequence);
      }
      return sequence;
    };
    return {
      queries: batch.queries.map((text) => tokens(text, 'query')),
      passages: batch.passages.map((text) => tokens(text, 'passage')),
    };
  }

  #count({ queries, passages }: TokenizedBatch): void {
    const { shape } = this.#parts.encoder;
    this.#stepsDone++;
    this.#pairsDone += passages.length;
    for (const { length } of [...queries, ...passages]) {
      this.#tokensDone += length;
      this.#flopsDone += 3 * forwardFlops(shape, length);
    }
  }

  #report(epoch: number, loss: BatchLoss<Float32Array>, learningRate: number, gradientNorm: number): void {
    const seconds = this.#trainingMilliseconds / 1000;
    this.#parts.onEvent?.({
      kind: 'step',
      step: this.#step,
      totalSteps: this.#totalSteps,
      epoch,
      loss: loss.value,
      terms: loss.terms.map(({ name, value }) => ({ name, value })),
      learningRate,
      gradientNorm,
      ...this.#speed(),
      secondsLeft: (seconds / this.#stepsDone) * (this.#totalSteps - this.#step),
    });
  }

  #speed(): TrainingSpeed {
    const seconds = Math.max(this.#trainingMilliseconds, 1) / 1000;
    return {
      pairsPerSecond: this.#pairsDone / seconds,
      tokensPerSecond: this.#tokensDone / seconds,
      shareOfMatmulRate: this.#flopsDone / seconds / this.#matmulRate,
    };
  }

  async #evaluate(): Promise<{ isBest: boolean; stop: boolean }> {
    const { evaluate, settings } = this.#parts;
    if (evaluate === undefined) return { isBest: false, stop: false };
    const values = { ...(await evaluate(this.#embedder, this.#step)) };
    const decision = observeEvaluation(settings.earlyStopping, this.#stopping, this.#step, values);
    this.#stopping = decision.state;
    this.#evaluations.push({ step: this.#step, values });
    this.#parts.onEvent?.({ kind: 'evaluation', step: this.#step, values, isBest: decision.isBest });
    return decision;
  }

  /** @throws TrainingDivergedError if they are to be evaluated or saved and are not finite */
  async #readWeights(): Promise<Map<string, WeightTensor>> {
    const weights = await this.#state.readWeights();
    for (const { data } of weights.values()) {
      // A weight whose square overflows is as good as infinite, and would only be found out by the next step.
      if (!data.every((value) => Math.abs(value) < largestWeight)) {
        throw new TrainingDivergedError(this.#step, 'weights');
      }
    }
    return weights;
  }

  async #save(weights: Map<string, WeightTensor>, isBest: boolean): Promise<void> {
    const { checkpoints } = this.#parts;
    if (checkpoints === undefined) {
      if (isBest) this.#bestWeights = weights;
      return;
    }
    await checkpoints.save(
      { state: this.#trainingState(), weights, moments: await this.#state.readMoments() },
      { best: isBest },
    );
    this.#parts.onEvent?.({ kind: 'checkpoint', step: this.#step });
  }

  #trainingState(): TrainingState {
    const { settings } = this.#parts;
    return {
      step: this.#step,
      // For the last step taken: there may be none after it.
      epoch: this.#objective.locate(Math.max(this.#step - 1, 0)).epoch,
      seed: settings.seed,
      optimizerStep: this.#step,
      recipeHash: this.#recipeHash,
      plan: storedPlan(this.#plan),
      ...(this.#chosenTokens === undefined ? {} : { chosenTokens: this.#chosenTokens }),
      earlyStopping: this.#stopping,
      history: this.#history(),
      fingerprint: this.#fingerprint(),
      breaks: this.#breaks,
    };
  }

  #fingerprint(): Readonly<Record<string, string>> {
    return { ...this.#parts.runtime.fingerprint, studio: this.#parts.version };
  }

  #history(): TrainingHistory {
    return { losses: this.#losses, evaluations: this.#evaluations };
  }

  async #resume(): Promise<boolean> {
    const loaded = await this.#parts.checkpoints?.loadLatest();
    if (loaded === undefined) return false;
    const { state, weights, moments } = loaded.checkpoint;
    const plan = this.#resumedPlan(state);
    if (plan !== undefined) {
      this.#chosenTokens = state.chosenTokens;
      await this.#follow(plan);
    }
    const report = resumeReport(state, {
      fingerprint: this.#fingerprint(),
      plan: storedPlan(this.#plan),
      recipeHash: this.#recipeHash,
    });
    await this.#state.restore(weights, moments);
    this.#step = state.step;
    this.#stopping = state.earlyStopping as EarlyStoppingState;
    const history = state.history as TrainingHistory;
    this.#losses = [...history.losses];
    this.#evaluations = history.evaluations.map(({ step, values }) => ({
      step,
      values: { ...values },
    }));
    this.#breaks = report.breaks;
    this.#parts.onEvent?.({ kind: 'resumed', step: this.#step, report, problems: loaded.problems });
    return true;
  }

  /** The checkpoint's way to cut batches, unless the user or another device has chosen another since. */
  #resumedPlan({ plan, chosenTokens, fingerprint }: TrainingState): MicroBatchPlan | undefined {
    const { tokensPerMicroBatch: chosen } = this.#parts.settings;
    const { tokensPerMicroBatch: tokens, launchTokens } = plan;
    if (typeof tokens !== 'number') return undefined;
    if (chosen === 'auto' && fingerprint.device !== this.#parts.runtime.device) return undefined;
    if (chosen !== 'auto' && chosen !== (chosenTokens ?? tokens)) return undefined;
    return {
      lengthLadder: this.#plan.lengthLadder,
      tokensPerMicroBatch: tokens,
      ...(typeof launchTokens === 'number' ? { launchTokens } : {}),
    };
  }

  async #result(stopped: boolean): Promise<TrainingResult> {
    const { evaluate, checkpoints, encoder, settings } = this.#parts;
    const weights =
      evaluate === undefined
        ? await this.#state.readWeights()
        : ((await checkpoints?.loadBest())?.checkpoint.weights ??
          this.#bestWeights ??
          (await this.#state.readWeights()));
    const unfinished = this.#step < this.#totalSteps && !stopped && this.#aborted();
    return {
      weights: encoderWeights(encoder.shape, weights, loraShape(settings.selection)),
      bestStep: evaluate === undefined ? this.#step : (this.#stopping.best?.step ?? this.#step),
      steps: this.#step,
      endedBy: stopped ? 'early stopping' : unfinished ? 'request' : 'steps',
      history: this.#history(),
      breaks: this.#breaks,
      trainingSeconds: this.#trainingMilliseconds / 1000,
      speed: this.#speed(),
    };
  }
}

function dropsOut({ dropout }: OptimizationSettings): boolean {
  return dropout.hidden > 0 || dropout.attention > 0;
}

/** A plan as checkpoints keep it. */
function storedPlan(plan: MicroBatchPlan): Readonly<Record<string, Json>> {
  const { lengthLadder, tokensPerMicroBatch, launchTokens } = plan;
  return { tokensPerMicroBatch, lengthLadder, ...(launchTokens === undefined ? {} : { launchTokens }) };
}

/** The square root of the largest float32. */
const largestWeight = 2 ** 64;
/** Texts whose tokens are kept in memory. */
const mostTokenized = 200_000;

function areFinite(values: ArrayLike<number>): boolean {
  for (let i = 0; i < values.length; i++) if (!Number.isFinite(values[i])) return false;
  return true;
}
