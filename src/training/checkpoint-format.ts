/**
 * The format of a checkpoint: safetensors shards of at most 8 MB in a store, with a manifest of their contents.
 *
 * Tensors that are not trained fill shards of their own, so that these are the same in every checkpoint and a store
 * that names blobs by their content keeps them once.
 */
import { elementCount } from '../core/tensor-size.ts';
import type { Weights, WeightTensor } from '../encoders/types.ts';
import {
  fromFloat32,
  readSafetensors,
  toFloat32,
  writeSafetensors,
  type StoredTensor,
} from '../formats/safetensors.ts';
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

/** The content of one shard. The same tensors give the same plan. */
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

/** A moment has its weight's shape; that of a parameter that is not a model weight (an adapter's) is flat. */
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
  return `${role === 'weight' ? name : `optimizer.${role}_moment.${name}`}@${start}`;
}

/** The tensors of a checkpoint as they are read, piece by piece. */
export class TensorAssembly {
  readonly #weights = new Map<string, WeightTensor>();
  readonly #moments = {
    first: new Map<string, Float32Array<ArrayBuffer>>(),
    second: new Map<string, Float32Array<ArrayBuffer>>(),
  };

  /** @param file Named in errors. @throws SafetensorsError, RangeError if the shard does not match the plan. */
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
    const { first, second } = this.#moments;
    for (const [name, { length }] of [...first, ...second]) {
      if (first.get(name)?.length !== length || second.get(name)?.length !== length) {
        throw new RangeError(`checkpoint: the moments of "${name}" do not match`);
      }
    }
    return { weights: this.#weights, moments: this.#moments };
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
