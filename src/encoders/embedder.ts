import type { DeviceTensor, Runtime } from '../host/contract.ts';
import { batchInputs, type TokenSequence } from './batch-inputs.ts';
import type { DeviceWeights } from './device-weights.ts';
import type { LoraShape } from './forward.ts';
import { encodingBatches } from './encoding-batches.ts';
import { encodeGraph } from './graphs.ts';
import type { TokenBatch } from './length-buckets.ts';
import { ShapeSessions } from './shape-sessions.ts';
import type { EncoderShape, EncodingConfig, TextTokenizer } from './types.ts';

export type Side = 'query' | 'passage';

/** Everything of an EncoderModel except its weights. */
export interface EncoderDescription {
  readonly shape: EncoderShape;
  readonly encoding: EncodingConfig;
  readonly tokenizer: TextTokenizer;
}

export interface EmbedOptions {
  /** Called after each batch with the number of texts done. */
  readonly onProgress?: (done: number, total: number) => void;
}

/** Texts are bucketed by length within windows of this many, which bounds the memory for their tokens. */
const window = 16384;

/** Turns texts into vectors with weights that may still be changing: training evaluates with it. */
export class Embedder {
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

  /** Tokens of a text on its side: prefix added, cut to the side's maximum length. */
  tokenize(text: string, side: Side): TokenSequence {
    return tokenizeSide(this.#encoder, text, side);
  }

  /** @returns vectors [texts, dimensions], in the order of the texts */
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

export function tokenizeSide(encoder: EncoderDescription, text: string, side: Side): TokenSequence {
  const { encoding, tokenizer } = encoder;
  return side === 'query'
    ? tokenizer.encode(encoding.queryPrefix + text, encoding.queryMaxLength)
    : tokenizer.encode(encoding.passagePrefix + text, encoding.passageMaxLength);
}
