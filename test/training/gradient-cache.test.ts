/** What a gradient cache does with large batches; its gradients are held to PyTorch's in hundred-steps.test.ts. */
import { afterAll, beforeAll, expect, it } from 'vitest';
import { readEncoder } from '../../src/encoders/read-encoder.ts';
import type { EncoderModel } from '../../src/encoders/types.ts';
import type { Runtime } from '../../src/host/contract.ts';
import { ResourceError } from '../../src/core/errors.ts';
import { openRuntime } from '../../src/host/node/runtime.ts';
import { RandomStream } from '../../src/core/random.ts';
import { parseLossSpec } from '../../src/losses/loss-spec.ts';
import { DocumentNumbers, layOutBatch } from '../../src/training/batch-layout.ts';
import { GradientCache } from '../../src/training/gradient-cache.ts';
import { defaultAdamW } from '../../src/training/optimizer.ts';
import { createParameterState } from '../../src/training/parameter-state.ts';
import { batchLoss } from '../../src/training/similarity.ts';
import { relativeError } from '../graph/golden.ts';
import { modelFolder, tinyModel } from '../support/model-folder.ts';

let runtime: Runtime;
let encoder: EncoderModel;
beforeAll(async () => {
  runtime = await openRuntime({ device: 'cpu', threads: 1 });
  encoder = await readEncoder(modelFolder(tinyModel('tiny-bert')));
});
afterAll(() => runtime.close());

/** One batch of 64 texts of 32 tokens in one micro-batch, on a machine with so much memory. */
async function runWith(availableMemory: () => number): Promise<Float32Array> {
  const poor = new Proxy(runtime, {
    get: (target, key) => {
      if (key === 'availableMemory') return availableMemory;
      const value: unknown = Reflect.get(target, key, target);
      return typeof value === 'function' ? (value.bind(target) as unknown) : value;
    },
  });
  const state = await createParameterState(
    runtime,
    encoder.weights,
    [...encoder.weights.keys()],
    defaultAdamW,
  );
  const cache = new GradientCache(poor, encoder, state, {
    lengthLadder: [32],
    tokensPerMicroBatch: 64 * 32,
    activationBytes: 2 ** 30,
  });
  const text = Int32Array.from({ length: 32 }, (_, i) => 60 + i);
  const texts = Array.from({ length: 32 }, () => text);
  try {
    await cache.run(
      { queries: texts, passages: texts },
      (queries, passages) => ({ queryGradient: queries.slice(), passageGradient: passages.slice() }),
      0,
    );
    return ((await runtime.read(state.gradient('embeddings.LayerNorm.weight'))) as Float32Array).slice();
  } finally {
    await cache.close();
    await state.close();
  }
}

it('refuses a micro-batch that does not fit, and says what would', async () => {
  const refusal = runWith(() => 2 ** 20);
  await expect(refusal).rejects.toThrow(ResourceError);
  await expect(refusal).rejects.toThrow(
    /^a micro-batch of 64 × 32 tokens needs about \d+ MiB of memory, but only 1 MiB are available\. Use micro-batches of \d+ tokens or fewer\.$/,
  );
  await expect(runWith(() => 1000)).rejects.toThrow(/Use shorter texts or a smaller encoder/);
});

it('recomputes activations for which no memory is left, to the same gradient', async () => {
  const plenty = await runWith(() => 2 ** 40);
  expect(plenty.some((value) => value !== 0)).toBe(true);
  let asked = 0;
  // Enough for the session, nothing for activations.
  const scarce = await runWith(() => (asked++ === 0 ? 2 ** 40 : 0));
  expect(asked).toBeGreaterThan(1);
  expect(scarce).toEqual(plenty);
});

/** Gradients of in-batch InfoNCE over so many pairs of random texts. */
async function contrastiveGradients(
  pairs: number,
  tokensPerMicroBatch: number,
  activationBytes: number,
): Promise<ReadonlyMap<string, Float32Array>> {
  const names = [...encoder.weights.keys()];
  const state = await createParameterState(runtime, encoder.weights, names, defaultAdamW);
  const cache = new GradientCache(runtime, encoder, state, {
    lengthLadder: [8],
    tokensPerMicroBatch,
    activationBytes,
  });
  const stream = new RandomStream(2, 'tokens');
  const text = (): Int32Array =>
    Int32Array.from({ length: 3 + stream.integer(6) }, () => 5 + stream.integer(90));
  const layout = layOutBatch(
    Array.from({ length: pairs }, (_, i) => {
      const documents = [{ id: `p${i}`, text: `passage ${i}`, label: 1, source: 'gold' }];
      return { record: { query_id: `q${i}`, query: '', documents }, documents, positive: 0 };
    }),
    new DocumentNumbers(),
  );
  const spec = parseLossSpec('infonce(temperature=0.05, scope=batch)');
  await cache.run(
    { queries: Array.from({ length: pairs }, text), passages: Array.from({ length: pairs }, text) },
    (queries, passages) =>
      batchLoss(spec, { queries, passages, dimension: 16 }, layout, { similarity: 'dot' }),
    0,
  );
  const gradients = new Map<string, Float32Array>();
  for (const name of names) {
    gradients.set(name, ((await runtime.read(state.gradient(name))) as Float32Array).slice());
  }
  await cache.close();
  await state.close();
  return gradients;
}

it('gives the gradients of one big batch from many small micro-batches', async () => {
  const whole = await contrastiveGradients(128, 2 * 128 * 8, 2 ** 30);
  const parts = await contrastiveGradients(128, 16 * 8, 0);
  for (const [name, expected] of whole) {
    // The exact gradient of a key bias is zero.
    const floor = name.endsWith('.key.bias') ? 1 : 1e-30;
    expect(relativeError(parts.get(name)!, expected, floor), name).toBeLessThan(1e-5);
  }
});

it('takes thousands of queries in bounded memory', async () => {
  await contrastiveGradients(64, 64 * 8, 0);
  const before = process.memoryUsage().rss;
  await contrastiveGradients(4096, 64 * 8, 0);
  // Kept, the activations of 8,192 texts would be 140 MB more; 4,096 × 4,096 scores in float64 another 134 MB.
  expect(process.memoryUsage().rss - before).toBeLessThan(130 * 2 ** 20);
});
