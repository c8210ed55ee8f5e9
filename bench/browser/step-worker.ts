import { encoderParameters } from '../../src/encoders/parameters.ts';
import type { EncoderShape } from '../../src/encoders/types.ts';
import { openRuntime } from '../../src/host/browser/runtime.ts';
import { RandomStream } from '../../src/host/random.ts';
import { GradientCache } from '../../src/training/gradient-cache.ts';
import { defaultAdamW } from '../../src/training/optimizer.ts';
import { createParameterState } from '../../src/training/parameter-state.ts';
import type { StepRequest, StepTimes } from './step-times.ts';

const common = {
  family: 'bert',
  maxPositions: 512,
  segments: 2,
  layerNormEpsilon: 1e-12,
  activation: 'gelu',
  hiddenDropout: 0,
  attentionDropout: 0,
} as const;

const shapes: Readonly<Record<StepRequest['size'], EncoderShape>> = {
  small: { ...common, vocabSize: 8000, hiddenSize: 128, layers: 2, heads: 2, intermediateSize: 512 },
  MiniLM: { ...common, vocabSize: 30522, hiddenSize: 384, layers: 6, heads: 12, intermediateSize: 1536 },
};

async function measure({ size, runtime: options }: StepRequest): Promise<StepTimes> {
  const { runtime } = await openRuntime(options);
  const shape = shapes[size];
  const random = new RandomStream(1, 'weights');
  const weights = new Map(
    [...encoderParameters(shape)].map(([name, dims]) => {
      const length = dims.reduce((a, b) => a * b, 1);
      return [name, { dims, data: Float32Array.from({ length }, () => 0.02 * random.normal()) }];
    }),
  );
  const state = await createParameterState(runtime, weights, [...weights.keys()], defaultAdamW);
  const description = {
    shape,
    encoding: {
      pooling: 'mean',
      normalize: true,
      queryPrefix: '',
      passagePrefix: '',
      queryMaxLength: 64,
      passageMaxLength: 64,
    },
    tokenizer: {
      vocabSize: shape.vocabSize,
      padId: 0,
      encode: () => new Int32Array(),
      encodePair: () => ({ ids: new Int32Array(), segments: new Int32Array() }),
    },
  } as const;
  const cache = new GradientCache(runtime, description, state, {
    lengthLadder: [32, 64],
    tokensPerMicroBatch: 512,
    activationBytes: 2 ** 30,
  });
  const texts = (count: number, length: number): Int32Array[] =>
    Array.from({ length: count }, () => Int32Array.from({ length }, () => random.integer(shape.vocabSize)));
  const seconds: number[] = [];
  let updates = 0;
  for (let step = 1; step <= (size === 'small' ? 8 : 4); step++) {
    const startedAt = performance.now();
    await cache.run(
      { queries: texts(16, 32), passages: texts(16, 64) },
      (queryGradient, passageGradient) => ({ queryGradient, passageGradient }),
      step,
    );
    const backwardAt = performance.now();
    await state.update(1e-4, step, await state.gradientNorm());
    const endedAt = performance.now();
    if (step === 1) continue;
    seconds.push((endedAt - startedAt) / 1000);
    updates += (endedAt - backwardAt) / 1000;
  }
  await cache.close();
  await state.close();
  await runtime.close();
  const update = (updates / seconds.length).toFixed(3);
  return { seconds, detail: `${update} s of them for AdamW` };
}

self.onmessage = async ({ data }: MessageEvent<StepRequest>) => {
  self.postMessage(await measure(data).catch(String));
};
