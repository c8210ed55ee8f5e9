import type { DeviceWeights } from '../encoders/device-weights.ts';
import type { Weights, WeightTensor } from '../encoders/types.ts';
import { elementCount } from '../core/tensor-size.ts';
import type { DeviceTensor, Runtime, Session } from '../host/contract.ts';
import { createDeviceUpdate, type DeviceTensors, type DeviceUpdate } from './device-update.ts';
import {
  createNormSession,
  createUpdateSession,
  decays,
  scalarNames,
  updateScalars,
  type AdamWSettings,
} from './optimizer.ts';

/** Adam's moments of each trainable parameter. */
export interface Moments {
  readonly first: ReadonlyMap<string, Float32Array<ArrayBuffer>>;
  readonly second: ReadonlyMap<string, Float32Array<ArrayBuffer>>;
}

/**
 * Weights, gradients and moments of a training, where the runtime computes. Gradients add up over micro-batches
 * until {@link ParameterState.update} applies and clears them.
 */
export interface ParameterState {
  /** Every parameter, trainable or not. */
  readonly weights: DeviceWeights;
  readonly trainable: readonly string[];
  /** Who adds the word embeddings' gradient rows (see TrainingGraphOptions.embeddingRows). */
  readonly embeddingRows: 'host' | 'device';
  gradient(name: string): DeviceTensor;
  /** Takes the tensor that a backward run returned for a gradient. */
  setGradient(name: string, tensor: DeviceTensor): void;
  /** Adds rows to a gradient in host memory, in the order of the ids. @param rows [ids, width] */
  addRows(name: string, ids: Int32Array, rows: Float32Array): void;
  /** The global norm of the gradients. */
  gradientNorm(): Promise<number>;
  /** Forgets what was added since the last update. */
  clearGradients(): Promise<void>;
  /** One AdamW step (counted from 1), then gradients are zero again. */
  update(learningRate: number, step: number, gradientNorm: number): Promise<void>;
  /** Copies of the current values. */
  readWeights(): Promise<Map<string, WeightTensor>>;
  readMoments(): Promise<Moments>;
  /** Sets trainable weights, and moments where given; gradients are zero afterwards. */
  restore(weights: Weights, moments: Moments | undefined): Promise<void>;
  close(): Promise<void>;
}

export async function createParameterState(
  runtime: Runtime,
  weights: Weights,
  trainable: readonly string[],
  settings: AdamWSettings,
): Promise<ParameterState> {
  const onHost = runtime.device === 'cpu' || runtime.device === 'wasm';
  return onHost
    ? FlatState.create(runtime, weights, trainable, settings)
    : DeviceState.create(runtime, weights, trainable, settings);
}

function scalarTensors(
  runtime: Runtime,
  settings: AdamWSettings,
  learningRate: number,
  step: number,
  gradientNorm: number,
): Record<string, DeviceTensor> {
  const scalars = updateScalars(settings, learningRate, step, gradientNorm);
  return Object.fromEntries(
    scalarNames.map((name) => [name, runtime.tensor('float32', [1], Float32Array.of(scalars[name]))]),
  );
}

/** Runs a norm session; its partial sums are added in float64. */
async function sumOfSquares(
  runtime: Runtime,
  norm: Session,
  gradients: Readonly<Record<string, DeviceTensor>>,
): Promise<number> {
  const squares = (await norm.run(gradients)).squares as DeviceTensor;
  let sum = 0;
  for (const square of (await runtime.read(squares)) as Float32Array) sum += square;
  squares.dispose();
  return sum;
}

/**
 * Stretch of the flat vectors that one update run works on: small enough for the fifteen passes of AdamW to stay
 * in a core's cache, where whole vectors would go to memory each time.
 */
const stretch = 262144;
/** Elements of one partial sum of squares. */
const partSize = 1024;
/** Tensors start at multiples of this many floats (64 bytes, a cache line). */
const alignment = 16;

/**
 * On the CPU all trainable parameters are contiguous in one vector, and their gradients and moments in three more; the
 * graphs read and write views of them, so nothing is copied.
 */
