import type { ListRecord } from '../corpus/types.ts';
import { tokenizeSide, type Embedder, type Side } from '../encoders/embedder.ts';
import { tableFamilyOf } from '../encoders/families/index.ts';
import type { TokenSequence } from '../encoders/batch-inputs.ts';
import type { EncoderModel, Weights } from '../encoders/types.ts';
import { measureMatmulRate } from '../graph/matmul-rate.ts';
import { quoted } from '../core/shown.ts';
import type { Clock, Runtime } from '../host/contract.ts';
import { InputError } from '../core/errors.ts';
import { readsTeacherVectors } from '../losses/loss-spec.ts';
import { checkLists } from '../losses/requirements.ts';
import type { TextVectors } from '../retrieval/text-vectors.ts';
import type { CheckpointStore } from './checkpoint.ts';
import {
  resumeReport,
  type ResumeReport,
  type TrainingCheckpoint,
  type TrainingHistory,
  type TrainingState,
} from './checkpoint-state.ts';
import { initialEarlyStopping, observeEvaluation, type EarlyStoppingState } from './early-stopping.ts';
import { forwardFlops } from './flops.ts';
import { ListObjective } from './list-objective.ts';
import { sortedForces, type ForceRecord } from './forces/record.ts';
import type { Objective, ObjectiveBatch } from './objective.ts';
import { GraphTrainable } from './graph-trainable.ts';
import { checkTrainable, encoderWeights, loraShape } from './parameter-selection.ts';
import { recipeHash } from './recipe-hash.ts';
import { learningRateShare, scheduleFor, type Schedule } from './schedules.ts';
import type { OptimizationSettings, TrainingSettings } from './settings.ts';
import type { BatchLoss } from './similarity.ts';
import { TableTrainable } from './table-trainable.ts';
import { TeacherVectors } from './teacher-vectors.ts';
import type { OnSmaller, Trainable, TokenizedBatch } from './trainable.ts';

/** Evaluates the current model, for example on dev queries. The names are those that early stopping watches. */
export type Evaluate = (embedder: Embedder, step: number) => Promise<Readonly<Record<string, number>>>;

/**
 * A moment between two steps of a training, and before its first: who looks may embed with what it has learned, and hold
 * it as long as it likes. Neither changes a number.
 * @param step steps done
 * @param isLast no step follows
 */
export type BetweenSteps = (embedder: Embedder, step: number, isLast: boolean) => Promise<void>;

/** What a training needs, independent of the objective. */
export interface OptimizationParts {
  readonly runtime: Runtime;
  readonly encoder: EncoderModel;
  readonly settings: OptimizationSettings;
  readonly clock: Clock;
  /** The device's own rate of matrix products, asked for where graphs train the encoder; measureMatmulRate by default. */
  readonly matmulRate?: () => Promise<number>;
  /** Of the program, for the fingerprint of checkpoints. */
  readonly version: string;
  /** Without it nothing is evaluated and the last weights are kept. */
  readonly evaluate?: Evaluate;
  /** Without it the training cannot be resumed, and the best weights are held in memory. */
  readonly checkpoints?: CheckpointStore;
  /** Ends the training after the current step, with a checkpoint. */
  readonly signal?: AbortSignal;
  readonly onEvent?: (event: TrainingEvent) => void;
  readonly betweenSteps?: BetweenSteps | undefined;
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
  /** Floating-point operations over those the machine's own matrix product would do in the time; 0 without graphs. */
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
  /** Push and pull of lists on passages, over the steps that led to the weights; undefined without lists. */
  readonly forces?: ForceRecord | undefined;
  /** Bit-exact, or why not. */
  readonly breaks: readonly string[];
  /** Texts of this run without a token that the encoder knows. */
  readonly emptyTexts: number;
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

/** Weights and gradients of an encoder, computed as its family is. */
async function createTrainable(parts: OptimizationParts, onSmaller: OnSmaller): Promise<Trainable> {
  const { settings, encoder, runtime } = parts;
  checkTrainable(encoder.shape, settings);
  if (tableFamilyOf(encoder.shape) !== undefined) {
    return new TableTrainable(runtime, encoder, settings.optimizer);
  }
  const measure = parts.matmulRate ?? (() => measureMatmulRate(runtime, parts.clock));
  return GraphTrainable.create({ runtime, encoder, settings, onSmaller, peakRate: await measure() });
}

class Trainer {
  readonly #parts: OptimizationParts;
  readonly #objective: Objective;
  readonly #trainable: Trainable;
  readonly #schedule: Schedule;
  readonly #totalSteps: number;
  readonly #tokens = new Map<string, TokenSequence>();
  readonly #emptyTexts = new Set<string>();
  readonly #recipeHash: string;

