import { relu } from '../../graph/ops/activation.ts';
import { wordPiece } from '../tokenizer.ts';
import { bertHead, bertTransformer } from './bert-transformer.ts';
import type { TransformerFamily } from './family.ts';

/** BERT without segments, under names of its own (Sanh et al. 2019, arXiv 1910.01108). */
export const distilbert: TransformerFamily = {
  name: 'distilbert',
  title: 'DistilBERT',
  className: 'DistilBert',
  examples: ['DistilBERT'],
  config: {
    vocabSize: ['vocab_size', 30522],
    hiddenSize: ['dim', 768],
    layers: ['n_layers', 6],
    heads: ['n_heads', 12],
    intermediateSize: ['hidden_dim', 3072],
    maxPositions: ['max_position_embeddings', 512],
    segments: 0,
    layerNormEpsilon: 1e-12,
    activation: 'activation',
    hiddenDropout: ['dropout', 0.1],
    attentionDropout: ['attention_dropout', 0.1],
  },
  tokenizer: wordPiece,
  ...bertTransformer({
    words: 'embeddings.word_embeddings.weight',
    positions: 'embeddings.position_embeddings.weight',
    norm: 'embeddings.LayerNorm',
    layer: (layer) => {
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
  }),
  classification: bertHead({ pooler: 'pre_classifier', activation: relu, classifier: 'classifier' }),
};
