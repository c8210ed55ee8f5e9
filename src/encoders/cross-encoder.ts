import type { Runtime, Session } from '../host/contract.ts';
import { batchInputs } from './batch-inputs.ts';
import { uploadWeights, type DeviceWeights } from './device-weights.ts';
import { encodeGraph, outputName } from './graphs.ts';
import { planBuckets } from './length-buckets.ts';
import type { CrossEncoderModel } from './types.ts';

const tokensPerBatch = 2048;

/** Scores query–passage pairs with a BERT sequence classification model. */
export class CrossEncoder {
  readonly #runtime: Runtime;
  readonly #model: CrossEncoderModel;
  readonly #weights: DeviceWeights;
  readonly #sessions = new Map<string, Session>();

  private constructor(runtime: Runtime, model: CrossEncoderModel, weights: DeviceWeights) {
    this.#runtime = runtime;
    this.#model = model;
    this.#weights = weights;
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
    const plan = planBuckets(
      encoded.map(({ ids }) => ids.length),
      {
        tokensPerBatch,
        maxBatch: 256,
        multiple: 16,
        maxBuckets: 16,
        maxLength: this.#model.shape.maxPositions,
      },
    );
    const logits = new Float32Array(pairs.length * labels);
    let done = 0;
    for (const batch of plan.batches) {
      const { rows, length } = batch;
      const sequences = encoded.map(({ ids }) => ids);
      const { ids, mask } = batchInputs(this.#runtime, sequences, batch, 'cls', tokenizer.padId);
      const segments = new Float32Array(rows * length);
      batch.items.forEach((item, row) => segments.set(encoded[item]?.segments ?? [], row * length));
      const session = await this.#session(rows, length);
      const outputs = await session.run({
        ...Object.fromEntries(this.#weights),
        ids,
        mask,
        segments: this.#runtime.tensor('float32', [rows * length, 1], segments),
      });
      const output = outputs[outputName];
      if (output === undefined) throw new Error('the cross-encoder returned nothing');
      const values = (await this.#runtime.read(output)) as Float32Array;
      batch.items.forEach((item, row) => {
        if (item < 0) return;
        logits.set(values.subarray(row * labels, (row + 1) * labels), item * labels);
        done++;
      });
      output.dispose();
      onProgress?.(done, pairs.length);
    }
    return logits;
  }

  async close(): Promise<void> {
    for (const session of this.#sessions.values()) await session.release();
    for (const tensor of this.#weights.values()) tensor.dispose();
    this.#sessions.clear();
  }

  async #session(rows: number, length: number): Promise<Session> {
    const key = `${rows}×${length}`;
    let session = this.#sessions.get(key);
    if (session === undefined) {
      const program = encodeGraph({
        shape: this.#model.shape,
        batch: { rows, length },
        head: { kind: 'classification', labels: this.#model.labels },
        segments: true,
      });
      session = await this.#runtime.createSession(program.model, {
        name: program.name,
        memoryBytes: program.peakBytes,
      });
      this.#sessions.set(key, session);
    }
    return session;
  }
}