class FlatState implements ParameterState {
  readonly weights: Map<string, DeviceTensor>;
  readonly trainable: readonly string[];
  readonly embeddingRows = 'host';
  readonly #runtime: Runtime;
  readonly #settings: AdamWSettings;
  readonly #places: ReadonlyMap<string, { offset: number; dims: readonly number[] }>;
  readonly #vectors: Readonly<Record<'w' | 'g' | 'm' | 'v', Float32Array<ArrayBuffer>>>;
  readonly #gradients = new Map<string, DeviceTensor>();
  readonly #decayedLength: number;
  readonly #stretch: number;
  readonly #sessions: Readonly<Record<'decayed' | 'plain' | 'norm', Session>>;

  static async create(
    runtime: Runtime,
    weights: Weights,
    trainable: readonly string[],
    settings: AdamWSettings,
  ): Promise<FlatState> {
    const total = trainable.reduce((sum, name) => sum + elementCount(weights.get(name)?.dims ?? []), 0);
    const length = Math.min(stretch, Math.ceil(total / partSize) * partSize);
    const entry = { name: 'p', shape: [length] };
    return new FlatState(runtime, weights, trainable, settings, length, {
      decayed: await createUpdateSession(runtime, settings, [{ ...entry, decayed: true }], false),
      plain: await createUpdateSession(runtime, settings, [{ ...entry, decayed: false }], false),
      norm: await createNormSession(runtime, [entry], partSize),
    });
  }

