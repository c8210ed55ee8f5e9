import type { DeviceTensor, Runtime } from '../host/contract.ts';
import { batchInputs, type TokenSequence } from './batch-inputs.ts';
import type { DeviceWeights } from './device-weights.ts';
import {
  tokenizeSide,
  type Embedder,
  type EmbedOptions,
  type EncoderDescription,
  type Side,
} from './embedder.ts';
import { encodingBatches } from './encoding-batches.ts';
import type { LoraShape } from './forward.ts';
import { encodeGraph } from './graphs.ts';
import type { TokenBatch } from './length-buckets.ts';
import { ShapeSessions } from './shape-sessions.ts';

/** Texts are bucketed by length within windows of this many, which bounds the memory for their tokens. */
const window = 16384;

/** Embeds by graphs, where the runtime computes. */
export class GraphEmbedder implements Embedder {
  /** Every text has the tokens around it at least. */
  readonly emptyTexts = 0;
  readonly #runtime: Runtime;
  readonly #encoder: EncoderDescription;
  readonly #weights: () => DeviceWeights;
  readonly #sessions: ShapeSessions;

  /**
   * @param weights gives the current weights at each batch
   * @param lora of the weights, if they have adapters
   */
  constructor(runtime: Runtime, encoder: EncoderDescription, weights: () => DeviceWeights, lora?: LoraShape) {
    this.#runtime = runtime;
    this.#encoder = encoder;
    this.#weights = weights;
    this.#sessions = new ShapeSessions(runtime, (batch) =>
      encodeGraph({
        shape: encoder.shape,
        batch,
        head: { kind: 'embedding', normalize: encoder.encoding.normalize },
        ...(lora === undefined ? {} : { lora }),
      }),
    );
  }

  get dimensions(): number {
    return this.#encoder.shape.hiddenSize;
  }

  tokenize(text: string, side: Side): TokenSequence {
    return tokenizeSide(this.#encoder, text, side);
  }

  async embed(
    texts: readonly string[],
    side: Side,
    options: EmbedOptions = {},
  ): Promise<Float32Array<ArrayBuffer>> {
    const width = this.dimensions;
    const vectors = new Float32Array(texts.length * width);
    let done = 0;
    for (let start = 0; start < texts.length; start += window) {
      const sequences = texts.slice(start, start + window).map((text) => this.tokenize(text, side));
      const batches = encodingBatches(sequences, this.#encoder.shape, this.#runtime.device);
      const inputsOf = (batch: TokenBatch): Record<string, DeviceTensor> => this.#inputs(sequences, batch);
      await this.#sessions.run(batches, inputsOf, (batch, rows) => {
        batch.items.forEach((item, row) => {
          if (item < 0) return;
          vectors.set(rows.subarray(row * width, (row + 1) * width), (start + item) * width);
          done++;
        });
        options.onProgress?.(done, texts.length);
      });
    }
    return vectors;
  }

  close(): Promise<void> {
    return this.#sessions.close();
  }

  #inputs(sequences: readonly TokenSequence[], batch: TokenBatch): Record<string, DeviceTensor> {
    const { encoding, tokenizer } = this.#encoder;
    const inputs = batchInputs(this.#runtime, sequences, batch, encoding.pooling, tokenizer.padId);
    return { ...Object.fromEntries(this.#weights()), ...inputs };
  }
}
