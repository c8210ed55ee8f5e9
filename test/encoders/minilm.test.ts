/** The real all-MiniLM-L6-v2 against PyTorch: vectors, one loss, and the gradient of each parameter. */
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { uploadWeights } from '../../src/encoders/device-weights.ts';
import { GraphEmbedder } from '../../src/encoders/graph-embedder.ts';
import { readEncoder } from '../../src/encoders/read-encoder.ts';
import type { EncoderModel } from '../../src/encoders/types.ts';
import type { Runtime } from '../../src/host/contract.ts';
import { openRuntime } from '../../src/host/node/runtime.ts';
import { randomUint32, streamKey } from '../../src/core/random.ts';
import { parseLossSpec } from '../../src/losses/loss-spec.ts';
import { DocumentNumbers, layOutBatch } from '../../src/training/batch-layout.ts';
import { GradientCache } from '../../src/training/gradient-cache.ts';
import { defaultAdamW } from '../../src/training/optimizer.ts';
import { createParameterState } from '../../src/training/parameter-state.ts';
import { batchLoss } from '../../src/training/similarity.ts';
import golden from '../golden/minilm.json' with { type: 'json' };
import { modelFolder } from '../support/model-folder.ts';
import { realModel } from '../support/models.ts';
import { describeUnless } from '../support/skip.ts';

const { path, missing } = realModel('all-MiniLM-L6-v2');

describeUnless(missing, 'all-MiniLM-L6-v2 on the CPU', () => {
  let runtime: Runtime;
  let encoder: EncoderModel;
  beforeAll(async () => {
    const bytes = readFileSync(join(path, 'model.safetensors'));
    expect(createHash('sha256').update(bytes).digest('hex')).toBe(golden.weightsSha256);
    runtime = await openRuntime({ device: 'cpu', threads: 2 });
    encoder = await readEncoder(modelFolder(path));
  });
  afterAll(() => runtime.close());

  it('gives the vectors of PyTorch', async () => {
    const weights = await uploadWeights(runtime, encoder.weights);
    const embedder = new GraphEmbedder(runtime, encoder, () => weights);
    const hello = await embedder.embed(['hello world'], 'query');
    const published = [-0.034478, 0.03102, 0.00673, 0.02611, -0.039362];
    for (const [i, value] of published.entries()) expect(Math.abs(hello[i]! - value)).toBeLessThan(1e-5);
    const vectors = await embedder.embed(
      golden.texts.map(({ text }) => text),
      'passage',
    );
    for (const [row, { text, ids, vector }] of golden.texts.entries()) {
      expect([...embedder.tokenize(text, 'passage')], text).toEqual(ids);
      const error = Math.max(
        ...vector.map((value, i) => Math.abs(vectors[row * vector.length + i]! - value)),
      );
      expect(error, text).toBeLessThan(1e-4);
    }
    await embedder.close();
  });

  it('gives the loss and the gradient of every parameter of PyTorch', async () => {
    const names = golden.gradients.map(({ name }) => name);
    expect([...encoder.weights.keys()].sort()).toEqual([...names].sort());
    const state = await createParameterState(runtime, encoder.weights, names, defaultAdamW);
    const tokens = (sequences: readonly (readonly number[])[]): Int32Array[] =>
      sequences.map((ids) => Int32Array.from(ids));
    const lists = golden.passageIds.map((_, i) => {
      const documents = [{ id: `p${i}`, text: `passage ${i}`, source: 'gold', label: 1 }];
      return { record: { query_id: `q${i}`, query: '', documents }, documents, positive: 0 };
    });
    const layout = layOutBatch(lists, new DocumentNumbers());
    const spec = parseLossSpec(`infonce(temperature=${golden.temperature}, scope=batch)`);
    const cache = new GradientCache(runtime, encoder, state, {
      lengthLadder: [16, 32],
      tokensPerMicroBatch: 128,
      activationBytes: 2 ** 30,
    });
    const loss = await cache.run(
      { queries: tokens(golden.queryIds), passages: tokens(golden.passageIds) },
      (queries, passages) =>
        batchLoss(spec, { queries, passages, dimension: encoder.shape.hiddenSize }, layout, {
          similarity: 'dot',
        }),
      0,
    );
    expect(Math.abs(loss.value / golden.loss - 1)).toBeLessThan(1e-4);
    const key = streamKey(golden.seed, 'projection', 'embeddings.word_embeddings.weight', 0);
    expect(golden.hashCheck).toEqual([0, 1, 2, 3].map((i) => randomUint32(key, i)));
    for (const { name, dims, norm, projections } of golden.gradients) {
      const tensor = state.gradient(name);
      expect(tensor.dims, name).toEqual(dims);
      const gradient = (await runtime.read(tensor)) as Float32Array;
      // The exact gradient of a key bias is zero: only rounding is left of it.
      const scale = golden.vanishing.includes(name) ? 1 : norm;
      const computed = Math.sqrt(gradient.reduce((sum, value) => sum + value ** 2, 0));
      expect(Math.abs(computed - norm) / scale, name).toBeLessThan(1e-4);
      for (const [k, projection] of projections.entries()) {
        const sign = streamKey(golden.seed, 'projection', name, k);
        let sum = 0;
        for (let i = 0; i < gradient.length; i++) {
          sum += (randomUint32(sign, i) & 1) === 1 ? gradient[i]! : -gradient[i]!;
        }
        expect(Math.abs(sum - projection) / scale, `${name}, projection ${k}`).toBeLessThan(1e-4);
      }
    }
    await cache.close();
    await state.close();
  });
});
