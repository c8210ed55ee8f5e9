import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { readCrossEncoder, readEncoder } from '../../src/encoders/read-encoder.ts';
import {
  fromFloat32,
  readSafetensors,
  toFloat32,
  writeSafetensors,
  type StoredTensor,
} from '../../src/formats/safetensors.ts';
import { familyOf } from '../../src/encoders/families/index.ts';
import { InputError } from '../../src/core/errors.ts';
import { modelFolder, readJson, tinyModel, type FolderChanges } from '../support/model-folder.ts';
import { realModel } from '../support/models.ts';
import { itUnless } from '../support/skip.ts';

type TinyName = Parameters<typeof tinyModel>[0];

function storedTensors(name: TinyName): Map<string, StoredTensor> {
  const path = join(tinyModel(name), 'model.safetensors');
  return new Map(readSafetensors(new Uint8Array(readFileSync(path)), path).tensors);
}

/** The tiny model with its weights changed. */
function changedWeights(
  name: TinyName,
  change: (tensors: Map<string, StoredTensor>) => Iterable<readonly [string, StoredTensor]>,
): FolderChanges {
  return { 'model.safetensors': writeSafetensors(new Map(change(storedTensors(name)))) };
}

function withConfig(name: TinyName, change: object): FolderChanges {
  return { 'config.json': { ...(readJson(join(tinyModel(name), 'config.json')) as object), ...change } };
}

