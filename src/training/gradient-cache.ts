import { batchInputs, type TokenSequence } from '../encoders/batch-inputs.ts';
import type { LoraShape } from '../encoders/forward.ts';
import {
  embeddedGradientName,
  gradientNames,
  outputName,
  trainingGraphs,
  upstreamName,
  type TrainingGraphOptions,
  type TrainingGraphs,
} from '../encoders/graphs.ts';
import type { TokenBatch } from '../encoders/length-buckets.ts';
import { familyOf } from '../encoders/families/index.ts';
import type { EncoderShape, EncodingConfig, TextTokenizer } from '../encoders/types.ts';
import { wordInputs } from '../encoders/word-gradient.ts';
import { elementCount } from '../core/tensor-size.ts';
import type { DeviceTensor, Runtime, Session } from '../host/contract.ts';
import { OutOfMemoryError } from '../core/errors.ts';
import { bytesNeeded } from './choose-micro-batches.ts';
import { fillDropoutMask } from './dropout.ts';
import { planMicroBatches, type MicroBatchPlan } from './micro-batches.ts';
import type { ParameterState } from './parameter-state.ts';
import type { TokenizedBatch, VectorGradients, VectorLoss } from './trainable.ts';

export interface GradientCacheOptions extends MicroBatchPlan {
  /** While the activations of a batch fit into this many bytes they are kept; beyond, they are recomputed. */
  readonly activationBytes: number;
  readonly lora?: LoraShape | undefined;
  /** Probabilities of dropout and the seed of its masks. */
  readonly dropout?: DropoutOptions | undefined;
}

export interface DropoutOptions {
  readonly hidden: number;
  readonly attention: number;
  readonly seed: number;
}

/** The parts of an encoder that a step needs: its texts are already tokens. */
export interface SteppedEncoder {
  readonly shape: EncoderShape;
  readonly encoding: Pick<EncodingConfig, 'pooling' | 'normalize'>;
  readonly tokenizer: Pick<TextTokenizer, 'padId'>;
}

interface CompiledShape {
  readonly graphs: TrainingGraphs;
  readonly forward: Session;
  readonly backward: Session;
  /** Sets of host buffers for the forward graph's outputs, free to use again. */
  readonly free: Record<string, DeviceTensor>[];
  /** The host buffer of the word embeddings' gradient rows, once there is one. */
  embeddedGradient: DeviceTensor | undefined;
}

interface MicroBatch {
  readonly batch: TokenBatch;
  readonly compiled: CompiledShape;
  readonly inputs: Readonly<Record<string, DeviceTensor>>;
  kept: Record<string, DeviceTensor> | undefined;
}

/**
 * Shapes whose sessions stay open, with the memory that they keep for the next call: at least this many, and more while
 * their activations fit into this many bytes. For a small encoder, making a session takes longer than running it.
 */
const fewestShapes = 10;
const bytesOfShapes = 2 ** 29;
/** Tokens that a GPU gets before it is waited for: work for some seconds where it is slow. */
const tokensInFlight = 32_768;

async function release({ forward, backward }: CompiledShape): Promise<void> {
  await forward.release();
  await backward.release();
}

/**
 * Gradients of a batch of any size in bounded memory (GradCache; Gao et al. 2021): vectors of all texts first,
 * then the loss with ∂L/∂vectors, then each micro-batch backward with its part of it. While the activations fit
 * the budget, the first forward pass keeps them; beyond, each micro-batch runs forward again. Both ways run the
 * same graphs on the same inputs, so they give the same bits.
 */
export class GradientCache {
  readonly #runtime: Runtime;
  readonly #encoder: SteppedEncoder;
  readonly #state: ParameterState;
  readonly #options: GradientCacheOptions;
  /** In the order of their last use. */
  readonly #shapes = new Map<string, CompiledShape>();

  constructor(
    runtime: Runtime,
    encoder: SteppedEncoder,
    state: ParameterState,
    options: GradientCacheOptions,
  ) {
    this.#runtime = runtime;
    this.#encoder = encoder;
    this.#state = state;
    this.#options = options;
  }

