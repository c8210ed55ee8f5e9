/**
 * How a checkpoint becomes bytes: safetensors shards of at most 8 MB in a store, whose manifest says what is where,
 * or one safetensors file.
 *
 * Tensors that are not trained fill shards of their own, so that these are the same in every checkpoint and a store
 * that names blobs by their content keeps them once.
 */
import { elementCount } from '../graph/nd-array.ts';
import { InputError, messageOf } from '../host/errors.ts';
import type { Weights, WeightTensor } from '../encoders/types.ts';
import {
  fromFloat32,
  readSafetensors,
  toFloat32,
  writeSafetensors,
  type StoredTensor,
} from '../encoders/safetensors.ts';
import type { TrainingCheckpoint, TrainingState } from './checkpoint-state.ts';
import type { Moments } from './parameter-state.ts';

/** Bytes of tensors in a shard; its header comes on top. */
export const SHARD_BYTES = 8_000_000;

/** `weight`: a model weight; `first`, `second`: AdamW's moments of it. */
export type TensorRole = 'weight' | 'first' | 'second';

/** A tensor of a checkpoint, or a run of its elements where it is larger than a shard. */
export type TensorPiece = Readonly<{
  role: TensorRole;
  name: string;
  /** The whole tensor's. */
  dims: readonly number[];
  /** The first element of the piece in the tensor, row-major. */
  start: number;
  elements: number;
}>;

/** What goes into one shard. The same tensors give the same plan. */
export type ShardPlan = readonly TensorPiece[];

export interface CheckpointTensors {
  readonly weights: Weights;
  readonly moments: Moments;
}

/** Divides a checkpoint's tensors: frozen weights, trained weights, first moments, second moments, each by itself. */
export function planShards({ weights, moments }: CheckpointTensors): ShardPlan[] {
  const trained = [...moments.first.keys()].sort();
  const isTrained = (name: string) => moments.first.has(name);
  const names = [...weights.keys()].sort();
  const group = (role: TensorRole, members: readonly string[]) =>
    divide(members.map((name) => ({ role, name, dims: dimsOf(name, { weights, moments }) })));
  return [
    ...group(
      'weight',
      names.filter((name) => !isTrained(name)),
    ),
    ...group('weight', names.filter(isTrained)),
    ...group('first', trained),
    ...group('second', trained),
  ];
}

/** Fills shards in order; a tensor is cut only if it is larger than a shard. */
function divide(tensors: readonly Omit<TensorPiece, 'start' | 'elements'>[]): ShardPlan[] {
  const capacity = SHARD_BYTES / Float32Array.BYTES_PER_ELEMENT;
  const shards: TensorPiece[][] = [];
  let room = 0;
  for (const tensor of tensors) {
    const size = elementCount(tensor.dims);
    for (let start = 0; start === 0 || start < size; start += capacity) {
      const elements = Math.min(size - start, capacity);
      const piece = { ...tensor, start, elements };
      const shard = shards.at(-1);
      if (shard === undefined || elements > room) {
        shards.push([piece]);
        room = capacity - elements;
      } else {
        shard.push(piece);
        room -= elements;
      }
    }
  }
  return shards;
}

/** A moment has its weight's shape; one of a parameter that is no model weight (an adapter's) is taken as flat. */
function dimsOf(name: string, { weights, moments }: CheckpointTensors): readonly number[] {
  return weights.get(name)?.dims ?? [moments.first.get(name)?.length ?? 0];
}

/** One shard as a safetensors file. */
export function encodeShard(plan: ShardPlan, source: CheckpointTensors): Uint8Array<ArrayBuffer> {
  const tensors = new Map<string, StoredTensor>();
  for (const piece of plan) {
    const data = tensorData(source, piece);
    const part = data.subarray(piece.start, piece.start + piece.elements);
    const dims = part.length === data.length ? piece.dims : [piece.elements];
    tensors.set(pieceName(piece), fromFloat32(dims, part));
  }
  return writeSafetensors(tensors);
}

function tensorData(
  { weights, moments }: CheckpointTensors,
  { role, name, dims }: TensorPiece,
): Float32Array<ArrayBuffer> {
  const data = role === 'weight' ? weights.get(name)?.data : moments[role].get(name);
  if (data?.length !== elementCount(dims)) {
    throw new RangeError(
      `checkpoint: ${role} of "${name}" has ${data?.length ?? 'no'} elements, its shape is [${dims.join(', ')}]`,
    );
  }
  return data;
}

function pieceName({ role, name, start }: TensorPiece): string {
  return `${fileName(role, name)}@${start}`;
}

/** Names in one file: weights keep theirs, so that a weight reader finds them. */
function fileName(role: TensorRole, name: string): string {
  return role === 'weight' ? name : `optimizer.${role}_moment.${name}`;
}