describe('readEncoder', () => {
  it.each(['tiny-bert', 'tiny-distilbert'] as const)('reads %s whole', async (name) => {
    const model = await readEncoder(modelFolder(tinyModel(name)));
    expect(model.shape).toMatchObject({ hiddenSize: 16, layers: 2, vocabSize: 100 });
    expect([...model.weights.keys()]).toEqual([...familyOf(model.shape).parameters(model.shape).keys()]);
    for (const [key, tensor] of storedTensors(name)) {
      if (key.startsWith('pooler')) continue;
      expect(model.weights.get(key)).toEqual({ dims: tensor.dims, data: toFloat32(tensor, key, name) });
    }
    expect(model.baggage.config).toEqual(readJson(join(tinyModel(name), 'config.json')));
    expect([...model.baggage.files.keys()].slice(0, 3)).toEqual([
      'tokenizer.json',
      'tokenizer_config.json',
      'vocab.txt',
    ]);
    expect(model.tokenizer.vocabSize).toBe(100);
  });

  it('lets the user override the encoding', async () => {
    const { encoding } = await readEncoder(modelFolder(tinyModel('tiny-bert')), {
      pooling: 'cls',
      queryMaxLength: 8,
    });
    expect(encoding).toMatchObject({ pooling: 'cls', queryMaxLength: 8, passageMaxLength: 32 });
  });

  it.each(['bert.', 'model.', 'auto_model.', '0.auto_model.'])('takes the prefix %s off', async (prefix) => {
    const changes = changedWeights('tiny-bert', (tensors) => [
      ...[...tensors].map(([key, tensor]) => [prefix + key, tensor] as const),
      ['cls.predictions.bias', fromFloat32([1], new Float32Array([NaN]))],
      [`${prefix}embeddings.position_ids`, { dtype: 'I64', dims: [1], data: new Uint8Array(8) }],
    ]);
    const { weights } = await readEncoder(modelFolder(tinyModel('tiny-bert'), changes));
    expect(weights).toEqual((await readEncoder(modelFolder(tinyModel('tiny-bert')))).weights);
  });

  it('reads the gamma and beta of old checkpoints', async () => {
    const changes = changedWeights('tiny-bert', (tensors) =>
      [...tensors].map(
        ([key, tensor]) =>
          [
            key.replace('LayerNorm.weight', 'LayerNorm.gamma').replace('LayerNorm.bias', 'LayerNorm.beta'),
            tensor,
          ] as const,
      ),
    );
    const { weights } = await readEncoder(modelFolder(tinyModel('tiny-bert'), changes));
    expect(weights).toEqual((await readEncoder(modelFolder(tinyModel('tiny-bert')))).weights);
  });

  it('reads shards', async () => {
    const all = [...storedTensors('tiny-bert')];
    const shard = (i: number): Uint8Array<ArrayBuffer> =>
      writeSafetensors(new Map(all.filter((_, at) => at % 2 === i)));
    const files = ['model-00001-of-00002.safetensors', 'model-00002-of-00002.safetensors'];
    const changes: FolderChanges = {
      'model.safetensors': undefined,
      'model.safetensors.index.json': {
        weight_map: Object.fromEntries(all.map(([key], at) => [key, files[at % 2]])),
      },
      'model-00001-of-00002.safetensors': shard(0),
      'model-00002-of-00002.safetensors': shard(1),
    };
    const { weights } = await readEncoder(modelFolder(tinyModel('tiny-bert'), changes));
    expect(weights).toEqual((await readEncoder(modelFolder(tinyModel('tiny-bert')))).weights);
    const swapped = { ...changes, 'model-00001-of-00002.safetensors': shard(1) };
    await expect(readEncoder(modelFolder(tinyModel('tiny-bert'), swapped))).rejects.toThrow(
      /which does not contain it/,
    );
  });

  it('widens half precision', async () => {
    const changes = changedWeights('tiny-bert', (tensors) =>
      [...tensors].map(([key, tensor]) => {
        const values = toFloat32(tensor, key, '');
        const halves = Uint16Array.from(new Uint32Array(values.buffer), (bits) => bits >>> 16);
        return [key, { dtype: 'BF16', dims: tensor.dims, data: new Uint8Array(halves.buffer) }] as const;
      }),
    );
    const { weights } = await readEncoder(modelFolder(tinyModel('tiny-bert'), changes));
    const exact = (await readEncoder(modelFolder(tinyModel('tiny-bert')))).weights;
    const name = 'encoder.layer.0.output.dense.weight';
    weights.get(name)?.data.forEach((value, i) => {
      expect(Math.abs(value - (exact.get(name)?.data[i] ?? NaN))).toBeLessThan(0.01);
    });
  });

  it.each<[string, RegExp]>([
    ['license: mit', /^mit$/],
    ['tags:\n- x\nlicense: "cc-by-4.0" # note', /^cc-by-4\.0$/],
  ])('keeps the license of a card that says %j', async (matter, license) => {
    const changes = { 'README.md': `---\r\n${matter}\n---\n# Model\nlicense: gpl\n` };
    const { baggage } = await readEncoder(modelFolder(tinyModel('tiny-bert'), changes));
    expect(baggage.license).toMatch(license);
  });

  it('finds no license where the card names none', async () => {
    const { baggage } = await readEncoder(
      modelFolder(tinyModel('tiny-bert'), { 'README.md': 'license: mit' }),
    );
    expect(baggage.license).toBeUndefined();
  });

  const key = 'encoder.layer.1.output.dense.bias';
  const without = changedWeights('tiny-bert', (tensors) => [...tensors].filter(([name]) => name !== key));
  const poisoned = (value: number): FolderChanges =>
    changedWeights('tiny-bert', (tensors) => {
      const data = new Float32Array(16);
      data[5] = value;
      return tensors.set(key, fromFloat32([16], data));
    });
  it.each<[string, FolderChanges, RegExp]>([
    ['no config', { 'config.json': undefined }, /model\/config\.json: the file is missing/],
    ['no weights', { 'model.safetensors': undefined }, /no weights/],
    ['a missing tensor', without, /the weights lack encoder\.layer\.1\.output\.dense\.bias\./],
    [
      'more layers than weights',
      withConfig('tiny-bert', { num_hidden_layers: 3 }),
      /lack encoder\.layer\.2.* and 13 more/,
    ],
    [
      'another width',
      withConfig('tiny-bert', { intermediate_size: 48 }),
      /\[32, 16\], but config\.json specifies \[48, 16\]/,
    ],
    [
      'NaN',
      poisoned(NaN),
      /model\/model\.safetensors: encoder\.layer\.1\.output\.dense\.bias has the value NaN at element 5/,
    ],
    ['Infinity', poisoned(-Infinity), /has the value -Infinity at element 5/],
    [
      'another family',
      { 'model.safetensors': writeSafetensors(new Map()) },
      /lack embeddings\.word_embeddings\.weight/,
    ],
    [
      'two encoders',
      changedWeights('tiny-bert', (t) => [...t, ...[...t].map(([name, x]) => [`bert.${name}`, x] as const)]),
      /two encoders/,
    ],
    [
      'integer weights',
      changedWeights('tiny-bert', (t) => t.set(key, { dtype: 'I8', dims: [16], data: new Uint8Array(16) })),
      /type I8/,
    ],
    [
      'a truncated file',
      {
        'model.safetensors': new Uint8Array(
          readFileSync(join(tinyModel('tiny-bert'), 'model.safetensors')),
        ).slice(0, 9000),
      },
      /model\/model\.safetensors: tensor .* but the file contains/,
    ],
    [
      'a tokenizer of another model',
      withConfig('tiny-bert', { vocab_size: 90 }),
      /does not match.*up to 99.*90 rows/,
    ],
  ])('refuses %s', async (_, changes, message) => {
    const read = readEncoder(modelFolder(tinyModel('tiny-bert'), changes));
    await expect(read).rejects.toThrow(InputError);
    await expect(read).rejects.toThrow(message);
  });

  const real = realModel('all-MiniLM-L6-v2');
  itUnless(real.missing, 'reads the real all-MiniLM-L6-v2', async () => {
    const model = await readEncoder(modelFolder(real.path));
    expect(model.encoding).toEqual({
      pooling: 'mean',
      normalize: true,
      queryPrefix: '',
      passagePrefix: '',
      queryMaxLength: 256,
      passageMaxLength: 256,
    });
    expect(model.baggage.license).toBe('apache-2.0');
    expect([...model.weights.values()].reduce((sum, { data }) => sum + data.length, 0)).toBe(22_565_376);
    expect(model.advice).toEqual([]);
  });
});

