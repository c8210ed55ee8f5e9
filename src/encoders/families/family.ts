import type { Graph, Tensor } from '../../graph/expression.ts';
import type { BatchDimensions, Forward, ForwardOptions, TokenInputs } from '../forward.ts';
import type { TokenizerKind } from '../tokenizer.ts';
import type { EncoderShape } from '../types.ts';

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

/** The transformer of a family: its parameters, and its forward pass as an expression. */
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

/** An architecture that the studio trains: everything that is particular to it. */
export interface EncoderFamily extends Transformer {
  /** `model_type` in config.json, `family` in shapes, and the prefix of its weights in larger models. */
  readonly name: string;
  /** As people write it: `DistilBERT`. */
  readonly title: string;
  /** Prefix of its classes in transformers: `DistilBert` in `DistilBertModel`. */
  readonly className: string;
  /** Well-known models of the family, for messages. */
  readonly examples: readonly string[];
  readonly config: ConfigFields;
  readonly tokenizer: TokenizerKind;
  readonly classification: ClassificationHead;
}
