import ort from 'onnxruntime-node';
import { describe, expect, it } from 'vitest';
import { InputError } from '../../src/core/errors.ts';
import { emptyTextsWarning } from '../../src/encoders/embedder.ts';
import { exportOnnx } from '../../src/encoders/onnx-export.ts';
import { openEmbedder } from '../../src/encoders/open-embedder.ts';
import { readEncoder } from '../../src/encoders/read-encoder.ts';
import type { EncoderModel } from '../../src/encoders/types.ts';
import { fromFloat32, readSafetensors, writeSafetensors } from '../../src/formats/safetensors.ts';
import { noRuntime } from '../../src/host/no-runtime.ts';
import { isModelFile } from '../../src/host/model-file-names.ts';
import { modelFolder, type FolderChanges } from '../support/model-folder.ts';
import { goldenStatic, staticFolder, writtenFiles } from '../support/static-folder.ts';

const { texts, vectors } = goldenStatic;

async function embed(model: EncoderModel): Promise<Float32Array> {
  return (await openEmbedder(noRuntime, model)).embed(texts, 'passage');
}

function distance(a: ArrayLike<number>, b: ArrayLike<number>): number {
  expect(a).toHaveLength(b.length);
  return Math.max(...Array.from(a, (value, i) => Math.abs(value - b[i]!)));
}