describe('readCrossEncoder', () => {
  const folder = tinyModel('tiny-cross-encoder');

  it('is not readEncoder, which says that it leaves a head out', async () => {
    const { advice, weights } = await readEncoder(modelFolder(folder));
    expect(advice).toEqual([expect.stringMatching(/cross-encoder; its head is ignored/)]);
    expect([...weights.keys()].filter((name) => /classifier|pooler/.test(name))).toEqual([]);
    expect((await readEncoder(modelFolder(tinyModel('tiny-bert')))).advice).toEqual([]);
  });

  it('reads encoder, pooler and head', async () => {
    const model = await readCrossEncoder(modelFolder(folder));
    expect(model).toMatchObject({ labels: 1, maxLength: 32 });
    const stored = storedTensors('tiny-cross-encoder');
    expect(model.weights.size).toBe(stored.size);
    for (const [key, tensor] of stored) {
      expect(model.weights.get(key.replace(/^bert\./, ''))?.data).toEqual(toFloat32(tensor, key, ''));
    }
  });

  it.each<[string, string, FolderChanges, RegExp]>([
    ['an encoder without a head', tinyModel('tiny-bert'), {}, /no classification head/],
    [
      'another count of labels',
      folder,
      withConfig('tiny-cross-encoder', { id2label: { 0: 'a', 1: 'b' } }),
      /specifies 2 labels.* has 1/,
    ],
    ['DistilBERT without a head', tinyModel('tiny-distilbert'), {}, /no classification head/],
    [
      'a missing pooler',
      folder,
      changedWeights('tiny-cross-encoder', (t) => [...t].filter(([name]) => !name.includes('pooler'))),
      /lack pooler\.dense\.weight, pooler\.dense\.bias/,
    ],
  ])('refuses %s', async (_, path, changes, message) => {
    const read = readCrossEncoder(modelFolder(path, changes));
    await expect(read).rejects.toThrow(InputError);
    await expect(read).rejects.toThrow(message);
  });
});
