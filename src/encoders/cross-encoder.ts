import type { DeviceTensor, Runtime } from '../host/contract.ts';
import { batchInputs } from './batch-inputs.ts';
import { uploadWeights, type DeviceWeights } from './device-weights.ts';
import { encodingBatches } from './encoding-batches.ts';
import { encodeGraph } from './graphs.ts';
import type { TokenBatch } from './length-buckets.ts';
import { ShapeSessions } from './shape-sessions.ts';
import type { CrossEncoderModel } from './types.ts';

/** Scores query–passage pairs with a sequence classification model. */
export class CrossEncoder {
  readonly #runtime: Runtime;
  readonly #model: CrossEncoderModel;
  readonly #weights: DeviceWeights;
  readonly #sessions: ShapeSessions;

  private constructor(runtime: Runtime, model: CrossEncoderModel, weights: DeviceWeights) {
    this.#runtime = runtime;
    this.#model = model;
    this.#weights = weights;
    this.#sessions = new ShapeSessions(runtime, (batch) =>
      encodeGraph({
        shape: model.shape,
        batch,
        head: { kind: 'classification', labels: model.labels },
        segments: true,
      }),
    );
  }

  static async create(runtime: Runtime, model: CrossEncoderModel): Promise<CrossEncoder> {
    return new CrossEncoder(runtime, model, await uploadWeights(runtime, model.weights));
  }

  /** @returns raw logits [pairs, labels] */
  async score(
    pairs: readonly (readonly [query: string, passage: string])[],
    onProgress?: (done: number, total: number) => void,
  ): Promise<Float32Array<ArrayBuffer>> {
    const { tokenizer, maxLength, labels } = this.#model;
    const encoded = pairs.map(([query, passage]) => tokenizer.encodePair(query, passage, maxLength));
    const sequences = encoded.map(({ ids }) => ids);
    const logits = new Float32Array(pairs.length * labels);
    let done = 0;
    const inputsOf = (batch: TokenBatch): Record<string, DeviceTensor> => {
      const { rows, length } = batch;
      const { ids, mask } = batchInputs(this.#runtime, sequences, batch, 'cls', tokenizer.padId);
      const segments = new Float32Array(rows * length);
      batch.items.forEach((item, row) => segments.set(encoded[item]?.segments ?? [], row * length));
      return {
        ...Object.fromEntries(this.#weights),
        ids,
        mask,
        ...(this.#model.shape.segments > 0 && {
          segments: this.#runtime.tensor('float32', [rows * length, 1], segments),
        }),
      };
    };
    const batches = encodingBatches(sequences, this.#model.shape, this.#runtime.device);
    await this.#sessions.run(batches, inputsOf, (batch, values) => {
      batch.items.forEach((item, row) => {
        if (item < 0) return;
        logits.set(values.subarray(row * labels, (row + 1) * labels), item * labels);
        done++;
      });
      onProgress?.(done, pairs.length);
    });
    return logits;
  }

  async close(): Promise<void> {
    await this.#sessions.close();
    for (const tensor of this.#weights.values()) tensor.dispose();
  }
}
