/**
 * The same weights in the studio's graphs and in transformers.js give the same vectors and logits: texts of odd
 * lengths, padding, truncation, empty texts.
 */
import { mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { CrossEncoder } from '../../../src/encoders/cross-encoder.ts';
import { uploadWeights } from '../../../src/encoders/device-weights.ts';
import { GraphEmbedder } from '../../../src/encoders/graph-embedder.ts';
import type { ModelLibrary } from '../../../src/encoders/model-library.ts';
import { readCrossEncoder, readEncoder } from '../../../src/encoders/read-encoder.ts';
import type { Runtime } from '../../../src/host/contract.ts';
import { InputError } from '../../../src/core/errors.ts';
import { openRuntime } from '../../../src/host/node/runtime.ts';
import { openTransformersJs } from '../../../src/cli/transformers-js.ts';
import { openModelFiles } from '../../../src/host/node/model-files.ts';
import { asRoberta, crossEncoderFolder, encoderFolder } from '../../support/library-models.ts';
import { modelFolder } from '../../support/model-folder.ts';

const words = 'what is the protein of heat in light WATER cell gene-drug rates (2) bone virus'.split(' ');
const text = (count: number, shift: number): string =>
  Array.from({ length: count }, (_, i) => words[(i * 5 + shift) % words.length]).join(' ');
/** Up to far beyond the 32 tokens of the models. */
const counts = [0, 1, 2, 3, 5, 7, 11, 13, 29, 60];
const texts = counts.map((count, i) => text(count, i));
const pairs = counts.flatMap((query, i) =>
  counts.map((passage, j) => [text(query, i), text(passage, 3 * j + i)] as const),
);
const settings = { device: 'cpu', threads: 1 } as const;

let folder: string;
let runtime: Runtime;
let library: ModelLibrary;
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'studio-transformers-js-'));
  runtime = await openRuntime({ device: 'cpu', threads: 1 });
  library = openTransformersJs(openModelFiles());
});
afterAll(async () => {
  await runtime.close();
  rmSync(folder, { recursive: true });
});

async function ownLogits(path: string): Promise<Float32Array> {
  const scorer = await CrossEncoder.create(runtime, await readCrossEncoder(modelFolder(path)));
  try {
    return await scorer.score(pairs);
  } finally {
    await scorer.close();
  }
}

function expectSame(actual: Float32Array, expected: Float32Array): void {
  expect(actual).toHaveLength(expected.length);
  const difference = actual.reduce((most, value, i) => Math.max(most, Math.abs(value - expected[i]!)), 0);
  expect(difference).toBeLessThan(1e-4);
  // Equal for a reason: the values differ among themselves.
  expect(Math.max(...expected) - Math.min(...expected)).toBeGreaterThan(0.01);
}

describe.each(['bert', 'distilbert'] as const)('%s in transformers.js', (family) => {
  it.each([1, 3])("scores pairs as the studio's cross-encoder does, with %i labels", async (labels) => {
    const path = await crossEncoderFolder(folder, family, labels);
    const expected = await ownLogits(path);
    const model = await library.crossEncoder(path);
    expect(model).toMatchObject({ name: path, architecture: family, maxLength: 32 });
    const loaded = await model.load(settings);
    const heard: number[] = [];
    expectSame(await loaded.score(pairs, (done) => heard.push(done)), expected);
    expect(heard.at(-1)).toBe(pairs.length);
    // Alone as together: padding changes nothing.
    const alone = await loaded.score([pairs[37]!]);
    expectNear(alone, expected.subarray(37 * labels, 38 * labels));
    expect(await loaded.score([])).toHaveLength(0);
    await loaded.close();
  });

  it("embeds as the studio's embedder does, with the same settings", async () => {
    const path = await encoderFolder(folder, family);
    const overrides = { queryPrefix: 'heat: ', queryMaxLength: 9, passageMaxLength: 20 };
    for (const pooling of ['mean', 'cls'] as const) {
      const own = await readEncoder(modelFolder(path), {
        ...overrides,
        pooling,
        normalize: pooling === 'mean',
      });
      const weights = await uploadWeights(runtime, own.weights);
      const embedder = new GraphEmbedder(runtime, own, () => weights);
      const model = await library.encoder(path, { ...overrides, pooling, normalize: pooling === 'mean' });
      expect(model.encoding).toEqual(own.encoding);
      const loaded = await model.load(settings);
      expect(loaded.dimensions).toBe(embedder.dimensions);
      for (const side of ['query', 'passage'] as const) {
        expectSame(await loaded.embed(texts, side), await embedder.embed(texts, side));
      }
      await loaded.close();
      await embedder.close();
    }
  });
});

