import type { Runtime } from '../host/contract.ts';
import type { TokenSequence } from './batch-inputs.ts';
import {
  tokenizeSide,
  type Embedder,
  type EmbedOptions,
  type EncoderDescription,
  type Side,
} from './embedder.ts';
import { writeMean } from './token-table.ts';

/** Texts embedded before whoever waits for the thread is let in. */
const textsAtOnce = 256;
/** Texts whose tokens are kept: a training embeds the same dev texts again and again, and reading them takes longest. */
const mostTokenized = 20_000;

/** Embeds as means of token vectors, on the host and without graphs. */
export class TableEmbedder implements Embedder {
  emptyTexts = 0;
  readonly #runtime: Pick<Runtime, 'turn'>;
  readonly #encoder: EncoderDescription;
  readonly #rows: () => Float32Array;
  readonly #sums: Float64Array;
  readonly #tokens = new Map<string, TokenSequence>();

  /** @param rows gives the current token vectors, [vocabulary, dimensions] */
  constructor(runtime: Pick<Runtime, 'turn'>, encoder: EncoderDescription, rows: () => Float32Array) {
    this.#runtime = runtime;
    this.#encoder = encoder;
    this.#rows = rows;
    this.#sums = new Float64Array(encoder.shape.hiddenSize);
  }

  get dimensions(): number {
    return this.#encoder.shape.hiddenSize;
  }

  tokenize(text: string, side: Side): TokenSequence {
    const key = `${side} ${text}`;
    let tokens = this.#tokens.get(key);
    if (tokens === undefined) {
      tokens = tokenizeSide(this.#encoder, text, side);
      if (this.#tokens.size < mostTokenized) this.#tokens.set(key, tokens);
    }
    return tokens;
  }

  async embed(
    texts: readonly string[],
    side: Side,
    { onProgress }: EmbedOptions = {},
  ): Promise<Float32Array<ArrayBuffer>> {
    const width = this.dimensions;
    const vectors = new Float32Array(texts.length * width);
    for (const [i, text] of texts.entries()) {
      const tokens = this.tokenize(text, side);
      if (tokens.length === 0) this.emptyTexts++;
      writeMean(vectors, i * width, this.#rows(), tokens, this.#sums, this.#encoder.encoding.normalize);
      if ((i + 1) % textsAtOnce !== 0 && i + 1 < texts.length) continue;
      onProgress?.(i + 1, texts.length);
      await this.#runtime.turn?.();
    }
    return vectors;
  }

  close(): Promise<void> {
    return Promise.resolve();
  }
}
