/** What a gradient cache does about memory; its gradients are held to PyTorch's in hundred-steps.test.ts. */
import { afterAll, beforeAll, expect, it } from 'vitest';
import { readEncoder } from '../../src/encoders/read-encoder.ts';
import type { EncoderModel } from '../../src/encoders/types.ts';
import type { Runtime } from '../../src/host/contract.ts';
import { ResourceError } from '../../src/host/errors.ts';
import { openRuntime } from '../../src/host/node/runtime.ts';
import { GradientCache } from '../../src/training/gradient-cache.ts';
import { defaultAdamW } from '../../src/training/optimizer.ts';
import { createParameterState } from '../../src/training/parameter-state.ts';
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
    /^a micro-batch of 64 × 32 tokens needs about \d+ MiB of memory, and 1 MiB are free\. Use micro-batches of \d+ tokens or fewer\.$/,
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
