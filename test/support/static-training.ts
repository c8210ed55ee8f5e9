/** The golden trainings of static encoders, and the studio's own of the same tables and batches. */
import { readFileSync } from 'node:fs';
import { parseLossSpec } from '../../src/losses/loss-spec.ts';
import type { EncoderModel } from '../../src/encoders/types.ts';
import { noRuntime } from '../../src/host/no-runtime.ts';
import { readSafetensors, toFloat32 } from '../../src/formats/safetensors.ts';
import { DocumentNumbers, layOutBatch } from '../../src/training/batch-layout.ts';
import { batchLoss, type BatchLoss } from '../../src/training/similarity.ts';
import { TableTrainable } from '../../src/training/table-trainable.ts';
import { sha256 } from '../../src/core/sha256.ts';
import { goldenFile } from './golden.ts';

export interface GoldenCase {
  readonly loss: string;
  readonly normalize: boolean;
  readonly values: readonly number[];
}

interface GoldenTraining {
  readonly settings: { readonly betas: readonly [number, number]; readonly epsilon: number };
  readonly queries: readonly (readonly number[])[];
  readonly passages: readonly (readonly number[])[];
  readonly teacher: readonly number[];
  readonly labels: readonly number[];
  readonly batches: readonly (readonly number[])[];
  readonly learningRate: readonly number[];
  readonly cases: readonly GoldenCase[];
}

export const golden = JSON.parse(readFileSync(goldenFile('static/train-100.json'), 'utf8')) as GoldenTraining;

const perList = 3;

export function goldenTensor(name: string): { dims: readonly number[]; data: Float32Array<ArrayBuffer> } {
  const file = 'static/train-100.safetensors';
  const tensor = readSafetensors(new Uint8Array(readFileSync(goldenFile(file))), file).tensors.get(name)!;
  return { dims: tensor.dims, data: toFloat32(tensor, name, file) };
}

/** A table as an encoder whose texts are tokens already. */
export function tableEncoder(table: ReturnType<typeof goldenTensor>, normalize: boolean): EncoderModel {
  const [vocabSize, hiddenSize] = table.dims as [number, number];
  const notAsked = (): never => {
    throw new Error('the batches are tokens already');
  };
  return {
    name: 'table',
    shape: {
      ...{ family: 'static', vocabSize, hiddenSize, layers: 0, heads: 1, intermediateSize: 0 },
      ...{ maxPositions: 2 ** 20, segments: 0, layerNormEpsilon: 0, activation: 'relu' },
      ...{ hiddenDropout: 0, attentionDropout: 0 },
    },
    encoding: {
      ...{ pooling: 'mean', normalize, queryPrefix: '', passagePrefix: '' },
      ...{ queryMaxLength: 64, passageMaxLength: 64 },
    },
    weights: new Map([['embedding.weight', table]]),
    tokenizer: { vocabSize, padId: 0, encode: notAsked, encodePair: notAsked },
    baggage: { config: {}, files: new Map(), license: undefined },
  };
}

/** A training that takes the golden batches one after the other. */
export class StaticTraining {
  readonly trainable: TableTrainable;
  readonly #spec;
  readonly #numbers = new DocumentNumbers();

  constructor({ loss, normalize }: GoldenCase, table = goldenTensor('start')) {
    const { betas, epsilon } = golden.settings;
    const settings = { beta1: betas[0], beta2: betas[1], epsilon, weightDecay: 0, clipNorm: 0 };
    this.trainable = new TableTrainable(noRuntime, tableEncoder(table, normalize), settings);
    this.#spec = parseLossSpec(loss);
  }

  async gradients(step: number): Promise<{ loss: number; gradientNorm: number }> {
    const chosen = golden.batches[step]!;
    const places = chosen.flatMap((list) => Array.from({ length: perList }, (_, n) => perList * list + n));
    const layout = layOutBatch(
      chosen.map((list) => {
        const documents = Array.from({ length: perList }, (_, n) => {
          const at = perList * list + n;
          const [label, teacher] = [golden.labels[at]!, golden.teacher[at]!];
          return { id: `p${at}`, text: `passage ${at}`, source: 'gold', label, teacher };
        });
        return { record: { query_id: `q${list}`, query: '', documents }, documents, positive: 0 };
      }),
      this.#numbers,
      3,
    );
    const dimension = this.trainable.embedder.dimensions;
    const { result, gradientNorm } = await this.trainable.gradients<BatchLoss<Float32Array>>(
      {
        queries: chosen.map((list) => Int32Array.from(golden.queries[list]!)),
        passages: places.map((at) => Int32Array.from(golden.passages[at]!)),
      },
      (queries, passages) =>
        batchLoss(this.#spec, { queries, passages, dimension }, layout, { similarity: 'dot' }),
    );
    return { loss: result.value, gradientNorm };
  }

  async step(step: number): Promise<number> {
    const { loss } = await this.gradients(step);
    await this.trainable.update(golden.learningRate[step]!, step + 1);
    return loss;
  }
}

/** ‖a − b‖ / ‖b‖ */
export function relativeDistance(a: ArrayLike<number>, b: ArrayLike<number>): number {
  let [apart, size] = [0, 0];
  for (let i = 0; i < b.length; i++) {
    apart += (a[i]! - b[i]!) ** 2;
    size += b[i]! ** 2;
  }
  return Math.sqrt(apart / size);
}

/** What the golden trainings give, to the bit, in every engine. */
export const staticBits = 'e0c9c840412fc56e806d0332f125fe2e89b55ce1d585271e20acd0c87e871d8f';

/** SHA-256 of what 100 steps under each loss lead to. */
export async function bitsOfTrainings(): Promise<string> {
  const parts: string[] = [];
  for (const each of golden.cases) {
    const training = new StaticTraining(each);
    const losses = new Float64Array(100);
    for (let step = 0; step < losses.length; step++) losses[step] = await training.step(step);
    parts.push(await sha256(new Uint8Array(losses.buffer)));
    const moments = await training.trainable.readMoments();
    const weights = await training.trainable.readWeights();
    for (const { data } of weights.values()) parts.push(await sha256(data));
    for (const data of moments.second.values()) parts.push(await sha256(data));
  }
  return sha256(parts.join(' '));
}
