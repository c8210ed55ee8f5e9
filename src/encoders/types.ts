export type Activation = 'gelu' | 'gelu_tanh' | 'relu';

/** The sizes of an encoder, independent of their names in config.json. */
export interface EncoderShape {
  /** The name of its family in families/. */
  readonly family: string;
  readonly vocabSize: number;
  readonly hiddenSize: number;
  readonly layers: number;
  readonly heads: number;
  readonly intermediateSize: number;
  readonly maxPositions: number;
  /** 0 for families without segment embeddings. */
  readonly segments: number;
  readonly layerNormEpsilon: number;
  readonly activation: Activation;
  /** Hidden and attention dropout as the config gives them; training decides whether to use them. */
  readonly hiddenDropout: number;
  readonly attentionDropout: number;
}

export interface WeightTensor {
  readonly dims: readonly number[];
  readonly data: Float32Array<ArrayBuffer>;
}

/**
 * Weights under the model family's own Hugging Face names without a leading `bert.` or the like,
 * e.g. `embeddings.word_embeddings.weight`, `encoder.layer.0.attention.self.query.weight`,
 * `transformer.layer.0.attention.q_lin.weight`. Linear weights are [out, in].
 */
export type Weights = ReadonlyMap<string, WeightTensor>;

export type Pooling = 'cls' | 'mean';

/** Tokens of a text at most where nothing limits them. */
export const unlimitedLength = 2 ** 20;

/** How texts become vectors around the transformer. */
export interface EncodingConfig {
  readonly pooling: Pooling;
  readonly normalize: boolean;
  readonly queryPrefix: string;
  readonly passagePrefix: string;
  /** In tokens, special tokens included. */
  readonly queryMaxLength: number;
  readonly passageMaxLength: number;
}

/** Text to token ids, special tokens included. */
export interface TextTokenizer {
  readonly vocabSize: number;
  readonly padId: number;
  encode(text: string, maxLength: number): Int32Array<ArrayBuffer>;
  /** [CLS] first [SEP] second [SEP], the longer one truncated first, with segment ids. */
  encodePair(
    first: string,
    second: string,
    maxLength: number,
  ): { ids: Int32Array<ArrayBuffer>; segments: Int32Array<ArrayBuffer> };
}

/** An encoder as read from its folder, ready to train, search or export. */
export interface EncoderModel {
  /** The user's name for it. */
  readonly name: string;
  readonly shape: EncoderShape;
  readonly encoding: EncodingConfig;
  readonly weights: Weights;
  readonly tokenizer: TextTokenizer;
  /** Files that an export passes through unchanged: the raw config.json, tokenizer files, license. */
  readonly baggage: EncoderBaggage;
  /** Settings that the folder leaves open and the user may want to set, e.g. prompts that its family expects. */
  readonly advice?: readonly string[];
}

export interface EncoderBaggage {
  /** The whole config.json as read, unknown fields included. */
  readonly config: Readonly<Record<string, unknown>>;
  /** tokenizer.json, tokenizer_config.json, vocab.txt, special_tokens_map.json, sentence_bert_config.json as read. */
  readonly files: ReadonlyMap<string, Uint8Array<ArrayBuffer>>;
  readonly license: string | undefined;
}

/** A cross-encoder: encoder, pooler and classification head, one logit per label. */
export interface CrossEncoderModel {
  readonly name: string;
  readonly shape: EncoderShape;
  readonly labels: number;
  readonly maxLength: number;
  readonly weights: Weights;
  readonly tokenizer: TextTokenizer;
}

/** What the user may say differently from a model's folder. */
export type EncodingOverrides = { readonly [Key in keyof EncodingConfig]?: EncodingConfig[Key] | undefined };

/** A file of an exported folder; big ones come in pieces. */
export interface EncoderFile {
  /** Relative, with forward slashes. */
  readonly path: string;
  readonly content: Uint8Array<ArrayBuffer> | Iterable<Uint8Array<ArrayBuffer>>;
}

/**
 * How an exported folder stores weights. `F16` rounds them, in half the space; a quarter is enough for `I8`, of tables
 * alone, and for `F8_E4M3`, of transformers alone: word embeddings and linear layers, and F16 for the others.
 */
export type StoredWeights = 'F32' | 'F16' | 'F8_E4M3' | 'I8';