  /**
   * Adds the batch's gradients to the parameter state's.
   * @param step names the dropout masks
   * @returns what the loss returned
   */
  async run<Result extends VectorGradients>(
    batch: TokenizedBatch,
    loss: VectorLoss<Result>,
    step: number,
  ): Promise<Result> {
    const sequences = [...batch.queries, ...batch.passages];
    const width = this.#encoder.shape.hiddenSize;
    const vectors = new Float32Array(sequences.length * width);
    const microBatches = await this.#prepare(sequences, step);
    const needed = microBatches.reduce((sum, { compiled }) => sum + compiled.graphs.savedBytes, 0);
    const keep = needed <= Math.min(this.#options.activationBytes, this.#memoryForActivations());

    try {
      await this.#embed(microBatches, vectors, keep);
      return await this.#applyLoss(batch, microBatches, vectors, loss);
    } catch (error) {
      for (const { compiled, kept } of microBatches) if (kept !== undefined) this.#giveBack(compiled, kept);
      throw error;
    }
  }

  /** The loss of all vectors, then each micro-batch backward. */
  async #applyLoss<Result extends VectorGradients>(
    batch: TokenizedBatch,
    microBatches: readonly MicroBatch[],
    vectors: Float32Array<ArrayBuffer>,
    loss: VectorLoss<Result>,
  ): Promise<Result> {
    const width = this.#encoder.shape.hiddenSize;
    const sequences = [...batch.queries, ...batch.passages];
    const split = batch.queries.length * width;
    const result = await loss(vectors.subarray(0, split), vectors.subarray(split));
    const gradients = new Float32Array(vectors.length);
    gradients.set(result.queryGradient);
    gradients.set(result.passageGradient, split);

    for (const microBatch of microBatches) {
      const outputs = (microBatch.kept ??= await this.#forward(microBatch));
      await this.#backward(microBatch, outputs, sequences, gradients);
      this.#giveBack(microBatch.compiled, outputs);
      microBatch.kept = undefined;
    }
    return result;
  }

  /** Runs all forward, writes their vectors, and keeps the outputs for the way back or gives them back. */
  async #embed(microBatches: readonly MicroBatch[], vectors: Float32Array, keep: boolean): Promise<void> {
    const width = this.#encoder.shape.hiddenSize;
    const unread: { readonly batch: TokenBatch; readonly embeddings: DeviceTensor }[] = [];
    let tokens = 0;
    try {
      for (const [at, microBatch] of microBatches.entries()) {
        const { batch, compiled } = microBatch;
        const outputs = await this.#forward(microBatch);
        const { [outputName]: embeddings, ...saved } = outputs as Record<typeof outputName, DeviceTensor>;
        const onHost = this.#runtime.hostMemory(embeddings) !== undefined;
        if (keep) microBatch.kept = outputs;
        else if (!onHost) this.#giveBack(compiled, saved);
        unread.push({ batch, embeddings });
        tokens += batch.rows * batch.length;
        // A GPU computes on while the next micro-batch is prepared, and is waited for once.
        if (!onHost && tokens < tokensInFlight && at + 1 < microBatches.length) continue;
        const values = await this.#runtime.readAll(unread.map((each) => each.embeddings));
        for (const [i, each] of unread.entries()) {
          const rows = values[i] as Float32Array;
          each.batch.items.forEach((item, row) => {
            if (item >= 0) vectors.set(rows.subarray(row * width, (row + 1) * width), item * width);
          });
          if (!keep && !onHost) each.embeddings.dispose();
        }
        unread.length = 0;
        tokens = 0;
        if (!keep && onHost) this.#giveBack(compiled, outputs);
      }
    } finally {
      if (!keep) for (const { embeddings } of unread) embeddings.dispose();
    }
  }