describe('a static encoder', () => {
  it.each(Object.keys(vectors))('of %s gives the vectors of the library that wrote it', async (name) => {
    const ours = await embed(await readEncoder(staticFolder(name)));
    // model2vec rounds vectors of a float16 table to float16.
    expect(distance(ours, vectors[name]!.flat())).toBeLessThan(name.endsWith('float16') ? 2e-3 : 1e-6);
  });

  it('reads the folder of a module beside modules.json', async () => {
    const plain = staticFolder('sentence-transformers');
    const file = (path: string) => plain.read(path);
    const nested = modelFolder(undefined, {
      'modules.json': [
        { path: '0_StaticEmbedding', type: 'sentence_transformers.models.StaticEmbedding' },
        { path: '1_Normalize', type: 'sentence_transformers.models.Normalize' },
      ],
      '0_StaticEmbedding/tokenizer.json': await file('tokenizer.json'),
      '0_StaticEmbedding/model.safetensors': await file('model.safetensors'),
    });
    expect(await embed(await readEncoder(nested))).toEqual(await embed(await readEncoder(plain)));
    expect(isModelFile('0_StaticEmbedding/model.safetensors')).toBe(true);
  });

  it('gives texts without known tokens zeros, and counts them', async () => {
    const embedder = await openEmbedder(noRuntime, await readEncoder(staticFolder('model2vec')));
    const found = await embedder.embed(['cell', '\u4e2d \u6587', ''], 'query');
    expect(found.subarray(6)).toEqual(new Float32Array(12));
    expect(embedder.emptyTexts).toBe(2);
    expect(emptyTextsWarning(2)).toMatch(/^2 texts have no token that the encoder knows/);
  });

  it.each([
    ['sentence-transformers', 'F32', 0],
    ['model2vec', 'F32', 0],
    ['model2vec', 'F16', 1e-3],
    ['model2vec', 'I8', 2e-2],
    ['model2vec-quantized', 'F32', 0],
  ] as const)('of %s is written and read again as %s', async (name, type, tolerance) => {
    const model = await readEncoder(staticFolder(name));
    const files = writtenFiles(model, type);
    const again = await readEncoder(modelFolder(undefined, files));
    expect(distance(await embed(again), await embed(model))).toBeLessThanOrEqual(tolerance);
    expect(again.encoding).toEqual(model.encoding);
    expect(Object.keys(files).every(isModelFile)).toBe(true);
    const places = {
      I8: 'model.safetensors',
      F16: 'model.safetensors',
      F32: Object.keys(files).find((path) => path.endsWith('model.safetensors')),
    };
    const { tensors } = readSafetensors(files[places[type]!]!, 'written');
    expect([...tensors.values()].map(({ dtype }) => dtype)).toEqual([type]);
  });

  it('writes a shorter maximum length where both libraries read it', async () => {
    for (const name of ['sentence-transformers', 'model2vec']) {
      const overrides = { queryMaxLength: 3, passageMaxLength: 5 };
      const model = await readEncoder(staticFolder(name), overrides);
      const again = await readEncoder(modelFolder(undefined, writtenFiles(model)));
      expect(again.encoding).toMatchObject({ queryMaxLength: 5, passageMaxLength: 5 });
    }
  });

  it.each(['sentence-transformers', 'model2vec-float16'])(
    'of %s is a plain graph in ONNX Runtime with the same vectors',
    async (name) => {
      const model = await readEncoder(staticFolder(name));
      const session = await ort.InferenceSession.create(exportOnnx(model));
      const rows = texts.map((text) => model.tokenizer.encode(text, model.encoding.passageMaxLength));
      const length = Math.max(...rows.map((row) => row.length));
      const ids = new BigInt64Array(rows.length * length);
      const mask = new BigInt64Array(rows.length * length);
      rows.forEach((row, i) => {
        ids.set(BigInt64Array.from(row, BigInt), i * length);
        mask.fill(1n, i * length, i * length + row.length);
      });
      const dims = [rows.length, length];
      const outputs = await session.run({
        input_ids: new ort.Tensor('int64', ids, dims),
        attention_mask: new ort.Tensor('int64', mask, dims),
      });
      expect(distance(outputs.sentence_embedding!.data as Float32Array, await embed(model))).toBeLessThan(
        1e-6,
      );
      expect(outputs.last_hidden_state!.dims).toEqual([...dims, 6]);
    },
  );

  describe('is refused with one clear error', () => {
    const failure = async (name: string, changes: FolderChanges): Promise<string> => {
      const error: unknown = await readEncoder(staticFolder(name, changes)).catch(
        (reason: unknown) => reason,
      );
      expect(error).toBeInstanceOf(InputError);
      return (error as InputError).message;
    };
    const config = { model_type: 'model2vec', normalize: true };
    const weights = (rows: number, name = 'embeddings', bad?: number): Uint8Array<ArrayBuffer> => {
      const data = new Float32Array(rows * 6).fill(0.5);
      if (bad !== undefined) data[bad * 6 + 2] = NaN;
      return writeSafetensors(new Map([[name, fromFloat32([rows, 6], data)]]));
    };

    it.each([
      [
        'a table with a row that is no number',
        { 'model.safetensors': weights(100, 'embeddings', 7) },
        /^model2vec\/model\.safetensors: row 7 of embeddings has the value NaN at dimension 2\. Use /,
      ],
      [
        'a table with too few rows',
        { 'model.safetensors': weights(90) },
        /^model2vec\/tokenizer\.json: the tokenizer does not match the table of token vectors: its ids go up to 99, but the table has 90 rows\. Use /,
      ],
      [
        'a file without the table',
        { 'model.safetensors': weights(100, 'other') },
        /the file has no tensor embeddings\. Use /,
      ],
      [
        'an unknown field',
        { 'config.json': { ...config, rotary: true } },
        /^model2vec\/config\.json: the field "rotary" is unknown in a model2vec model\. Use /,
      ],
      [
        'a wrong length',
        { 'config.json': { ...config, max_length: 0.5 } },
        /max_length is 0\.5, not a whole number above 0\. Use /,
      ],
      [
        'another tokenizer',
        { 'tokenizer.json': { model: { type: 'Unigram', vocab: [] } } },
        /the tokenizer model "Unigram" is not supported\. Use /,
      ],
    ] as const)('where it has %s', async (_what, changes, message) => {
      expect(await failure('model2vec', changes)).toMatch(message);
    });

    it('where other modules follow the table', async () => {
      const modules = ['StaticEmbedding', 'Dense'].map((kind) => ({
        path: '',
        type: `sentence_transformers.models.${kind}`,
      }));
      expect(await failure('sentence-transformers', { 'modules.json': modules })).toMatch(
        /the modules are StaticEmbedding, Dense\. Use /,
      );
    });
  });
});
