import { OutOfMemoryError } from '../core/errors.ts';
import type { Json } from '../core/json.ts';
import type { Embedder } from '../encoders/embedder.ts';
import { GraphEmbedder } from '../encoders/graph-embedder.ts';
import type { EncoderModel } from '../encoders/types.ts';
import { isGpu, type Runtime } from '../host/contract.ts';
import type { TrainingCheckpoint, TrainingState } from './checkpoint-state.ts';
import { chooseMicroBatches } from './choose-micro-batches.ts';
import { GradientCache } from './gradient-cache.ts';
import type { MicroBatchPlan } from './micro-batches.ts';
import { initialLoraWeights, loraShape, trainableParameters } from './parameter-selection.ts';
import { createParameterState, type ParameterState } from './parameter-state.ts';
import type { OptimizationSettings } from './settings.ts';
import type { OnSmaller, Trainable, TokenizedBatch, VectorGradients, VectorLoss } from './trainable.ts';

/** What it is made of. */
interface Parts {
  readonly runtime: Runtime;
  readonly encoder: EncoderModel;
  readonly settings: OptimizationSettings;
  readonly peakRate: number;
  readonly onSmaller: OnSmaller;
}

/** An encoder whose gradients graphs compute. */
export class GraphTrainable implements Trainable {
  readonly embedder: Embedder;
  readonly peakRate: number;
  readonly #parts: Parts;
  readonly #state: ParameterState;
  #cache: GradientCache;
  #plan: MicroBatchPlan;
  /** Where memory made the plan's micro-batches smaller than the settings say. */
  chosenTokens: number | undefined;

  static async create(parts: Parts): Promise<GraphTrainable> {
    const { runtime, encoder, settings } = parts;
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
    return new GraphTrainable(parts, state, plan);
  }

  private constructor(parts: Parts, state: ParameterState, plan: MicroBatchPlan) {
    const { runtime, encoder, settings } = parts;
    this.#parts = parts;
    this.#state = state;
    this.#plan = plan;
    this.#cache = this.#createCache();
    this.peakRate = parts.peakRate;
    this.embedder = new GraphEmbedder(runtime, encoder, () => state.weights, loraShape(settings.selection));
  }

  get fingerprint(): Readonly<Record<string, string>> {
    return this.#parts.runtime.fingerprint;
  }

  get plan(): Readonly<Record<string, Json>> {
    const { lengthLadder, tokensPerMicroBatch, launchTokens } = this.#plan;
    return { tokensPerMicroBatch, lengthLadder, ...(launchTokens === undefined ? {} : { launchTokens }) };
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

  /** Where memory runs out, again with smaller micro-batches. */
  async gradients<Result extends VectorGradients>(
    batch: TokenizedBatch,
    loss: VectorLoss<Result>,
    step: number,
  ): Promise<{ readonly result: Result; readonly gradientNorm: number }> {
    for (;;) {
      try {
        const result = await this.#cache.run(batch, loss, step);
        return { result, gradientNorm: await this.#state.gradientNorm() };
      } catch (error) {
        if (!(error instanceof OutOfMemoryError)) throw error;
        await this.#halveMicroBatches(error, batch, step);
      }
    }
  }

  /** @throws the error where that would not help: on the host, or where each micro-batch is one sequence already */
  async #halveMicroBatches(
    error: OutOfMemoryError,
    { queries, passages }: TokenizedBatch,
    step: number,
  ): Promise<void> {
    const { tokensPerMicroBatch: before } = this.#plan;
    const longest = Math.max(...[...queries, ...passages].map(({ length }) => length));
    const most = this.#plan.lengthLadder.find((length) => length >= longest) ?? longest;
    if (!isGpu(this.#parts.runtime.device) || before < 2 * most) throw error;
    const tokens = Math.floor(before / 2);
    const { tokensPerMicroBatch: chosen } = this.#parts.settings;
    if (chosen !== 'auto') this.chosenTokens = chosen;
    await this.#follow({ ...this.#plan, tokensPerMicroBatch: tokens });
    await this.#state.clearGradients();
    const message = `memory ran out: tokensPerMicroBatch was ${before} and is ${tokens}`;
    this.#parts.onSmaller({ step, tokens, message });
  }

  update(learningRate: number, step: number, gradientNorm: number): Promise<void> {
    return this.#state.update(learningRate, step, gradientNorm);
  }

  readWeights(): Promise<TrainingCheckpoint['weights']> {
    return this.#state.readWeights();
  }

  readMoments(): Promise<TrainingCheckpoint['moments']> {
    return this.#state.readMoments();
  }

  async restore({ state, weights, moments }: TrainingCheckpoint): Promise<void> {
    const plan = this.#resumedPlan(state);
    if (plan !== undefined) {
      this.chosenTokens = state.chosenTokens;
      await this.#follow(plan);
    }
    await this.#state.restore(weights, moments);
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

  async close(): Promise<void> {
    await this.embedder.close();
    await this.#cache.close();
    await this.#state.close();
  }
}

function dropsOut({ dropout }: OptimizationSettings): boolean {
  return dropout.hidden > 0 || dropout.attention > 0;
}
