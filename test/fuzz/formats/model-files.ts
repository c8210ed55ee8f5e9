/** A BERT encoder that is as small as one can be, as the files of its folder. */

import { familyOf } from '../../../src/encoders/families/index.ts';
import { fromFloat32, writeSafetensors } from '../../../src/formats/safetensors.ts';
import { readConfig } from '../../../src/encoders/config.ts';
import { json, utf8 } from '../format.ts';
import type { Bytes } from '../mutate.ts';

export const tokens = ['[PAD]', '[UNK]', '[CLS]', '[SEP]', '[MASK]', 'a', 'b', '##a', '##b', 'the', '?', 'σ'];

export const config = {
  model_type: 'bert',
  architectures: ['BertModel'],
  hidden_act: 'gelu',
  hidden_dropout_prob: 0.1,
  attention_probs_dropout_prob: 0.1,
  hidden_size: 4,
  intermediate_size: 8,
  layer_norm_eps: 1e-12,
  max_position_embeddings: 16,
  num_attention_heads: 2,
  num_hidden_layers: 1,
  type_vocab_size: 2,
  vocab_size: tokens.length,
  id2label: { 0: 'LABEL_0' },
};

export const modules = ['', '1_Pooling', '2_Normalize'].map((path, idx) => ({
  idx,
  name: String(idx),
  path,
  type: `sentence_transformers.models.${path.replace(/^\d_/, '') || 'Transformer'}`,
}));

const special = (id: string): object => ({ SpecialToken: { id, type_id: 0 } });
const sequence = (id: string, type_id: number): object => ({ Sequence: { id, type_id } });

export const tokenizer = {
  version: '1.0',
  truncation: null,
  padding: null,
  added_tokens: tokens.slice(0, 5).map((content, id) => ({
    id,
    content,
    single_word: false,
    lstrip: false,
    rstrip: false,
    normalized: false,
    special: true,
  })),
  normalizer: {
    type: 'BertNormalizer',
    clean_text: true,
    handle_chinese_chars: true,
    strip_accents: null,
    lowercase: true,
  },
  pre_tokenizer: { type: 'BertPreTokenizer' },
  post_processor: {
    type: 'TemplateProcessing',
    single: [special('[CLS]'), sequence('A', 0), special('[SEP]')],
    pair: [special('[CLS]'), sequence('A', 0), special('[SEP]'), sequence('B', 1), special('[SEP]')],
    special_tokens: {
      '[CLS]': { id: '[CLS]', ids: [2], tokens: ['[CLS]'] },
      '[SEP]': { id: '[SEP]', ids: [3], tokens: ['[SEP]'] },
    },
  },
  decoder: { type: 'WordPiece', prefix: '##', cleanup: true },
  model: {
    type: 'WordPiece',
    unk_token: '[UNK]',
    continuing_subword_prefix: '##',
    max_input_chars_per_word: 100,
    vocab: Object.fromEntries(tokens.map((token, id) => [token, id])),
  },
};

export const tokenizerConfig = {
  cls_token: '[CLS]',
  sep_token: { content: '[SEP]', special: true },
  pad_token: '[PAD]',
  unk_token: '[UNK]',
  mask_token: '[MASK]',
  do_lower_case: true,
  model_max_length: 16,
  strip_accents: null,
  tokenize_chinese_chars: true,
  tokenizer_class: 'BertTokenizer',
};

const { shape } = readConfig(json(config), 'config.json');
let next = 0;
export const weights = new Map(
  [...familyOf(shape).parameters(shape)].map(([name, dims]) => {
    const size = dims.reduce((product, dim) => product * dim, 1);
    return [
      name,
      fromFloat32(
        dims,
        Float32Array.from({ length: size }, () => ((next++ % 17) - 8) / 32),
      ),
    ];
  }),
);

export const modelCard = utf8('---\nlicense: "apache-2.0" # yes\nlanguage: en\n---\n# Tiny\n');

/** As sentence-transformers saves them. */
export const modelFiles: ReadonlyMap<string, Bytes> = new Map([
  ['config.json', json(config)],
  ['model.safetensors', writeSafetensors(weights)],
  ['modules.json', json(modules)],
  [
    '1_Pooling/config.json',
    json({ word_embedding_dimension: 4, pooling_mode_cls_token: false, pooling_mode_mean_tokens: true }),
  ],
  ['sentence_bert_config.json', json({ max_seq_length: 16, do_lower_case: false })],
  [
    'config_sentence_transformers.json',
    json({
      __version__: { transformers: '4' },
      prompts: { query: 'query: ', document: 'passage: ' },
      default_prompt_name: null,
      similarity_fn_name: 'cosine',
    }),
  ],
  ['tokenizer.json', json(tokenizer)],
  ['tokenizer_config.json', json(tokenizerConfig)],
  ['README.md', modelCard],
]);