  /** Free memory, and memory that already holds activations of earlier batches. */
  #memoryForActivations(): number {
    let bytes = this.#runtime.availableMemory();
    for (const { free, graphs } of this.#shapes.values()) bytes += free.length * graphs.savedBytes;
    return bytes;
  }

  async close(): Promise<void> {
    for (const shape of this.#shapes.values()) await release(shape);
    this.#shapes.clear();
  }

  async #prepare(sequences: readonly TokenSequence[], step: number): Promise<MicroBatch[]> {
    const batches = planMicroBatches(
      sequences.map((sequence) => sequence.length),
      this.#options,
    );
    const microBatches: MicroBatch[] = [];
    const inUse = new Set<CompiledShape>();
    for (const [index, batch] of batches.entries()) {
      const compiled = await this.#compile(batch, inUse);
      inUse.add(compiled);
      const { encoding, tokenizer } = this.#encoder;
      const inputs: Record<string, DeviceTensor> = {
        ...batchInputs(this.#runtime, sequences, batch, encoding.pooling, tokenizer.padId),
        ...this.#masks(compiled.graphs, step, index),
      };
      microBatches.push({ batch, compiled, inputs, kept: undefined });
    }
    return microBatches;
  }

  #masks(graphs: TrainingGraphs, step: number, microBatch: number): Record<string, DeviceTensor> {
    const { dropout } = this.#options;
    const masks: Record<string, DeviceTensor> = {};
    if (dropout === undefined) return masks;
    for (const { name, shape, kind } of graphs.dropoutSites) {
      const mask = new Float32Array(elementCount(shape));
      fillDropoutMask(mask, dropout[kind], { seed: dropout.seed, step, microBatch, site: name });
      masks[name] = this.#runtime.tensor('float32', shape, mask);
    }
    return masks;
  }

