import { jsonFile, parseJsonObject, type JsonObject } from '../formats/json-file.ts';
import { modelCard, type ModelCardInfo } from './model-card.ts';
import {
  fromFloat32,
  safetensorsChunks,
  toFloat16,
  toFloat8,
  type StoredTensor,
} from '../formats/safetensors.ts';
import { tableFamilyOf, transformerOf } from './families/index.ts';
import { LIBRARY_FILE } from './sentence-transformers-files.ts';
import type { EncoderFile, EncoderModel, StoredWeights } from './types.ts';

export interface EncoderFilesOptions {
  /** The transformer as an ONNX model, for transformers.js. */
  readonly onnx?: Uint8Array<ArrayBuffer> | undefined;
  /** The default is `F32`. */
  readonly weights?: StoredWeights;
}

/**
 * A model as a folder in the Hugging Face layout, which sentence-transformers and transformers.js open unchanged:
 * the config with its unknown fields, fp32 weights under the model class's own names (no prefix, no pooler, no
 * language-model head), the tokenizer as it was read, and the encoding settings.
 */
export function encoderFiles(
  model: EncoderModel,
  card: ModelCardInfo,
  options: EncoderFilesOptions = {},
): EncoderFile[] {
  const { shape, encoding, baggage } = model;
  const similarity = encoding.normalize ? 'cosine' : 'dot';
  const readme = modelCard(card, {
    license: baggage.license,
    dimensions: shape.hiddenSize,
    similarity,
    ...encoding,
  });
  const { weights = 'F32', onnx } = options;
  const table = tableFamilyOf(shape);
  return [
    { path: 'README.md', content: new TextEncoder().encode(readme) },
    ...(table === undefined ? transformerFiles(model, weights) : table.files(model, weights)),
    {
      path: LIBRARY_FILE,
      content: jsonFile({
        model_type: 'SentenceTransformer',
        prompts: { query: encoding.queryPrefix, document: encoding.passagePrefix },
        default_prompt_name: null,
        similarity_fn_name: similarity,
      }),
    },
    ...(onnx === undefined ? [] : [{ path: 'onnx/model.onnx', content: onnx }]),
  ];
}

function transformerFiles(model: EncoderModel, weights: StoredWeights): EncoderFile[] {
  return [
    { path: 'config.json', content: jsonFile(modelConfig(model)) },
    { path: 'model.safetensors', content: weightChunks(model, weights) },
    ...tokenizerFiles(model),
    { path: 'modules.json', content: jsonFile(modules(model.encoding.normalize)) },
    { path: '1_Pooling/config.json', content: jsonFile(poolingConfig(model)) },
    { path: 'sentence_bert_config.json', content: jsonFile(transformerSettings(model)) },
  ];
}

/** config.json as it was read, but for what the export changes: the class and the type of the weights. */
function modelConfig({ shape, baggage }: EncoderModel): JsonObject {
  const { config } = baggage;
  return {
    ...config,
    architectures: [`${transformerOf(shape).className}Model`],
    model_type: shape.family,
    // transformers renamed the field in version 5 and reads both.
    [Object.hasOwn(config, 'dtype') ? 'dtype' : 'torch_dtype']: 'float32',
  };
}

function weightChunks(
  { shape, weights }: EncoderModel,
  type: StoredWeights,
): Iterable<Uint8Array<ArrayBuffer>> {
  if (type === 'I8') throw new RangeError('only tables of token vectors are stored as int8');
  const { parameters, wordEmbeddings, linearLayers } = transformerOf(shape);
  const large = new Set([wordEmbeddings, ...linearLayers(shape).map(({ name }) => `${name}.weight`)]);
  const tensors = new Map<string, StoredTensor>();
  for (const name of parameters(shape).keys()) {
    const tensor = weights.get(name);
    if (!tensor) throw new RangeError(`the model has no tensor ${name}`);
    const store = type === 'F32' ? fromFloat32 : type === 'F8_E4M3' && large.has(name) ? toFloat8 : toFloat16;
    tensors.set(name, store(tensor.dims, tensor.data));
  }
  // transformers refuses files whose metadata does not name their format.
  return { [Symbol.iterator]: () => safetensorsChunks(tensors, new Map([['format', 'pt']])) };
}

/** The files as they were read; where there was only vocab.txt, also what transformers.js needs. */
function tokenizerFiles({ shape, encoding, baggage }: EncoderModel): EncoderFile[] {
  const { tokenizer } = transformerOf(shape);
  const files = new Map(baggage.files);
  files.delete('sentence_bert_config.json');
  const stored = files.get('tokenizer_config.json');
  const settings = stored ? parseJsonObject(stored, 'tokenizer_config.json') : {};
  const vocabulary = files.get('vocab.txt');
  if (!files.has('tokenizer.json') && vocabulary) {
    files.set('tokenizer.json', jsonFile(tokenizer.fromVocabulary(vocabulary, settings, 'vocab.txt')));
  }
  if (!stored) {
    files.set(
      'tokenizer_config.json',
      jsonFile({
        tokenizer_class: tokenizer.className,
        do_lower_case: true,
        model_max_length: Math.max(encoding.queryMaxLength, encoding.passageMaxLength),
      }),
    );
  }
  return [...files].map(([path, content]) => ({ path, content }));
}

function modules(normalize: boolean): JsonObject[] {
  const module = (idx: number, path: string, type: string): JsonObject => ({
    idx,
    name: String(idx),
    path,
    type: `sentence_transformers.models.${type}`,
  });
  return [
    module(0, '', 'Transformer'),
    module(1, '1_Pooling', 'Pooling'),
    ...(normalize ? [module(2, '2_Normalize', 'Normalize')] : []),
  ];
}

function poolingConfig({ shape, encoding }: EncoderModel): JsonObject {
  return {
    word_embedding_dimension: shape.hiddenSize,
    pooling_mode_cls_token: encoding.pooling === 'cls',
    pooling_mode_mean_tokens: encoding.pooling === 'mean',
    pooling_mode_max_tokens: false,
    pooling_mode_mean_sqrt_len_tokens: false,
  };
}

/** sentence-transformers knows one length: the longer of ours, since cutting shorter is up to the caller. */
function transformerSettings({ encoding, baggage }: EncoderModel): JsonObject {
  const stored = baggage.files.get('sentence_bert_config.json');
  return {
    do_lower_case: false,
    ...(stored ? parseJsonObject(stored, 'sentence_bert_config.json') : {}),
    max_seq_length: Math.max(encoding.queryMaxLength, encoding.passageMaxLength),
  };
}
