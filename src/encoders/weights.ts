import { quoted } from '../core/shown.ts';
import type { ModelFolder } from '../host/contract.ts';
import { InputError } from '../core/errors.ts';
import type { TransformerFamily } from './families/family.ts';
import { readSafetensors, readShardIndex, toFloat32, type StoredTensor } from '../formats/safetensors.ts';
import { readTorchCheckpoint } from '../formats/torch-pickle.ts';
import type { Weights, WeightTensor } from './types.ts';

/** Tensors by their names in the checkpoint, each with the file that holds it. */
export type Checkpoint = ReadonlyMap<string, { readonly tensor: StoredTensor; readonly file: string }>;

/**
 * Opens the weights of a model folder: model.safetensors, its shards, or pytorch_model.bin.
 * @throws InputError if there are none or a file is broken.
 */
export async function openCheckpoint(folder: ModelFolder): Promise<Checkpoint> {
  const at = (path: string): string => `${folder.name}/${path}`;
  const checkpoint = new Map<string, { tensor: StoredTensor; file: string }>();
  const add = (tensors: ReadonlyMap<string, StoredTensor>, file: string): void => {
    for (const [name, tensor] of tensors) checkpoint.set(name, { tensor, file });
  };
  if (await folder.has('model.safetensors')) {
    const file = at('model.safetensors');
    add(readSafetensors(await folder.read('model.safetensors'), file).tensors, file);
  } else if (await folder.has('model.safetensors.index.json')) {
    const index = at('model.safetensors.index.json');
    const places = readShardIndex(await folder.read('model.safetensors.index.json'), index);
    for (const shard of new Set(places.values())) {
      add(readSafetensors(await folder.read(shard), at(shard)).tensors, at(shard));
    }
    for (const [name, shard] of places) {
      if (checkpoint.get(name)?.file !== at(shard)) {
        throw new InputError(
          `the index places tensor ${quoted(name)} in ${shard}, which does not contain it`,
          {
            file: index,
            remedy: 'Download the model again',
          },
        );
      }
    }
  } else if (await folder.has('pytorch_model.bin')) {
    const file = at('pytorch_model.bin');
    add(await readTorchCheckpoint(await folder.read('pytorch_model.bin'), file), file);
  } else {
    throw new InputError('the folder has no weights', {
      file: folder.name,
      remedy: 'Add model.safetensors, or use another model',
    });
  }
  return checkpoint;
}

/**
 * Takes the wanted tensors out of a checkpoint, under the family's own names without a prefix. Whatever else it
 * holds (poolers, language-model heads, position_ids buffers) is left.
 * @throws InputError if one is missing, of another shape, or not finite.
 */
export function takeWeights(
  checkpoint: Checkpoint,
  family: TransformerFamily,
  wanted: ReadonlyMap<string, readonly number[]>,
  model: string,
): Weights {
  const names = standardNames(checkpoint, family, model);
  const missing = [...wanted.keys()].filter((name) => !names.has(name));
  if (missing.length > 0) {
    const more = missing.length > 3 ? ` and ${missing.length - 3} more` : '';
    throw new InputError(`the weights lack ${missing.slice(0, 3).join(', ')}${more}`, {
      file: model,
      remedy: 'Use a checkpoint that belongs to config.json',
    });
  }
  const weights = new Map<string, WeightTensor>();
  for (const [name, dims] of wanted) {
    const entry = names.get(name);
    if (!entry) continue;
    const { tensor, file } = entry;
    if (dims.length !== tensor.dims.length || dims.some((dim, i) => dim !== tensor.dims[i])) {
      throw new InputError(
        `${name} has the shape [${tensor.dims.join(', ')}], but config.json specifies [${dims.join(', ')}]`,
        { file, remedy: 'Use the config.json that belongs to the weights' },
      );
    }
    const data = toFloat32(tensor, name, file);
    const bad = firstNonFinite(data);
    if (bad !== undefined) {
      throw new InputError(`${name} has the value ${String(data[bad])} at element ${bad}`, {
        file,
        remedy: 'Use a checkpoint from before training diverged, or download it again',
      });
    }
    weights.set(name, { dims, data });
  }
  return weights;
}

/** The rows of the classification head, undefined without one. */
export function headRows(checkpoint: Checkpoint, { classification }: TransformerFamily): number | undefined {
  return checkpoint.get(`${classification.classifier}.weight`)?.tensor.dims[0];
}

/** The checkpoint under names without the prefix of the model class, and without those of TensorFlow's days. */
function standardNames(
  checkpoint: Checkpoint,
  { name: family, title, wordEmbeddings: marker }: TransformerFamily,
  model: string,
): Checkpoint {
  // What model classes put before an encoder's names.
  const prefixes = ['', `${family}.`, 'model.', 'auto_model.', '0.auto_model.'].filter((prefix) =>
    checkpoint.has(prefix + marker),
  );
  const [prefix, second] = prefixes;
  if (prefix === undefined) {
    throw new InputError(`the weights lack ${marker}`, {
      file: model,
      remedy: `Use the weights of a ${title} encoder`,
    });
  }
  if (second !== undefined) {
    throw new InputError(`the weights contain two encoders, "${prefix}${marker}" and "${second}${marker}"`, {
      file: model,
      remedy: 'Save the encoder to use in a separate folder',
    });
  }
  const renamed = new Map<string, { tensor: StoredTensor; file: string }>();
  for (const [name, entry] of checkpoint) {
    const own = name.startsWith(prefix) ? name.slice(prefix.length) : name;
    renamed.set(
      own.replace(/(^|\.)(LayerNorm\.)gamma$/, '$1$2weight').replace(/(^|\.)(LayerNorm\.)beta$/, '$1$2bias'),
      entry,
    );
  }
  return renamed;
}

function firstNonFinite(data: Float32Array): number | undefined {
  for (let i = 0; i < data.length; i++) if (!Number.isFinite(data[i])) return i;
  return undefined;
}