  constructor(
    runtime: Runtime,
    weights: Weights,
    trainable: readonly string[],
    settings: AdamWSettings,
    length: number,
    sessions: Readonly<Record<'decayed' | 'plain' | 'norm', Session>>,
  ) {
    this.#runtime = runtime;
    this.#settings = settings;
    this.#stretch = length;
    this.#sessions = sessions;
    this.trainable = trainable;
    const places = new Map<string, { offset: number; dims: readonly number[] }>();
    let end = 0;
    const place = (decayed: boolean): void => {
      for (const name of trainable) {
        const tensor = weights.get(name);
        if (tensor === undefined) throw new Error(`no weights for ${name}`);
        if (decays(tensor.dims) !== decayed) continue;
        places.set(name, { offset: end, dims: tensor.dims });
        end += Math.ceil(elementCount(tensor.dims) / alignment) * alignment;
      }
      end = Math.ceil(end / length) * length;
    };
    place(true);
    this.#decayedLength = end;
    place(false);
    this.#places = places;
    this.#vectors = {
      w: new Float32Array(end),
      g: new Float32Array(end),
      m: new Float32Array(end),
      v: new Float32Array(end),
    };
    this.weights = new Map();
    for (const [name, { dims, data }] of weights) {
      if (!places.has(name)) {
        this.weights.set(name, runtime.tensor('float32', dims, data));
        continue;
      }
      const view = this.#view('w', name);
      view.set(data);
      this.weights.set(name, runtime.tensor('float32', dims, view));
      this.#gradients.set(name, runtime.tensor('float32', dims, this.#view('g', name)));
    }
  }

  gradient(name: string): DeviceTensor {
    const tensor = this.#gradients.get(name);
    if (tensor === undefined) throw new Error(`${name} does not train`);
    return tensor;
  }

  setGradient(name: string, tensor: DeviceTensor): void {
    if (this.gradient(name) !== tensor) throw new Error(`the gradient of ${name} was not added in place`);
  }

  addRows(name: string, ids: Int32Array, rows: Float32Array): void {
    const gradient = this.#view('g', name);
    const width = rows.length / ids.length;
    for (let i = 0; i < ids.length; i++) {
      const target = (ids[i] as number) * width;
      const source = i * width;
      for (let k = 0; k < width; k++) {
        gradient[target + k] = (gradient[target + k] as number) + (rows[source + k] as number);
      }
    }
  }

  async gradientNorm(): Promise<number> {
    let sum = 0;
    for (let start = 0; start < this.#vectors.g.length; start += this.#stretch) {
      sum += await sumOfSquares(this.#runtime, this.#sessions.norm, { 'g.p': this.#slice('g', start) });
    }
    return Math.sqrt(sum);
  }

  clearGradients(): Promise<void> {
    this.#vectors.g.fill(0);
    return Promise.resolve();
  }

  async update(learningRate: number, step: number, gradientNorm: number): Promise<void> {
    const scalars = scalarTensors(this.#runtime, this.#settings, learningRate, step, gradientNorm);
    for (let start = 0; start < this.#vectors.w.length; start += this.#stretch) {
      const session = start < this.#decayedLength ? this.#sessions.decayed : this.#sessions.plain;
      const [w, g, m, v] = (['w', 'g', 'm', 'v'] as const).map((kind) => this.#slice(kind, start)) as [
        DeviceTensor,
        DeviceTensor,
        DeviceTensor,
        DeviceTensor,
      ];
      await session.run(
        { ...scalars, 'w.p': w, 'g.p': g, 'm.p': m, 'v.p': v },
        { 'new_w.p': w, 'new_m.p': m, 'new_v.p': v },
      );
    }
    this.#vectors.g.fill(0);
  }

  readWeights(): Promise<Map<string, WeightTensor>> {
    const copies = new Map<string, WeightTensor>();
    for (const [name, tensor] of this.weights) {
      const data = this.#runtime.hostMemory(tensor) as Float32Array<ArrayBuffer>;
      copies.set(name, { dims: tensor.dims, data: data.slice() });
    }
    return Promise.resolve(copies);
  }

  readMoments(): Promise<Moments> {
    const copy = (kind: 'm' | 'v'): Map<string, Float32Array<ArrayBuffer>> =>
      new Map(this.trainable.map((name) => [name, this.#view(kind, name).slice()]));
    return Promise.resolve({ first: copy('m'), second: copy('v') });
  }

  restore(weights: Weights, moments: Moments | undefined): Promise<void> {
    for (const name of this.trainable) {
      const tensor = weights.get(name);
      if (tensor === undefined) throw new Error(`no weights for ${name}`);
      this.#view('w', name).set(tensor.data);
      if (moments === undefined) continue;
      this.#view('m', name).set(moments.first.get(name) ?? []);
      this.#view('v', name).set(moments.second.get(name) ?? []);
    }
    this.#vectors.g.fill(0);
    return Promise.resolve();
  }

  async close(): Promise<void> {
    for (const session of Object.values(this.#sessions)) await session.release();
  }

  #view(kind: 'w' | 'g' | 'm' | 'v', name: string): Float32Array<ArrayBuffer> {
    const place = this.#places.get(name);
    if (place === undefined) throw new Error(`${name} does not train`);
    return this.#vectors[kind].subarray(place.offset, place.offset + elementCount(place.dims));
  }

  #slice(kind: 'w' | 'g' | 'm' | 'v', start: number): DeviceTensor {
    const data = this.#vectors[kind].subarray(start, start + this.#stretch);
    return this.#runtime.tensor('float32', [this.#stretch], data);
  }
}

/** On a GPU each parameter has its own tensors. */
class DeviceState implements ParameterState {
  readonly weights: Map<string, DeviceTensor>;
  readonly trainable: readonly string[];
  readonly embeddingRows = 'device';
  readonly #runtime: Runtime;
  readonly #settings: AdamWSettings;
  readonly #tensors: DeviceTensors = { w: new Map(), g: new Map(), m: new Map(), v: new Map() };
  readonly #update: DeviceUpdate;
  readonly #norm: Session;

  static async create(
    runtime: Runtime,
    weights: Weights,
    trainable: readonly string[],
    settings: AdamWSettings,
  ): Promise<DeviceState> {
    const entries = trainable.map((name) => {
      const tensor = weights.get(name);
      if (tensor === undefined) throw new Error(`no weights for ${name}`);
      return { name, shape: tensor.dims, decayed: decays(tensor.dims) };
    });
    const state = new DeviceState(
      runtime,
      trainable,
      settings,
      await createDeviceUpdate(runtime, settings, entries),
      await createNormSession(runtime, entries, partSize),
    );
    const trains = new Set(trainable);
    for (const [name, { dims, data }] of weights) {
      // Updates write into memory that stayed on the host, and the caller's weights are the caller's.
      const values = trains.has(name) ? data.slice() : data;
      state.weights.set(name, await runtime.upload(runtime.tensor('float32', dims, values)));
    }
    for (const { name, shape } of entries) {
      for (const kind of ['g', 'm', 'v'] as const) {
        state.#tensors[kind].set(name, await runtime.upload(runtime.tensor('float32', shape)));
      }
    }
    return state;
  }

  constructor(
    runtime: Runtime,
    trainable: readonly string[],
    settings: AdamWSettings,
    update: DeviceUpdate,
    norm: Session,
  ) {
    this.#runtime = runtime;
    this.trainable = trainable;
    this.#settings = settings;
    this.#update = update;
    this.#norm = norm;
    this.weights = this.#tensors.w;
  }

  gradient(name: string): DeviceTensor {
    return this.#tensor('g', name);
  }

  setGradient(name: string, tensor: DeviceTensor): void {
    this.#tensors.g.set(name, tensor);
  }

  addRows(): void {
    throw new Error('on a device the backward graph adds the rows');
  }

  async gradientNorm(): Promise<number> {
    const inputs = Object.fromEntries(this.trainable.map((name) => [`g.${name}`, this.gradient(name)]));
    return Math.sqrt(await sumOfSquares(this.#runtime, this.#norm, inputs));
  }

  async clearGradients(): Promise<void> {
    for (const name of this.trainable) {
      const { dims } = this.gradient(name);
      await this.#replace(this.#tensors.g, name, dims, new Float32Array(elementCount(dims)));
    }
  }

  async update(learningRate: number, step: number, gradientNorm: number): Promise<void> {
    await this.#update.run(this.#tensors, updateScalars(this.#settings, learningRate, step, gradientNorm));
  }

  async readWeights(): Promise<Map<string, WeightTensor>> {
    const copies = new Map<string, WeightTensor>();
    for (const [name, tensor] of this.weights) {
      copies.set(name, { dims: tensor.dims, data: await this.#read(tensor) });
    }
    return copies;
  }

  async readMoments(): Promise<Moments> {
    const copy = async (kind: 'm' | 'v'): Promise<Map<string, Float32Array<ArrayBuffer>>> => {
      const copies = new Map<string, Float32Array<ArrayBuffer>>();
      for (const name of this.trainable) copies.set(name, await this.#read(this.#tensor(kind, name)));
      return copies;
    };
    return { first: await copy('m'), second: await copy('v') };
  }

  async restore(weights: Weights, moments: Moments | undefined): Promise<void> {
    for (const name of this.trainable) {
      const tensor = weights.get(name);
      if (tensor === undefined) throw new Error(`no weights for ${name}`);
      await this.#replace(this.weights, name, tensor.dims, tensor.data.slice());
      await this.#replace(this.#tensors.g, name, tensor.dims, new Float32Array(tensor.data.length));
      if (moments === undefined) continue;
      const [first, second] = [moments.first.get(name), moments.second.get(name)];
      if (first === undefined || second === undefined) throw new Error(`no moments for ${name}`);
      await this.#replace(this.#tensors.m, name, tensor.dims, first.slice());
      await this.#replace(this.#tensors.v, name, tensor.dims, second.slice());
    }
  }

  async close(): Promise<void> {
    for (const tensors of Object.values(this.#tensors)) {
      for (const tensor of tensors.values()) tensor.dispose();
    }
    await this.#update.close();
    await this.#norm.release();
  }

  async #replace(
    tensors: Map<string, DeviceTensor>,
    name: string,
    dims: readonly number[],
    data: Float32Array<ArrayBuffer>,
  ): Promise<void> {
    tensors.get(name)?.dispose();
    tensors.set(name, await this.#runtime.upload(this.#runtime.tensor('float32', dims, data)));
  }

  #tensor(kind: 'g' | 'm' | 'v', name: string): DeviceTensor {
    const tensor = this.#tensors[kind].get(name);
    if (tensor === undefined) throw new Error(`${name} does not train`);
    return tensor;
  }

  async #read(tensor: DeviceTensor): Promise<Float32Array<ArrayBuffer>> {
    const data = (await this.#runtime.read(tensor)) as Float32Array<ArrayBuffer>;
    return data.slice();
  }
}