/** The tensors of a checkpoint as they are read, piece by piece. */
export class TensorAssembly {
  readonly #weights = new Map<string, WeightTensor>();
  readonly #moments = {
    first: new Map<string, Float32Array<ArrayBuffer>>(),
    second: new Map<string, Float32Array<ArrayBuffer>>(),
  };

  /** @param file Named in errors. @throws SafetensorsError, RangeError if the shard is not what the plan says. */
  add(plan: ShardPlan, shard: Uint8Array<ArrayBuffer>, file: string): void {
    const { tensors } = readSafetensors(shard, file);
    for (const piece of plan) {
      const name = pieceName(piece);
      const stored = tensors.get(name);
      const values = stored && toFloat32(stored, name, file);
      if (values?.length !== piece.elements) {
        throw new RangeError(
          `${file}: tensor "${name}" has ${values?.length ?? 'no'} elements, not ${piece.elements}`,
        );
      }
      // A tensor in one piece is the copy that was read; no second one.
      if (piece.elements === elementCount(piece.dims)) this.#put(piece, values);
      else this.#tensor(piece).set(values, piece.start);
    }
  }

  /** @throws RangeError unless each first moment has its second. */
  finish(): CheckpointTensors {
    return { weights: this.#weights, moments: checkedMoments(this.#moments) };
  }

  #tensor(piece: TensorPiece): Float32Array<ArrayBuffer> {
    const { role, name, dims } = piece;
    const present = role === 'weight' ? this.#weights.get(name)?.data : this.#moments[role].get(name);
    return present ?? this.#put(piece, new Float32Array(elementCount(dims)));
  }

  #put({ role, name, dims }: TensorPiece, data: Float32Array<ArrayBuffer>): Float32Array<ArrayBuffer> {
    if (role === 'weight') this.#weights.set(name, { dims, data });
    else this.#moments[role].set(name, data);
    return data;
  }
}

function checkedMoments(moments: Moments): Moments {
  for (const [name, { length }] of [...moments.first, ...moments.second]) {
    if (moments.first.get(name)?.length !== length || moments.second.get(name)?.length !== length) {
      throw new RangeError(`checkpoint: the moments of "${name}" do not match`);
    }
  }
  return moments;
}

const STATE_KEY = 'retriever_studio.training_state';

/** A checkpoint as one safetensors file: weights under their names, moments beside them, the state in the header. */
export function encodeCheckpointFile(checkpoint: TrainingCheckpoint): Uint8Array<ArrayBuffer> {
  const { weights, moments, state } = checkpoint;
  const tensors = new Map<string, StoredTensor>();
  for (const [name, { dims, data }] of weights) tensors.set(name, fromFloat32(dims, data));
  for (const role of ['first', 'second'] as const) {
    for (const [name, data] of moments[role]) {
      tensors.set(fileName(role, name), fromFloat32(dimsOf(name, checkpoint), data));
    }
  }
  const metadata = new Map([
    ['format', 'pt'],
    [STATE_KEY, JSON.stringify(state)],
  ]);
  return writeSafetensors(tensors, metadata);
}

/** @param file Named in errors. @throws InputError if it is no checkpoint of ours. */
export function decodeCheckpointFile(bytes: Uint8Array<ArrayBuffer>, file: string): TrainingCheckpoint {
  const { tensors, metadata } = readSafetensors(bytes, file);
  const refused = (problem: string, cause?: unknown): InputError =>
    new InputError(problem, {
      remedy:
        'Use a checkpoint that the studio exported; a file of weights alone is a model, not a checkpoint',
      file,
      cause,
    });
  const text = metadata.get(STATE_KEY);
  if (text === undefined) throw refused('the file contains no training state');
  let state: unknown;
  try {
    state = JSON.parse(text);
  } catch (cause) {
    throw refused('the training state is not valid JSON', cause);
  }
  if (typeof state !== 'object' || state === null || !('step' in state)) {
    throw refused('the file contains no training state');
  }
  const weights = new Map<string, WeightTensor>();
  const moments = {
    first: new Map<string, Float32Array<ArrayBuffer>>(),
    second: new Map<string, Float32Array<ArrayBuffer>>(),
  };
  for (const [name, tensor] of tensors) {
    const data = toFloat32(tensor, name, file);
    const moment = /^optimizer\.(first|second)_moment\.(.+)$/.exec(name);
    if (moment) moments[moment[1] as 'first' | 'second'].set(moment[2] as string, data);
    else weights.set(name, { dims: tensor.dims, data });
  }
  try {
    checkedMoments(moments);
  } catch (cause) {
    throw refused(messageOf(cause), cause);
  }
  // The rest of the state is compared member by member when it is resumed.
  return { weights, moments, state: state as TrainingState };
}
