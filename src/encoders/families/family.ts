import type { Graph, Tensor } from '../../graph/expression.ts';
import type { ModelFolder } from '../../host/contract.ts';
import type { BatchDimensions, Forward, ForwardOptions, TokenInputs } from '../forward.ts';
import type { TokenizerKind } from '../tokenizer.ts';
import type { EncoderFile, EncoderModel, EncoderShape, EncodingOverrides, StoredWeights } from '../types.ts';

/** A field of config.json and what transformers takes where it is missing, or the value that a family fixes. */
export type ConfigField = readonly [key: string, fallback: number] | number;

/** Names of the sizes of a shape in config.json. */
export type ConfigFields = Readonly<
  Record<Exclude<keyof EncoderShape, 'family' | 'activation'>, ConfigField> & Record<'activation', string>
>;

/** A linear layer of the transformer, with `<name>.weight` [outputs, inputs] and `<name>.bias` [outputs]. */
export interface LinearLayer {
  readonly name: string;
  readonly outputs: number;
  readonly inputs: number;
}

/** Parameters with their dimensions, by their Hugging Face names without the model class's prefix. */
export type Parameters = Map<string, readonly number[]>;

/** What a family computes: its parameters, and its forward pass as an expression. */
export interface Transformer {
  /** The table that token ids are looked up in, [vocabulary, hidden]. */
  readonly wordEmbeddings: string;
  /** Every parameter of the encoder, in the order of the forward pass. */
  readonly parameters: (shape: EncoderShape) => Parameters;
  /** Parameters that LoRA adapts, in the order of the forward pass. */
  readonly linearLayers: (shape: EncoderShape) => LinearLayer[];
  /** A parameter's layer: 0 for the embeddings, 1 … layers for the transformer's; what "the last k layers" counts. */
  readonly depthOf: (shape: EncoderShape, parameter: string) => number;
  /** The graph gets every parameter as an input under its name, and a mask for each dropout site. */
  readonly forward: (graph: Graph, inputs: TokenInputs, options: ForwardOptions) => Forward;
}

/** The sequence classification head of a cross-encoder. */
export interface ClassificationHead {
  /** The last linear layer, whose weight is [labels, …]. */
  readonly classifier: string;
  readonly parameters: (shape: EncoderShape, labels: number) => Parameters;
  /**
   * @param hidden [rows·length, hidden]
   * @returns [rows, labels]
   */
  readonly logits: (graph: Graph, hidden: Tensor, batch: BatchDimensions, labels: number) => Tensor;
}

interface NamedFamily extends Transformer {
  /** `family` in shapes; of a transformer also `model_type` in config.json, and the prefix of its weights in larger models. */
  readonly name: string;
  /** As people write it: `DistilBERT`. */
  readonly title: string;
  /** What its classes begin with: `DistilBert` of `DistilBertModel`. */
  readonly className: string;
  /** Well-known models of the family, for messages. */
  readonly examples: readonly string[];
}

/** An architecture of transformers that the studio trains: everything that is particular to it. */
export interface TransformerFamily extends NamedFamily {
  readonly config: ConfigFields;
  readonly tokenizer: TokenizerKind;
  readonly classification: ClassificationHead;
  readonly isTable?: undefined;
}

/**
 * Encoders that are a table of token vectors, whose mean is a text's vector: embedded and trained without graphs, which
 * they have for export. Their folders are not those of transformers.
 */
export interface TableFamily extends NamedFamily {
  readonly isTable: true;
  readonly owns: (folder: ModelFolder) => Promise<boolean>;
  /** @throws InputError naming the file, what is wrong or unsupported, and the remedy */
  readonly read: (folder: ModelFolder, overrides: EncodingOverrides) => Promise<EncoderModel>;
  /** A folder's files but those that every model has. */
  readonly files: (model: EncoderModel, weights: StoredWeights) => EncoderFile[];
}

/** Everything that is particular to an architecture. */
export type EncoderFamily = TransformerFamily | TableFamily;
