import { InputError } from '../../core/errors.ts';
import { readSafetensors, numbersOf, type StoredTensor } from '../../formats/safetensors.ts';
import type { WeightTensor } from '../types.ts';

/**
 * The table of a static encoder, one row for each token id. What model2vec keeps beside it is folded in: row `i` is
 * `embeddings[mapping[i]] · weights[i]`. Tables of int8 have lost their scale; where vectors are normalized, which makes
 * it count for nothing, their largest value becomes 1.
 * @param name of the table
 * @throws InputError for what is missing, does not fit, or is no number
 */
export function foldedTable(
  bytes: Uint8Array<ArrayBuffer>,
  file: string,
  name: string,
  normalize: boolean,
): WeightTensor {
  const { tensors } = readSafetensors(bytes, file);
  const refuse = (problem: string, remedy: string): never => {
    throw new InputError(problem, { file, remedy });
  };
  const stored = tensors.get(name);
  const [rows, width] = stored?.dims ?? [];
  if (stored === undefined || rows === undefined || width === undefined || stored.dims.length !== 2) {
    return refuse(
      stored === undefined
        ? `the file has no tensor ${name}`
        : `${name} has the shape [${stored.dims.join(', ')}], which is no table`,
      'Use the weights of a static encoder: model2vec, or a StaticEmbedding of sentence-transformers',
    );
  }
  const values = numbersOf(stored, name, file);
  if (stored.dtype === 'I8' && normalize)
    for (let i = 0; i < values.length; i++) values[i] = (values[i] as number) / 127;
  const mapping = optional(tensors, 'mapping', file);
  const weights = optional(tensors, 'weights', file);
  const count = mapping?.length ?? rows;
  if (count * width > 2 ** 30)
    refuse(`${count} tokens have vectors of ${width} numbers`, 'Use a smaller model');
  if (weights !== undefined && weights.length !== count) {
    refuse(
      `there are ${weights.length} weights for ${count} tokens`,
      'Use the weights file that belongs to the model',
    );
  }
  const isWhole = mapping === undefined && values instanceof Float32Array;
  const data = isWhole ? values : new Float32Array(count * width);
  for (let token = 0; token < count; token++) {
    const row = mapping?.[token] ?? token;
    if (!(row >= 0 && row < rows)) {
      refuse(
        `the token ${token} is mapped to row ${row}, but the table has ${rows} rows`,
        'Use the weights file that belongs to the model',
      );
    }
    const weight = weights?.[token] ?? 1;
    for (let x = 0; x < width; x++) {
      const value = (values[row * width + x] as number) * weight;
      if (!Number.isFinite(value)) {
        refuse(
          `row ${token} of ${name} has the value ${value} at dimension ${x}`,
          'Use a checkpoint from before training diverged, or download it again',
        );
      }
      data[token * width + x] = value;
    }
  }
  return { dims: [count, width], data };
}

function optional(
  tensors: ReadonlyMap<string, StoredTensor>,
  name: string,
  file: string,
): Float32Array | Float64Array | undefined {
  const tensor = tensors.get(name);
  return tensor && numbersOf(tensor, name, file);
}
