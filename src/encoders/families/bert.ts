import { tanh } from '../../graph/ops/elementwise.ts';
import { wordPiece } from '../tokenizer.ts';
import { bertHead, bertTransformer, type LayerNames } from './bert-transformer.ts';
import type { TransformerFamily } from './family.ts';

export function bertLayer(layer: number): LayerNames {
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
}

export const bertEmbeddings = {
  words: 'embeddings.word_embeddings.weight',
  positions: 'embeddings.position_embeddings.weight',
  segments: 'embeddings.token_type_embeddings.weight',
  norm: 'embeddings.LayerNorm',
} as const;

/** Devlin et al. 2018 (arXiv 1810.04805). */
export const bert: TransformerFamily = {
  name: 'bert',
  title: 'BERT',
  className: 'Bert',
  examples: ['MiniLM', 'BGE', 'E5', 'GTE-small', 'Arctic-embed (v1, xs to m)', 'Contriever'],
  config: {
    vocabSize: ['vocab_size', 30522],
    hiddenSize: ['hidden_size', 768],
    layers: ['num_hidden_layers', 12],
    heads: ['num_attention_heads', 12],
    intermediateSize: ['intermediate_size', 3072],
    maxPositions: ['max_position_embeddings', 512],
    segments: ['type_vocab_size', 2],
    layerNormEpsilon: ['layer_norm_eps', 1e-12],
    activation: 'hidden_act',
    hiddenDropout: ['hidden_dropout_prob', 0.1],
    attentionDropout: ['attention_probs_dropout_prob', 0.1],
  },
  tokenizer: wordPiece,
  ...bertTransformer({ ...bertEmbeddings, layer: bertLayer }),
  classification: bertHead({ pooler: 'pooler.dense', activation: tanh, classifier: 'classifier' }),
};