  #step = 0;
  #stopping: EarlyStoppingState = initialEarlyStopping;
  #losses: number[] = [];
  #evaluations: { step: number; values: Record<string, number> }[] = [];
  #breaks: readonly string[] = [];
  /** Without checkpoints, the best weights so far and what led to them. */
  #best: Pick<TrainingCheckpoint, 'weights' | 'forces'> | undefined;
  #trainingMilliseconds = 0;
  #pairsDone = 0;
  #tokensDone = 0;
  #flopsDone = 0;
  #stepsDone = 0;

  static async prepare(parts: OptimizationParts, objective: Objective, hash: string): Promise<Trainer> {
    const { settings } = parts;
    const allSteps = objective.stepsInEpochs(settings.epochs);
    const schedule = scheduleFor(settings.schedule, Math.min(allSteps, settings.maxSteps ?? allSteps));
    let trainer: Trainer | undefined = undefined as Trainer | undefined;
    const trainable = await createTrainable(parts, (told) => trainer?.noteSmaller(told));
    trainer = new Trainer(parts, objective, hash, schedule, trainable);
    return trainer;
  }

  private constructor(
    parts: OptimizationParts,
    objective: Objective,
    hash: string,
    schedule: Schedule,
    trainable: Trainable,
  ) {
    this.#parts = parts;
    this.#objective = objective;
    this.#recipeHash = hash;
    this.#schedule = schedule;
    this.#totalSteps = schedule.totalSteps;
    this.#trainable = trainable;
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
    await this.#pauseBetweenSteps();
    while (this.#step < this.#totalSteps && !stop && !this.#aborted()) {
      await this.#trainStep();
      // Before what is saved at an end: it may be asked for meanwhile.
      await this.#pauseBetweenSteps();
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
    await this.#trainable.close();
  }

  async #pauseBetweenSteps(): Promise<void> {
    const isLast = this.#step === this.#totalSteps;
    await this.#parts.betweenSteps?.(this.#trainable.embedder, this.#step, isLast);
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
    const { result: loss, gradientNorm } = await this.#trainable.gradients(
      sequences,
      (queries, passages) => this.#loss(batch, queries, passages),
      this.#step,
    );
    if (!Number.isFinite(gradientNorm)) {
      throw new TrainingDivergedError(this.#step + 1, 'gradient norm', { isOfLoss: this.#step === 0 });
    }
    const share = learningRateShare(this.#schedule, this.#step);
    const learningRate = settings.learningRate * share;
    this.#step++;
    await this.#trainable.update(learningRate, this.#step, gradientNorm);
    this.#objective.forces?.commit(share);
    this.#losses.push(loss.value);
    this.#trainingMilliseconds += clock.now() - start;
    this.#count(sequences);
    this.#report(epoch, loss, learningRate, gradientNorm);
  }

  /** @throws {TrainingDivergedError} where the loss, or a gradient of it, is not finite */
  async #loss(
    batch: ObjectiveBatch,
    queries: Float32Array<ArrayBuffer>,
    passages: Float32Array<ArrayBuffer>,
  ): Promise<BatchLoss<Float32Array>> {
    const result = await batch.loss(queries, passages, this.#trainable.embedder.dimensions);
    const values = [[result.value], result.queryGradient, result.passageGradient];
    // No weights have moved before the first step, and sound vectors come of sound ones.
    const isOfLoss = this.#step === 0 || (areFinite(queries) && areFinite(passages));
    if (!values.every(areFinite)) throw new TrainingDivergedError(this.#step + 1, 'loss', { isOfLoss });
    return result;
  }

  /** Memory ran out, and the step is done again with less at a time. */
  noteSmaller(told: Parameters<OnSmaller>[0]): void {
    this.#breaks = [...this.#breaks, `not bit-exact from step ${told.step} because ${told.message}`];
    this.#parts.onEvent?.({ kind: 'smaller micro-batch', ...told });
  }

  #tokenize(batch: ObjectiveBatch): TokenizedBatch {
    const tokens = (text: string, side: Side): TokenSequence => {
      const key = `${side} ${text}`;
      let sequence = this.#tokens.get(key);
      if (sequence === undefined) {
        sequence = tokenizeSide(this.#parts.encoder, text, side);
        // Memory for a training's texts is bounded; a text that comes again later is tokenized again.
        if (sequence.length === 0) this.#emptyTexts.add(text);
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
    const { peakRate } = this.#trainable;
    return {
      pairsPerSecond: this.#pairsDone / seconds,
      tokensPerSecond: this.#tokensDone / seconds,
      shareOfMatmulRate: peakRate === undefined ? 0 : this.#flopsDone / seconds / peakRate,
    };
  }

  async #evaluate(): Promise<{ isBest: boolean; stop: boolean }> {
    const { evaluate, settings } = this.#parts;
    if (evaluate === undefined) return { isBest: false, stop: false };
    const values = { ...(await evaluate(this.#trainable.embedder, this.#step)) };
    const decision = observeEvaluation(settings.earlyStopping, this.#stopping, this.#step, values);
    this.#stopping = decision.state;
    this.#evaluations.push({ step: this.#step, values });
    this.#parts.onEvent?.({ kind: 'evaluation', step: this.#step, values, isBest: decision.isBest });
    return decision;
  }

  /** @throws TrainingDivergedError where they are to be measured or kept and are no numbers */
  async #readWeights(): Promise<Weights> {
    const weights = await this.#trainable.readWeights();
    for (const { data } of weights.values()) {
      // A weight whose square overflows is as good as infinite, and would only be found out by the next step.
      if (!data.every((value) => Math.abs(value) < largestWeight)) {
        throw new TrainingDivergedError(this.#step, 'weights');
      }
    }
    return weights;
  }

  async #save(weights: Weights, isBest: boolean): Promise<void> {
    const { checkpoints } = this.#parts;
    if (checkpoints === undefined) {
      if (isBest) this.#best = { weights, forces: this.#forces() };
      return;
    }
    const [state, forces, moments] = [
      this.#trainingState(),
      this.#forces(),
      await this.#trainable.readMoments(),
    ];
    await checkpoints.save({ state, weights, moments, forces }, { best: isBest });
    this.#parts.onEvent?.({ kind: 'checkpoint', step: this.#step });
  }

  #forces(): ForceRecord | undefined {
    return this.#objective.forces?.snapshot();
  }

  #trainingState(): TrainingState {
    const { settings } = this.#parts;
    const { plan, chosenTokens } = this.#trainable;
    return {
      step: this.#step,
      // For the last step taken: there may be none after it.
      epoch: this.#objective.locate(Math.max(this.#step - 1, 0)).epoch,
      seed: settings.seed,
      optimizerStep: this.#step,
      recipeHash: this.#recipeHash,
      plan,
      ...(chosenTokens === undefined ? {} : { chosenTokens }),
      earlyStopping: this.#stopping,
      history: this.#history(),
      fingerprint: this.#fingerprint(),
      breaks: this.#breaks,
    };
  }

  #fingerprint(): Readonly<Record<string, string>> {
    return { ...this.#trainable.fingerprint, studio: this.#parts.version };
  }

  #history(): TrainingHistory {
    return { losses: this.#losses, evaluations: this.#evaluations };
  }

  async #resume(): Promise<boolean> {
    const loaded = await this.#parts.checkpoints?.loadLatest();
    if (loaded === undefined) return false;
    const { state } = loaded.checkpoint;
    await this.#trainable.restore(loaded.checkpoint);
    this.#objective.forces?.restore(loaded.checkpoint.forces, state.step);
    const report = resumeReport(state, {
      fingerprint: this.#fingerprint(),
      plan: this.#trainable.plan,
      recipeHash: this.#recipeHash,
    });
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

  async #result(stopped: boolean): Promise<TrainingResult> {
    const { evaluate, checkpoints, encoder, settings } = this.#parts;
    const best = evaluate && ((await checkpoints?.loadBest())?.checkpoint ?? this.#best);
    const { weights, forces } = best ?? {
      weights: await this.#trainable.readWeights(),
      forces: this.#forces(),
    };
    const unfinished = this.#step < this.#totalSteps && !stopped && this.#aborted();
    return {
      weights: encoderWeights(encoder, weights, loraShape(settings.selection)),
      bestStep: evaluate === undefined ? this.#step : (this.#stopping.best?.step ?? this.#step),
      steps: this.#step,
      endedBy: stopped ? 'early stopping' : unfinished ? 'request' : 'steps',
      history: this.#history(),
      forces: forces && sortedForces(forces),
      breaks: this.#breaks,
      emptyTexts: this.#emptyTexts.size,
      trainingSeconds: this.#trainingMilliseconds / 1000,
      speed: this.#speed(),
    };
  }
}

/** The square root of the largest float32. */
const largestWeight = 2 ** 64;
/** Texts whose tokens are kept in memory. */
const mostTokenized = 200_000;

function areFinite(values: ArrayLike<number>): boolean {
  for (let i = 0; i < values.length; i++) if (!Number.isFinite(values[i])) return false;
  return true;
}
