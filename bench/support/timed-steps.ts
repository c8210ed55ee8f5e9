import type { EncoderShape, Weights } from '../../src/encoders/types.ts';
import type { Runtime } from '../../src/host/contract.ts';
import { RandomStream } from '../../src/host/random.ts';
import { parseLossSpec } from '../../src/losses/loss-spec.ts';
import { DocumentNumbers, layOutBatch } from '../../src/training/batch-layout.ts';
import { forwardFlops } from '../../src/training/flops.ts';
import { GradientCache } from '../../src/training/gradient-cache.ts';
import { defaultAdamW } from '../../src/training/optimizer.ts';
import { createParameterState } from '../../src/training/parameter-state.ts';
import { batchLoss } from '../../src/training/similarity.ts';
import { randomTokens, tokensOnly } from './random-encoder.ts';

export interface StepWork {
  readonly shape: EncoderShape;
  readonly weights: Weights;
  readonly pairs: number;
  readonly queryTokens: number;
  readonly passageTokens: number;
  readonly microBatchTokens: number;
  /** The activations of a batch are kept while they fit. */
  readonly activationBytes?: number;
}

export interface StepLimits {
  readonly warmup: number;
  readonly mostSteps: number;
  /** After the warm-up; at least one step is timed. */
  readonly milliseconds: number;
  /** Called after the warm-up. */
  readonly onWarm?: () => void;
}

export interface TimedSteps {
  readonly steps: number;
  /** From one step's start to the next one's, the wait for the last included. */
  readonly meanMilliseconds: number;
  readonly medianMilliseconds: number;
  readonly firstStepMilliseconds: number;
  readonly gigaflop: number;
  readonly firstLoss: number;
  readonly lastLoss: number;
}

/** Whole training steps: forward, in-batch InfoNCE, backward, clipping, AdamW; dropout off. */
export async function timeSteps(runtime: Runtime, work: StepWork, limits: StepLimits): Promise<TimedSteps> {
  const { shape, weights, pairs, queryTokens, passageTokens } = work;
  const encoder = tokensOnly(shape, Math.max(queryTokens, passageTokens));
  const state = await createParameterState(runtime, weights, [...weights.keys()], defaultAdamW);
  const cache = new GradientCache(runtime, encoder, state, {
    lengthLadder: [...new Set([queryTokens, passageTokens])].sort((a, b) => a - b),
    tokensPerMicroBatch: work.microBatchTokens,
    activationBytes: work.activationBytes ?? 2 ** 34,
  });
  const stream = new RandomStream(1, 'texts');
  const spec = parseLossSpec('infonce(temperature=0.05, scope=batch)');
  const layout = layOutBatch(
    Array.from({ length: pairs }, (_, i) => {
      const documents = [{ id: `p${i}`, text: `passage ${i}`, label: 1, source: 'gold' }];
      return { record: { query_id: `q${i}`, query: '', documents }, documents, positive: 0 };
    }),
    new DocumentNumbers(),
  );
  const losses: number[] = [];
  const step = async (number: number): Promise<void> => {
    const texts = (length: number): Int32Array[] =>
      Array.from({ length: pairs }, () => randomTokens(stream, shape, length));
    const { value } = await cache.run(
      { queries: texts(queryTokens), passages: texts(passageTokens) },
      (queries, passages) =>
        batchLoss(spec, { queries, passages, dimension: shape.hiddenSize }, layout, { similarity: 'dot' }),
      number,
    );
    losses.push(value);
    await state.update(2e-5, number + 1, await state.gradientNorm());
  };
  /** A GPU has been told what to do, and may still be doing it. */
  const settled = async (): Promise<void> => {
    const smallest = [...state.weights.values()].sort((a, b) => sizeOf(a.dims) - sizeOf(b.dims))[0];
    if (smallest !== undefined) await runtime.read(smallest);
  };
  try {
    const begun = performance.now();
    await step(0);
    await settled();
    const firstStepMilliseconds = performance.now() - begun;
    for (let i = 1; i < limits.warmup; i++) await step(i);
    await settled();
    limits.onWarm?.();
    const times: number[] = [];
    const start = performance.now();
    let before = start;
    do {
      await step(limits.warmup + times.length);
      const now = performance.now();
      times.push(now - before);
      before = now;
    } while (times.length < limits.mostSteps && before - start < limits.milliseconds);
    await settled();
    const all = performance.now() - start;
    return {
      steps: times.length,
      meanMilliseconds: all / times.length,
      medianMilliseconds: times.sort((a, b) => a - b)[times.length >> 1] ?? 0,
      firstStepMilliseconds,
      gigaflop: (3 * pairs * (forwardFlops(shape, queryTokens) + forwardFlops(shape, passageTokens))) / 1e9,
      firstLoss: losses[0] ?? NaN,
      lastLoss: losses.at(-1) ?? NaN,
    };
  } finally {
    await cache.close();
    await state.close();
  }
}

function sizeOf(dims: readonly number[]): number {
  return dims.reduce((a, b) => a * b, 1);
}
