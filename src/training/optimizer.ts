import { elementCount, Graph, type Shape, type Tensor } from '../graph/expression.ts';
import { peakBytes } from '../graph/memory.ts';
import { toOnnx } from '../graph/onnx.ts';
import { reduceSum, reduceSumSquare, reshape } from '../graph/ops/broadcasting.ts';
import { add, div, mul, sqrt, sub } from '../graph/ops/elementwise.ts';
import { concat, slice } from '../graph/ops/shape.ts';
import { integerPower } from '../core/exact-math.ts';
import type { ElementwiseProgram, Runtime, Session } from '../host/contract.ts';

/** AdamW with decoupled weight decay (Loshchilov and Hutter 2019, algorithm 2), as PyTorch computes it. */
export interface AdamWSettings {
  readonly beta1: number;
  readonly beta2: number;
  readonly epsilon: number;
  readonly weightDecay: number;
  /** The global gradient norm is scaled down to this; 0 leaves it alone. */
  readonly clipNorm: number;
}

export const defaultAdamW: AdamWSettings = {
  beta1: 0.9,
  beta2: 0.999,
  epsilon: 1e-8,
  weightDecay: 0.01,
  clipNorm: 1,
};

/** Biases and LayerNorm parameters, which are vectors, are not decayed, as in Hugging Face's Trainer. */
export function decays(dims: readonly number[]): boolean {
  return dims.length > 1;
}

/**
 * The scalars of one update, computed in float64 on the host and fed to the graph. Constants that meet are
 * multiplied here, since each would cost a pass over the parameters there. With c the clipping factor and
 * σ = 1/√(1 − β₂^t):
 */
export interface UpdateScalars {
  /** (1 − β₁)·c */
  readonly gradientWeight: number;
  /** (1 − β₂)·c² */
  readonly squareWeight: number;
  /** lr / (1 − β₁^t) / σ */
  readonly stepSize: number;
  /** ε / σ */
  readonly epsilon: number;
  /** 1 − lr·λ */
  readonly decayFactor: number;
}

/**
 * @param step counts from 1
 * @param gradientNorm before clipping
 */
export function updateScalars(
  settings: AdamWSettings,
  learningRate: number,
  step: number,
  gradientNorm: number,
): UpdateScalars {
  const { beta1, beta2, clipNorm } = settings;
  const clipping = clipNorm > 0 ? Math.min(1, clipNorm / (gradientNorm + 1e-6)) : 1;
  const rootCorrection = Math.sqrt(1 - integerPower(beta2, step));
  return {
    gradientWeight: (1 - beta1) * clipping,
    squareWeight: (1 - beta2) * clipping * clipping,
    stepSize: (learningRate / (1 - integerPower(beta1, step))) * rootCorrection,
    epsilon: settings.epsilon * rootCorrection,
    decayFactor: 1 - learningRate * settings.weightDecay,
  };
}

/** Names of the scalar inputs of an update graph. */
export const scalarNames = ['gradientWeight', 'squareWeight', 'stepSize', 'epsilon', 'decayFactor'] as const;

/** One parameter (or one stretch of a flat vector of parameters) of an update graph. */
export interface UpdateEntry {
  /** Inputs are `w.<name>`, `g.<name>`, `m.<name>`, `v.<name>`; outputs `new_w.<name>`, `new_m.…`, `new_v.…`. */
  readonly name: string;
  readonly shape: Shape;
  readonly decayed: boolean;
}

/**
 * The update of some parameters as a graph:
 * m ← β₁·m + (1−β₁)·c·g, v ← β₂·v + (1−β₂)·(c·g)², w ← (1−lr·λ)·w − stepSize·m / (√v + ε/σ).
 * Every output element depends on the same element of the inputs only, so a CPU may update in place.
 * @param clearGradients adds outputs `zero.<name>`: the gradient's buffer set to zero for the next step
 */
