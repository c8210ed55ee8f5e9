import { bert } from '../encoders/families/bert.ts';
import type { EncoderShape, Weights } from '../encoders/types.ts';
import { canonicalJson } from '../core/canonical-json.ts';
import { commitInTurn } from '../host/commit-in-turn.ts';
import type { Runtime, Store } from '../host/contract.ts';
import { cosineOfTurns } from '../core/exact-math.ts';
import { RandomStream } from '../core/random.ts';
import { sha256 } from '../core/sha256.ts';
import { studentWeights } from './distillation/student.ts';
import { GradientCache, type GradientCacheOptions, type SteppedEncoder } from './gradient-cache.ts';
import { defaultAdamW } from './optimizer.ts';
import { createParameterState, type Moments, type ParameterState } from './parameter-state.ts';

export interface RepeatTestOptions extends GradientCacheOptions {
  readonly trainable: readonly string[];
  /** Number of repetitions of the step; 3 by default. */
  readonly repeats?: number;
}

export interface RepeatTestResult {
  /** Whether each repeat gave the same bits. */
  readonly repeats: boolean;
  /** The parameters whose gradients differed, in the order of the encoder; empty if it repeats. */
  readonly differing: readonly string[];
}

/** Lists of random tokens, as many as a micro-batch of the longest length takes. */
function randomSequences(
  { shape }: SteppedEncoder,
  { lengthLadder, tokensPerMicroBatch }: GradientCacheOptions,
): readonly Int32Array[] {
  const length = Math.max(...lengthLadder);
  const stream = new RandomStream(1, 'repeat test');
  return Array.from({ length: Math.max(2, Math.floor(tokensPerMicroBatch / length)) }, () =>
    // Few distinct tokens: the order matters where rows of one token are added.
    Int32Array.from({ length }, () => stream.integer(Math.min(16, shape.vocabSize))),
  );
}

/**
 * Repeats the same training step from the same state and compares the bits of the results. This detects a device whose
 * order of additions depends on the timing of its threads. Weights and gradients of the caller are not changed.
 * @throws any error of the runtime
 */
export async function testRepeats(
  runtime: Runtime,
  encoder: SteppedEncoder,
  weights: Weights,
  options: RepeatTestOptions,
): Promise<RepeatTestResult> {
  // Clipping would spread a difference of one gradient to all.
  const settings = { ...defaultAdamW, clipNorm: 0 };
  const state = await createParameterState(runtime, weights, options.trainable, settings);
  const cache = new GradientCache(runtime, encoder, state, options);
  try {
    const zeros = new Map(
      options.trainable.map((name) => [name, new Float32Array(weights.get(name)?.data.length ?? 0)]),
    );
    const step = async (): Promise<Moments['first']> => {
      await state.restore(weights, { first: zeros, second: zeros });
      await oneStep(cache, state, randomSequences(encoder, options));
      // The first step moves a weight by its gradient's sign; the moment keeps all of the gradient.
      return (await state.readMoments()).first;
    };
    const first = await step();
    const differing = new Set<string>();
    for (let repeat = 1; repeat < (options.repeats ?? 3); repeat++) {
      for (const [name, data] of await step()) {
        if (!sameBits(data, first.get(name) ?? new Float32Array())) differing.add(name);
      }
    }
    return {
      repeats: differing.size === 0,
      differing: [...first.keys()].filter((name) => differing.has(name)),
    };
  } finally {
    await cache.close();
    await state.close();
  }
}

/** Large enough for the kernels that trainings use, small enough to take seconds where shaders have to be compiled. */
const testShape: EncoderShape = {
  family: bert.name,
  vocabSize: 512,
  hiddenSize: 64,
  layers: 1,
  heads: 2,
  intermediateSize: 256,
  maxPositions: 32,
  segments: 2,
  layerNormEpsilon: 1e-12,
  activation: 'gelu',
  hiddenDropout: 0,
  attentionDropout: 0,
};

/** The same test with a small encoder of its own: whether trainings on this device repeat to the bit. */
export async function testDevice(runtime: Runtime): Promise<boolean> {
  const stream = new RandomStream(2, 'repeat test');
  const words = Float32Array.from({ length: testShape.vocabSize * testShape.hiddenSize }, () =>
    stream.normal(),
  );
  const weights = studentWeights(testShape, words, 0);
  const encoder = {
    shape: testShape,
    encoding: { pooling: 'mean', normalize: true },
    tokenizer: { padId: 0 },
  } as const;
  const options = { lengthLadder: [32], tokensPerMicroBatch: 512, activationBytes: 2 ** 30 };
  const { repeats } = await testRepeats(runtime, encoder, weights, {
    ...options,
    trainable: [...weights.keys()],
  });
  return repeats;
}

/** The result of the test in a sentence. */
export function repeatsText(repeats: boolean): string {
  return repeats
    ? 'The device repeats a training step to the bit.'
    : 'The device does not repeat a training step to the bit: trainings of the same recipe differ slightly.';
}

const namespace = 'repeat-test';

/** Stores the result for a device, for the reports of experiments on it. */
export async function keepRepeats(store: Store, runtime: Runtime, repeats: boolean): Promise<void> {
  const put = { [await keyOf(runtime)]: { value: repeats, blobs: [] } };
  await commitInTurn(store, namespace, { put });
}

/** The stored result for the same device, runtime and threads; undefined if the test has not run. */
export async function keptRepeats(store: Store, runtime: Runtime): Promise<boolean | undefined> {
  const record = await store.get(namespace, await keyOf(runtime));
  return typeof record?.value === 'boolean' ? record.value : undefined;
}

function keyOf({ fingerprint }: Runtime): Promise<string> {
  return sha256(canonicalJson(fingerprint));
}

async function oneStep(
  cache: GradientCache,
  state: ParameterState,
  passages: readonly Int32Array[],
): Promise<void> {
  // Any gradient will do that has no symmetry; a loss would only be slower.
  const gradientOf = (vectors: Float32Array): Float32Array =>
    vectors.map((value, i) => value + cosineOfTurns(i / 6.28));
  await cache.run(
    { queries: [], passages },
    (queries, vectors) => ({ queryGradient: gradientOf(queries), passageGradient: gradientOf(vectors) }),
    0,
  );
  await state.update(1e-3, 1, await state.gradientNorm());
}

function sameBits(a: Float32Array<ArrayBuffer>, b: Float32Array<ArrayBuffer>): boolean {
  const [left, right] = [a, b].map(
    ({ buffer, byteOffset, length }) => new Uint32Array(buffer, byteOffset, length),
  ) as [Uint32Array, Uint32Array];
  return left.length === right.length && left.every((bits, i) => bits === right[i]);
}
