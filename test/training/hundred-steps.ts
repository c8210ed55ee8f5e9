import { readFileSync } from 'node:fs';
import type { EncoderDescription } from '../../src/encoders/embedder.ts';
import { readSafetensors, toFloat32 } from '../../src/formats/safetensors.ts';
import type { WeightTensor } from '../../src/encoders/types.ts';
import type { Runtime } from '../../src/host/contract.ts';
import { parseLossSpec } from '../../src/losses/loss-spec.ts';
import { DocumentNumbers, layOutBatch } from '../../src/training/batch-layout.ts';
import { GradientCache, type GradientCacheOptions } from '../../src/training/gradient-cache.ts';
import { createParameterState } from '../../src/training/parameter-state.ts';
import { batchLoss } from '../../src/training/similarity.ts';
import { readGoldenEncoder } from '../encoders/golden-encoder.ts';
import { goldenFile } from '../support/golden.ts';

interface GoldenTraining {
  readonly settings: {
    readonly steps: number;
    readonly temperature: number;
    readonly betas: readonly [number, number];
    readonly epsilon: number;
    readonly weightDecay: number;
    readonly clipNorm: number;
  };
  readonly queries: readonly (readonly number[])[];
  readonly passages: readonly (readonly number[])[];
  readonly batches: readonly (readonly number[])[];
  readonly learningRate: readonly number[];
  readonly loss: readonly number[];
  readonly gradientNorm: readonly number[];
}

/** The committed set-up and PyTorch's curve (test/oracle/train.py). */
export function goldenTraining(): GoldenTraining {
  return JSON.parse(readFileSync(goldenFile('train-100.json'), 'utf8')) as GoldenTraining;
}

/** PyTorch's weights after the last step. */
export function goldenFinalWeights(): Map<string, Float32Array> {
  const bytes = new Uint8Array(readFileSync(goldenFile('train-100.safetensors')));
  const { tensors } = readSafetensors(bytes, 'train-100.safetensors');
  return new Map([...tensors].map(([name, tensor]) => [name, toFloat32(tensor, name, 'golden')]));
}

export interface TrainedSteps {
  readonly losses: readonly number[];
  readonly gradientNorms: readonly number[];
  readonly weights: ReadonlyMap<string, Float32Array>;
}

/** The small BERT of the golden set-up, which takes tokens only. */
export function goldenModel(): { encoder: EncoderDescription; weights: Map<string, WeightTensor> } {
  const tiny = readGoldenEncoder('tiny-bert');
  const encoder: EncoderDescription = {
    shape: tiny.shape,
    encoding: {
      pooling: 'mean',
      normalize: true,
      queryPrefix: '',
      passagePrefix: '',
      queryMaxLength: 32,
      passageMaxLength: 32,
    },
    tokenizer: {
      vocabSize: 100,
      padId: 0,
      encode: () => {
        throw new Error('the golden batches are tokens already');
      },
      encodePair: () => {
        throw new Error('the golden batches are tokens already');
      },
    },
  };
  const weights = new Map(
    [...tiny.parameters].map(([name, dims]) => [name, { dims, data: tiny.weights.get(name)! }]),
  );
  return { encoder, weights };
}

/** Trains the same small BERT on the same batches on a runtime. */
export async function trainSteps(
  runtime: Runtime,
  steps: number,
  options: Partial<GradientCacheOptions> = {},
): Promise<TrainedSteps> {
  const golden = goldenTraining();
  const { settings } = golden;
  const { encoder, weights } = goldenModel();
  const state = await createParameterState(runtime, weights, [...weights.keys()], {
    beta1: settings.betas[0],
    beta2: settings.betas[1],
    epsilon: settings.epsilon,
    weightDecay: settings.weightDecay,
    clipNorm: settings.clipNorm,
  });
  const longest = Math.max(...[...golden.queries, ...golden.passages].map((ids) => ids.length));
  const cache = new GradientCache(runtime, encoder, state, {
    lengthLadder: [longest],
    tokensPerMicroBatch: 16 * longest,
    activationBytes: 2 ** 30,
    ...options,
  });
  const spec = parseLossSpec(`infonce(temperature=${settings.temperature}, scope=batch)`);
  const numbers = new DocumentNumbers();
  const losses: number[] = [];
  const gradientNorms: number[] = [];
  for (let step = 0; step < steps; step++) {
    const chosen = golden.batches[step]!;
    const layout = layOutBatch(
      chosen.map((i) => {
        const documents = [{ id: `p${i}`, text: `passage ${i}`, source: 'gold', label: 1 }];
        return { record: { query_id: `q${i}`, query: '', documents }, documents, positive: 0 };
      }),
      numbers,
    );
    const result = await cache.run(
      {
        queries: chosen.map((i) => Int32Array.from(golden.queries[i]!)),
        passages: chosen.map((i) => Int32Array.from(golden.passages[i]!)),
      },
      (queries, passages) =>
        batchLoss(spec, { queries, passages, dimension: encoder.shape.hiddenSize }, layout, {
          similarity: 'dot',
        }),
      step,
    );
    losses.push(result.value);
    const norm = await state.gradientNorm();
    gradientNorms.push(norm);
    await state.update(golden.learningRate[step]!, step + 1, norm);
  }
  const final = new Map([...(await state.readWeights())].map(([name, { data }]) => [name, data]));
  await cache.close();
  await state.close();
  return { losses, gradientNorms, weights: final };
}

/** max |a − b| / |b| over two curves. */
export function largestRelativeDifference(a: readonly number[], b: readonly number[]): number {
  return Math.max(...a.map((value, i) => Math.abs(value - b[i]!) / Math.abs(b[i]!)));
}
