import { formatBytes } from '../core/format-bytes.ts';
import { InputError } from '../core/errors.ts';

const MEBIBYTE = 2 ** 20;

/** Vocabularies and shard indexes: those of the largest multilingual models have some 35 MB. */
const LARGE_FILES: ReadonlySet<string> = new Set([
  'tokenizer.json',
  'vocab.txt',
  'model.safetensors.index.json',
]);

/** Bytes that a text file of a model may have; undefined for weights, which have limits of their own. */
function maxBytesOf(path: string): number | undefined {
  const name = path.slice(path.lastIndexOf('/') + 1);
  if (LARGE_FILES.has(name)) return 64 * MEBIBYTE;
  return /\.(json|txt|md)$/.test(name) ? 8 * MEBIBYTE : undefined;
}

/**
 * Refuses a model file that is too large for its kind. Hosts ask before they read or fetch it.
 * @throws InputError naming the file and the limit
 */
export function checkModelFileSize(path: string, bytes: number, file: string): void {
  const limit = maxBytesOf(path);
  if (limit === undefined || bytes <= limit) return;
  throw new InputError(`the file has ${formatBytes(bytes)}, but the limit is ${formatBytes(limit)}`, {
    file,
    remedy: 'Use the file that belongs to the model',
  });
}
