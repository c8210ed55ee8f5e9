import { mkdirSync, writeFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { env, pipeline } from '@huggingface/transformers';
import ort from 'onnxruntime-node';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { uploadWeights } from '../../src/encoders/device-weights.ts';
import { GraphEmbedder } from '../../src/encoders/graph-embedder.ts';
import { exportOnnx } from '../../src/encoders/onnx-export.ts';
import { readEncoder } from '../../src/encoders/read-encoder.ts';
import type { EncoderModel } from '../../src/encoders/types.ts';
import { encoderFiles } from '../../src/encoders/write-encoder.ts';
import type { Runtime } from '../../src/host/contract.ts';
import { openRuntime } from '../../src/host/node/runtime.ts';
import { temporaryFolder } from '../support/cli.ts';
import { modelFolder, tinyModel } from '../support/model-folder.ts';

const width = 16;
const texts = [
  'what is the protein of the cell?',
  'heat',
  '',
  'light, heat and WATER (2)',
  'gene-drug rates caused by a virus in the blood of a bone',
  'the',
];

function expectSame(actual: ArrayLike<number>, expected: Float32Array): void {
  expect(actual).toHaveLength(expected.length);
  let difference = 0;
  let [product, square, expectedSquare] = [0, 0, 0];
  for (let i = 0; i < expected.length; i++) {
    difference = Math.max(difference, Math.abs(actual[i]! - expected[i]!));
    product += actual[i]! * expected[i]!;
    square += actual[i]! ** 2;
    expectedSquare += expected[i]! ** 2;
  }
  expect(difference).toBeLessThan(1e-5);
  expect(product / Math.sqrt(square * expectedSquare)).toBeGreaterThan(0.9999);
}

describe.each(['tiny-bert', 'tiny-distilbert'] as const)('the ONNX export of %s', (name) => {
  let runtime: Runtime;
  let model: EncoderModel;
  let expected: Float32Array;
  beforeAll(async () => {
    runtime = await openRuntime({ device: 'cpu', threads: 2 });
    model = await readEncoder(modelFolder(tinyModel(name)));
    const weights = await uploadWeights(runtime, model.weights);
    expected = await new GraphEmbedder(runtime, model, () => weights).embed(texts, 'passage');
  });
  afterAll(() => runtime.close());

  it('gives the vectors of the embedder in ONNX Runtime, for any batch and length', async () => {
    const session = await ort.InferenceSession.create(exportOnnx(model));
    const hasSegments = name === 'tiny-bert';
    expect(session.inputNames).toEqual([
      'input_ids',
      ...(hasSegments ? ['token_type_ids'] : []),
      'attention_mask',
    ]);
    expect(session.outputNames).toEqual(['last_hidden_state']);
    const sequences = texts.map((text) => model.tokenizer.encode(text, 32));
    for (const [from, to, padding] of [
      [0, texts.length, 0],
      [0, 1, 0],
      [2, 3, 0],
      [1, 4, 7],
    ] as const) {
      const rows = sequences.slice(from, to);
      const length = Math.max(...rows.map((row) => row.length)) + padding;
      const ids = new BigInt64Array(rows.length * length);
      const mask = new BigInt64Array(rows.length * length);
      rows.forEach((row, i) => {
        ids.set(BigInt64Array.from(row, BigInt), i * length);
        mask.fill(1n, i * length, i * length + row.length);
      });
      const tensor = (data: BigInt64Array): ort.Tensor =>
        new ort.Tensor('int64', data, [rows.length, length]);
      const { last_hidden_state: output } = await session.run({
        input_ids: tensor(ids),
        attention_mask: tensor(mask),
        ...(hasSegments ? { token_type_ids: tensor(new BigInt64Array(ids.length)) } : {}),
      });
      expect(output!.dims).toEqual([rows.length, length, width]);
      const hidden = output!.data as Float32Array;
      rows.forEach((row, i) => {
        const mean = new Float64Array(width);
        for (let token = 0; token < row.length; token++) {
          for (let k = 0; k < width; k++) mean[k]! += hidden[(i * length + token) * width + k]!;
        }
        const norm = Math.hypot(...mean);
        const at = (from + i) * width;
        expectSame(
          mean.map((value) => value / norm),
          expected.subarray(at, at + width),
        );
      });
    }
    await session.release();
  });

  it('gives them in transformers.js, which opens the written folder without a network', async () => {
    const folder = join(temporaryFolder(), 'written');
    const card = {
      title: 'tiny',
      baseModel: undefined,
      trainingData: '',
      loss: '',
      hyperparameters: {},
      metrics: [],
    };
    const onnx = exportOnnx(model);
    for (const { path, content } of encoderFiles(model, card, { onnx })) {
      mkdirSync(dirname(join(folder, path)), { recursive: true });
      writeFileSync(
        join(folder, path),
        content instanceof Uint8Array ? content : Buffer.concat([...content]),
      );
    }
    env.allowRemoteModels = false;
    env.localModelPath = dirname(folder);
    const extract = await pipeline('feature-extraction', basename(folder), { dtype: 'fp32', device: 'cpu' });
    const alone = await extract(texts[0]!, { pooling: 'mean', normalize: true });
    expectSame(alone.data as Float32Array, expected.subarray(0, width));
    const together = await extract(texts, { pooling: 'mean', normalize: true });
    expect(together.dims).toEqual([texts.length, width]);
    for (let i = 0; i < texts.length; i++) {
      const row = (together.data as Float32Array).subarray(i * width, (i + 1) * width);
      expectSame(row, expected.subarray(i * width, (i + 1) * width));
    }
    await extract.dispose();
  });
});
