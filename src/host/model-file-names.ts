/** The files of a model that its readers may ask for. */

/** In the order of preference: the first that the folder has is read. */
export const WEIGHT_FILES: readonly string[] = [
  'model.safetensors',
  'model.safetensors.index.json',
  'pytorch_model.bin',
];

/** Files that the library reads in addition to the studio's: the graph, and weights too large for it. */
export const LIBRARY_FILES: readonly string[] = ['onnx/model.onnx', 'onnx/model.onnx_data'];

/** The tokenizer files of a model folder; an export carries them along unchanged. */
export const TOKENIZER_FILES: readonly string[] = [
  'tokenizer.json',
  'tokenizer_config.json',
  'vocab.txt',
  'special_tokens_map.json',
  'added_tokens.json',
];

/** How texts become vectors; `sentence_FAMILY_config.json` are the fourth kind. */
const ENCODING_FILES: readonly string[] = [
  'modules.json',
  'config_sentence_transformers.json',
  'tokenizer_config.json',
];

const NAMED_FILES: ReadonlySet<string> = new Set([
  'config.json',
  'README.md',
  ...ENCODING_FILES,
  ...TOKENIZER_FILES,
  ...WEIGHT_FILES,
  ...LIBRARY_FILES,
]);

/** Whether reading a model may ask for this file: what a host fetches, and nothing else that a repository holds. */
export function isModelFile(path: string): boolean {
  return (
    NAMED_FILES.has(path) ||
    /^sentence_\w+_config\.json$/.test(path) ||
    /^\d+_Pooling\/config\.json$/.test(path) ||
    /^\d+_StaticEmbedding\/(?:tokenizer\.json|model\.safetensors)$/.test(path) ||
    /^model-\d{5}-of-\d{5}\.safetensors$/.test(path)
  );
}
