import type { EncoderShape } from '../../src/encoders/types.ts';
import { openRuntime } from '../../src/host/browser/runtime.ts';
import { encoderShapes } from '../support/random-encoder.ts';
import { trainingWorkload } from '../support/workload.ts';
import type { StepRequest, StepTimes } from './step-times.ts';

const MiniLM = encoderShapes['MiniLM-L6'];
const shapes: Readonly<Record<StepRequest['size'], EncoderShape>> = {
  small: { ...MiniLM, vocabSize: 8000, hiddenSize: 128, layers: 2, heads: 2, intermediateSize: 512 },
  MiniLM,
};

async function measure({ size, runtime: options }: StepRequest): Promise<StepTimes> {
  const { runtime } = await openRuntime(options);
  const training = await trainingWorkload(runtime, shapes[size], {
    tokensPerMicroBatch: 512,
    passageTokens: 64,
  });
  const seconds: number[] = [];
  let updates = 0;
  for (let step = 1; step <= (size === 'small' ? 8 : 4); step++) {
    const startedAt = performance.now();
    await training.gradients();
    const backwardAt = performance.now();
    await training.update();
    const endedAt = performance.now();
    if (step === 1) continue;
    seconds.push((endedAt - startedAt) / 1000);
    updates += (endedAt - backwardAt) / 1000;
  }
  await training.close();
  await runtime.close();
  const update = (updates / seconds.length).toFixed(3);
  return { seconds, detail: `${update} s of them for AdamW` };
}

self.onmessage = async ({ data }: MessageEvent<StepRequest>) => {
  self.postMessage(await measure(data).catch(String));
};