  async #forward({ compiled, inputs }: MicroBatch): Promise<Record<string, DeviceTensor>> {
    const feeds = { ...Object.fromEntries(this.#state.weights), ...inputs };
    return compiled.forward.run(feeds, compiled.free.pop());
  }

  async #backward(
    { batch, compiled, inputs }: MicroBatch,
    outputs: Readonly<Record<string, DeviceTensor>>,
    sequences: readonly TokenSequence[],
    gradients: Float32Array,
  ): Promise<void> {
    const width = this.#encoder.shape.hiddenSize;
    const upstream = new Float32Array(batch.rows * width);
    batch.items.forEach((item, row) => {
      if (item >= 0) upstream.set(gradients.subarray(item * width, (item + 1) * width), row * width);
    });
    const feeds: Record<string, DeviceTensor> = {
      ...Object.fromEntries(this.#state.weights),
      ...inputs,
      ...outputs,
      [upstreamName]: this.#runtime.tensor('float32', [batch.rows, width], upstream),
    };
    const recycle: Record<string, DeviceTensor> = {};
    const { wordEmbeddings } = familyOf(this.#encoder.shape);
    const addsWords = this.#state.trainable.includes(wordEmbeddings);
    const inGraph = this.#state.trainable.filter(
      (name) => name !== wordEmbeddings || this.#state.embeddingRows === 'device',
    );
    for (const name of inGraph) {
      const names = gradientNames(name);
      feeds[names.earlier] = recycle[names.sum] = this.#state.gradient(name);
    }
    if (addsWords && this.#state.embeddingRows === 'device') {
      Object.assign(feeds, this.#wordInputs(batch, sequences));
    }
    if (compiled.embeddedGradient !== undefined) recycle[embeddedGradientName] = compiled.embeddedGradient;
    const sums = await compiled.backward.run(feeds, recycle);
    for (const name of inGraph) this.#state.setGradient(name, sums[gradientNames(name).sum] as DeviceTensor);
    if (addsWords && this.#state.embeddingRows === 'host') {
      const perToken = sums[embeddedGradientName] as DeviceTensor;
      compiled.embeddedGradient = perToken;
      const rows = (await this.#runtime.read(perToken)) as Float32Array;
      const ids = this.#runtime.hostMemory(inputs.ids as DeviceTensor) as Int32Array;
      this.#state.addRows(wordEmbeddings, ids, rows);
    }
  }

  /** Which tokens of a micro-batch have the same id. */
  #wordInputs(batch: TokenBatch, sequences: readonly TokenSequence[]): Record<string, DeviceTensor> {
    const { shape, tokenizer } = this.#encoder;
    const tokens = new Int32Array(batch.rows * batch.length).fill(tokenizer.padId);
    batch.items.forEach((item, row) => tokens.set(sequences[item] ?? [], row * batch.length));
    return Object.fromEntries(
      Object.entries(wordInputs(tokens, shape.vocabSize)).map(([name, { dataType, dims, data }]) => [
        name,
        this.#runtime.tensor(dataType, dims, data),
      ]),
    );
  }

  /** Host buffers are kept for the next micro-batch of the shape; device buffers go back to the runtime. */
  #giveBack(compiled: CompiledShape, outputs: Record<string, DeviceTensor>): void {
    const onHost = Object.values(outputs).every((t) => this.#runtime.hostMemory(t) !== undefined);
    if (onHost) compiled.free.push(outputs);
    else for (const tensor of Object.values(outputs)) tensor.dispose();
  }

  /** The sessions of a shape, made at its first use. The one unused for longest makes room for a new one. */
  async #compile({ rows, length }: TokenBatch, inUse: ReadonlySet<CompiledShape>): Promise<CompiledShape> {
    const key = `${rows}×${length}`;
    let shape = this.#shapes.get(key);
    if (shape === undefined) {
      let bytes = 0;
      for (const { graphs } of this.#shapes.values()) bytes += graphs.savedBytes;
      for (const [oldKey, old] of this.#shapes) {
        if (this.#shapes.size < fewestShapes || bytes < bytesOfShapes) break;
        if (inUse.has(old)) continue;
        this.#shapes.delete(oldKey);
        bytes -= old.graphs.savedBytes;
        await release(old);
      }
      shape = await this.#create(rows, length);
    }
    this.#shapes.delete(key);
    this.#shapes.set(key, shape);
    return shape;
  }

  async #create(rows: number, length: number): Promise<CompiledShape> {
    const { lora, dropout } = this.#options;
    const options: TrainingGraphOptions = {
      shape: this.#encoder.shape,
      batch: { rows, length },
      head: { kind: 'embedding', normalize: this.#encoder.encoding.normalize },
      trainable: new Set(this.#state.trainable),
      embeddingRows: this.#state.embeddingRows,
      dropout: dropout !== undefined,
      ...(lora === undefined ? {} : { lora }),
    };
    const graphs = trainingGraphs(options);
    refuseTooLarge(graphs, rows, length, this.#runtime.availableMemory());
    const { forward, backward } = graphs;
    return {
      graphs,
      forward: await this.#runtime.createSession(forward.model, {
        name: forward.name,
        memoryBytes: forward.peakBytes,
      }),
      backward: await this.#runtime.createSession(backward.model, {
        name: backward.name,
        memoryBytes: backward.peakBytes,
      }),
      free: [],
      embeddedGradient: undefined,
    };
  }
}

/** @throws OutOfMemoryError that states what would fit */
function refuseTooLarge(graphs: TrainingGraphs, rows: number, length: number, available: number): void {
  const needed = bytesNeeded(graphs);
  if (needed <= available) return;
  const mebibytes = (bytes: number): string => String(Math.round(bytes / 2 ** 20));
  const fitting = Math.floor((rows * available) / needed);
  throw new OutOfMemoryError(
    `a micro-batch of ${rows} × ${length} tokens needs about ${mebibytes(needed)} MiB of memory, ` +
      `but only ${mebibytes(available)} MiB are available`,
    {
      remedy:
        fitting > 0
          ? `Use micro-batches of ${fitting * length} tokens or fewer`
          : 'Use shorter texts or a smaller encoder',
    },
  );
}
