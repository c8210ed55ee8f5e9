import type { TokenSequence } from './batch-inputs.ts';
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

/** Turns texts into vectors with weights that may still be changing: training evaluates with it. */
export interface Embedder {
  readonly dimensions: number;
  /** Of the texts embedded so far: those without a token that the encoder knows. Their vectors are zeros. */
  readonly emptyTexts: number;
  /** Tokens of a text on its side: prefix added, cut to the side's maximum length. */
  tokenize(text: string, side: Side): TokenSequence;
  /** @returns vectors [texts, dimensions], in the order of the texts */
  embed(texts: readonly string[], side: Side, options?: EmbedOptions): Promise<Float32Array<ArrayBuffer>>;
  close(): Promise<void>;
}

/** What to tell about texts without tokens; undefined where there are none. */
export function emptyTextsWarning(count: number): string | undefined {
  if (count === 0) return undefined;
  const [texts, their] = count === 1 ? ['text has', 'its vector is'] : ['texts have', 'their vectors are'];
  return `${count} ${texts} no token that the encoder knows: ${their} zero, with a similarity of 0 to every text`;
}

export function tokenizeSide(encoder: EncoderDescription, text: string, side: Side): TokenSequence {
  const { encoding, tokenizer } = encoder;
  return side === 'query'
    ? tokenizer.encode(encoding.queryPrefix + text, encoding.queryMaxLength)
    : tokenizer.encode(encoding.passagePrefix + text, encoding.passageMaxLength);
}