function expectNear(actual: Float32Array, expected: Float32Array): void {
  expect(actual).toHaveLength(expected.length);
  actual.forEach((value, i) => expect(Math.abs(value - expected[i]!)).toBeLessThan(1e-4));
}

describe('transformers.js', () => {
  it("runs an architecture that the studio's graphs do not know", async () => {
    const path = await crossEncoderFolder(folder, 'bert');
    const renamed = asRoberta(path);
    await expect(readCrossEncoder(modelFolder(renamed))).rejects.toThrow(/"roberta" is not supported/);
    const model = await library.crossEncoder(renamed);
    expect(model).toMatchObject({ architecture: 'roberta', maxLength: 32 });
    const loaded = await model.load(settings);
    expectSame(await loaded.score(pairs), await ownLogits(path));
    await loaded.close();
  });

  it('names models by content: files, encoding, task', async () => {
    const path = await encoderFolder(folder, 'bert');
    const moved = `${path}-moved`;
    const { hash } = await library.encoder(path);
    const shorter = await library.encoder(path, { queryMaxLength: 5 });
    const other = await library.encoder(await encoderFolder(folder, 'distilbert'));
    const pairwise = await library.crossEncoder(path);
    expect(new Set([hash, shorter.hash, other.hash, pairwise.hash]).size).toBe(4);
    renameSync(path, moved);
    expect((await library.encoder(moved)).hash).toBe(hash);
  });

  it('says what to do where it is not installed, and which file it misses', async () => {
    const missing = Object.assign(new Error("Cannot find package '@huggingface/transformers'"), {
      code: 'ERR_MODULE_NOT_FOUND',
    });
    const without = openTransformersJs(openModelFiles(), () => Promise.reject(missing));
    const refused = without.encoder('any/model');
    await expect(refused).rejects.toThrow(InputError);
    await expect(refused).rejects.toThrow(
      'transformers.js is not installed. Run `npm install @huggingface/transformers@4.3.1` and re-run.',
    );
    const path = await encoderFolder(folder, 'bert');
    rmSync(join(path, 'onnx'), { recursive: true });
    await expect(library.encoder(path)).rejects.toThrow(
      /onnx\/model\.onnx: transformers\.js requires this file/,
    );
  });

  it('opens no tokenizer that would cut up words without end', async () => {
    const path = await encoderFolder(folder, 'bert');
    const file = join(path, 'tokenizer.json');
    const definition = JSON.parse(readFileSync(file, 'utf8')) as { model: object };
    const hostile = { ...definition, model: { ...definition.model, max_input_chars_per_word: 1e9 } };
    writeFileSync(file, JSON.stringify(hostile));
    await expect(library.encoder(path)).rejects.toThrow(
      /tokenizer\.json: max_input_chars_per_word is 1000000000, not a whole number from 1 to 200\./,
    );
    writeFileSync(file, `{"deep": ${'['.repeat(300)}${']'.repeat(300)}}`);
    await expect(library.encoder(path)).rejects.toThrow(
      /tokenizer\.json: the JSON is nested deeper than 256/,
    );
  });

  it('refuses what it can not run with one line', async () => {
    const path = await encoderFolder(folder, 'distilbert');
    const loaded = (await library.crossEncoder(path)).load(settings);
    // An encoder's graph as a cross-encoder: it opens, and gives no logits.
    await expect(loaded.then((model) => model.score(pairs))).rejects.toThrow(/outputs no logits for pairs/);
  });
});