export async function createUpdateSession(
  runtime: Pick<Runtime, 'createSession'>,
  settings: AdamWSettings,
  entries: readonly UpdateEntry[],
  clearGradients: boolean,
): Promise<Session> {
  const graph = new Graph();
  const [gradientWeight, squareWeight, stepSize, epsilon, decayFactor] = scalarNames.map((name) =>
    graph.input(name, [1]),
  ) as [Tensor, Tensor, Tensor, Tensor, Tensor];
  const outputs: Record<string, Tensor> = {};
  const updated = (
    { w, g, m, v }: Record<'w' | 'g' | 'm' | 'v', Tensor>,
    decayed: boolean,
  ): readonly [w: Tensor, m: Tensor, v: Tensor] => {
    const newM = add(mul(m, settings.beta1), mul(g, gradientWeight));
    const newV = add(mul(v, settings.beta2), mul(mul(g, g), squareWeight));
    const kept = decayed ? mul(w, decayFactor) : w;
    return [sub(kept, mul(div(newM, add(sqrt(newV), epsilon)), stepSize)), newM, newV];
  };
  for (const pack of packs(entries)) {
    const inputs = pack.map(({ name, shape }) => {
      const [w, g, m, v] = ['w', 'g', 'm', 'v'].map((kind) => graph.input(`${kind}.${name}`, shape));
      return { w, g, m, v } as Record<'w' | 'g' | 'm' | 'v', Tensor>;
    });
    const joined = (kind: 'w' | 'g' | 'm' | 'v'): Tensor => joinVectors(inputs.map((input) => input[kind]));
    const all = { w: joined('w'), g: joined('g'), m: joined('m'), v: joined('v') };
    const [newW, newM, newV] = updated(all, pack[0]?.decayed === true);
    let start = 0;
    for (const [i, { name, shape }] of pack.entries()) {
      const end = start + elementCount(shape);
      const part = (whole: Tensor): Tensor => (pack.length === 1 ? whole : slice(whole, 0, start, end));
      outputs[`new_w.${name}`] = part(newW);
      outputs[`new_m.${name}`] = part(newM);
      outputs[`new_v.${name}`] = part(newV);
      const { g } = inputs[i] as { g: Tensor };
      if (clearGradients) outputs[`zero.${name}`] = mul(g, 0);
      start = end;
    }
  }
  const { model } = toOnnx('AdamW', outputs);
  return runtime.createSession(model, { name: 'AdamW', memoryBytes: peakBytes(Object.values(outputs)) });
}

/**
 * The same update in place, for runtimes with kernels; the gradient is zero afterwards. A parameter that is not
 * decayed gets a decayFactor of 1.
 */
export const adamWProgram: ElementwiseProgram = {
  name: 'AdamW',
  arrays: ['w', 'g', 'm', 'v'],
  scalars: [...scalarNames, 'beta1', 'beta2'],
  body: `
    let gradient = g[i];
    let newM = beta1 * m[i] + gradientWeight * gradient;
    let newV = beta2 * v[i] + squareWeight * (gradient * gradient);
    w[i] = decayFactor * w[i] - stepSize * (newM / (sqrt(newV) + epsilon));
    m[i] = newM;
    v[i] = newV;
    g[i] = 0.0;`,
};

type Packable = Pick<UpdateEntry, 'name' | 'shape'>;

/**
 * Matrices alone, vectors of a kind together: an operation on a device costs its launch, and an encoder has more vectors
 * than matrices, with next to nothing in them.
 */
function packs<Entry extends Packable & Partial<UpdateEntry>>(
  entries: readonly Entry[],
): readonly (readonly Entry[])[] {
  const groups = new Map<string, Entry[]>();
  for (const entry of entries) {
    const { name, shape, decayed = false } = entry;
    const key = shape.length === 1 ? `vectors ${decayed ? 'decayed' : 'plain'}` : name;
    const group = groups.get(key);
    if (group === undefined) groups.set(key, [entry]);
    else group.push(entry);
  }
  return [...groups.values()];
}

/** Vectors behind one another; one alone as it is. */
function joinVectors(tensors: readonly Tensor[]): Tensor {
  const [first] = tensors;
  return first !== undefined && tensors.length === 1 ? first : concat(tensors, 0);
}

/**
 * Sums of squares of some gradients, for their global norm: one output `squares` [parts] from `g.<name>` for each.
 * A matrix has a part for each row; a vector, for each `partSize` elements, or one where that does not divide it.
 * Several vectors are cut into parts of a size that divides them all.
 */
export async function createNormSession(
  runtime: Pick<Runtime, 'createSession'>,
  entries: readonly Packable[],
  partSize: number,
): Promise<Session> {
  const graph = new Graph();
  const sums = packs(entries).map((pack) => {
    const g = joinVectors(pack.map(({ name, shape }) => graph.input(`g.${name}`, shape)));
    const size = elementCount(g.shape);
    const width = partWidth(pack, g.shape, partSize);
    const rows = reshape(g, [size / width, width]);
    // One alone is the CPU's stretch of all, whose order of additions stays as it is.
    return entries.length === 1 ? reduceSum(mul(rows, rows), [1]) : reduceSumSquare(rows, [1]);
  });
  const squares = concat(sums, 0);
  const { model } = toOnnx('gradient norm', { squares });
  return runtime.createSession(model, { name: 'gradient norm', memoryBytes: peakBytes([squares]) });
}

function partWidth(pack: readonly Packable[], shape: Shape, partSize: number): number {
  if (shape.length > 1) return shape.at(-1) as number;
  if (pack.length > 1) {
    const divisor = (a: number, b: number): number => (b === 0 ? a : divisor(b, a % b));
    return pack.map((entry) => elementCount(entry.shape)).reduce(divisor);
  }
  const size = elementCount(shape);
  return size % partSize === 0 ? partSize : size;
}
