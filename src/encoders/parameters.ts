import type { EncoderFamily, EncoderShape } from './types.ts';

/** The Hugging Face names of one layer's tensors, by role. A linear layer has `.weight` and `.bias`. */
export interface LayerNames {
  readonly query: string;
  readonly key: string;
  readonly value: string;
  readonly attentionOutput: string;
  readonly attentionNorm: string;
  readonly intermediate: string;
  readonly output: string;
  readonly outputNorm: string;
}

const layerNames: Readonly<Record<EncoderFamily, (layer: number) => LayerNames>> = {
  bert: (layer) => {
    const prefix = `encoder.layer.${layer}`;
    return {
      query: `${prefix}.attention.self.query`,
      key: `${prefix}.attention.self.key`,
      value: `${prefix}.attention.self.value`,
      attentionOutput: `${prefix}.attention.output.dense`,
      attentionNorm: `${prefix}.attention.output.LayerNorm`,
      intermediate: `${prefix}.intermediate.dense`,
      output: `${prefix}.output.dense`,
      outputNorm: `${prefix}.output.LayerNorm`,
    };
  },
  distilbert: (layer) => {
    const prefix = `transformer.layer.${layer}`;
    return {
      query: `${prefix}.attention.q_lin`,
      key: `${prefix}.attention.k_lin`,
      value: `${prefix}.attention.v_lin`,
      attentionOutput: `${prefix}.attention.out_lin`,
      attentionNorm: `${prefix}.sa_layer_norm`,
      intermediate: `${prefix}.ffn.lin1`,
      output: `${prefix}.ffn.lin2`,
      outputNorm: `${prefix}.output_layer_norm`,
    };
  },
};

export function namesOfLayer(family: EncoderFamily, layer: number): LayerNames {
  return layerNames[family](layer);
}

export const wordEmbeddings = 'embeddings.word_embeddings.weight';
export const positionEmbeddings = 'embeddings.position_embeddings.weight';
export const segmentEmbeddings = 'embeddings.token_type_embeddings.weight';
export const embeddingNorm = 'embeddings.LayerNorm';

/** Every parameter of an encoder with its dimensions, in the order of the forward pass. */
export function encoderParameters(shape: EncoderShape): Map<string, readonly number[]> {
  const { hiddenSize, intermediateSize } = shape;
  const parameters = new Map<string, readonly number[]>();
  const norm = (name: string): void => {
    parameters.set(`${name}.weight`, [hiddenSize]).set(`${name}.bias`, [hiddenSize]);
  };
  const linear = (name: string, outputs: number, inputs: number): void => {
    parameters.set(`${name}.weight`, [outputs, inputs]).set(`${name}.bias`, [outputs]);
  };
  parameters.set(wordEmbeddings, [shape.vocabSize, hiddenSize]);
  parameters.set(positionEmbeddings, [shape.maxPositions, hiddenSize]);
  if (shape.segments > 0) parameters.set(segmentEmbeddings, [shape.segments, hiddenSize]);
  norm(embeddingNorm);
  for (let layer = 0; layer < shape.layers; layer++) {
    const names = namesOfLayer(shape.family, layer);
    for (const name of [names.query, names.key, names.value, names.attentionOutput]) {
      linear(name, hiddenSize, hiddenSize);
    }
    norm(names.attentionNorm);
    linear(names.intermediate, intermediateSize, hiddenSize);
    linear(names.output, hiddenSize, intermediateSize);
    norm(names.outputNorm);
  }
  return parameters;
}

/** The layer between the first token's state and the classifier: BERT's with tanh, DistilBERT's with ReLU. */
export const classificationPooler: Readonly<Record<EncoderFamily, string>> = {
  bert: 'pooler.dense',
  distilbert: 'pre_classifier',
};

/** Pooler and classifier of a cross-encoder. */
export function classificationParameters(
  { family, hiddenSize }: EncoderShape,
  labels: number,
): Map<string, readonly number[]> {
  const pooler = classificationPooler[family];
  return new Map([
    [`${pooler}.weight`, [hiddenSize, hiddenSize]],
    [`${pooler}.bias`, [hiddenSize]],
    ['classifier.weight', [labels, hiddenSize]],
    ['classifier.bias', [labels]],
  ]);
}

/** 0 for the embeddings, 1 … layers for the transformer's layers; what "the last k layers" counts. */
export function depthOf(name: string): number {
  const match = /\.layer\.(\d+)\./.exec(name);
  return match === null ? 0 : Number(match[1]) + 1;
}
