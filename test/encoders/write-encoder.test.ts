import { describe, expect, it } from 'vitest';
import type { ModelCardInfo } from '../../src/encoders/model-card.ts';
import { readEncoder } from '../../src/encoders/read-encoder.ts';
import { readSafetensors } from '../../src/formats/safetensors.ts';
import type { EncodingOverrides } from '../../src/encoders/types.ts';
import type { EncoderModel } from '../../src/encoders/types.ts';
import { encoderFiles } from '../../src/encoders/write-encoder.ts';
import { modelFolder, tinyModel, type FolderChanges } from '../support/model-folder.ts';

const card: ModelCardInfo = {
  title: 'tiny-scifact',
  baseModel: 'org/tiny@main',
  trainingData: 'Claims with cited abstracts.',
  loss: 'infonce(temperature=0.05)',
  hyperparameters: { learningRate: 2e-5, batch: 16 },
  metrics: [{ dataset: 'scifact', metric: 'ndcg_cut_10', before: 0.6451, after: 0.70001 }],
};

function written(
  model: EncoderModel,
  info = card,
  onnx?: Uint8Array<ArrayBuffer>,
): Record<string, Uint8Array<ArrayBuffer>> {
  const files: Record<string, Uint8Array<ArrayBuffer>> = {};
  for (const { path, content } of encoderFiles(model, info, { onnx })) {
    files[path] = content instanceof Uint8Array ? content : new Uint8Array(Buffer.concat([...content]));
  }
  return files;
}

async function tiny(
  changes: FolderChanges = {},
  overrides: EncodingOverrides = {},
  name: 'tiny-bert' | 'tiny-distilbert' = 'tiny-bert',
): Promise<EncoderModel> {
  return readEncoder(modelFolder(tinyModel(name), changes), overrides);
}

function json(bytes: Uint8Array | undefined): Record<string, unknown> {
  return JSON.parse(new TextDecoder().decode(bytes)) as Record<string, unknown>;
}

describe('encoderFiles', () => {
  it.each<[string, EncodingOverrides, 'tiny-bert' | 'tiny-distilbert']>([
    ['mean and cosine', {}, 'tiny-bert'],
    ['prefixes and CLS', { pooling: 'cls', queryPrefix: 'query: ', passagePrefix: 'passage: ' }, 'tiny-bert'],
    ['the dot product', { normalize: false, passageMaxLength: 20, queryMaxLength: 20 }, 'tiny-bert'],
    ['DistilBERT', {}, 'tiny-distilbert'],
  ])('writes what readEncoder reads: %s', async (_, overrides, name) => {
    const model = await tiny({}, overrides, name);
    const read = await readEncoder(modelFolder(undefined, written(model)));
    expect(read.encoding).toEqual(model.encoding);
    expect(read.shape).toEqual(model.shape);
    expect(read.weights).toEqual(model.weights);
    expect(read.tokenizer.encode('what is heat', 9)).toEqual(model.tokenizer.encode('what is heat', 9));
  });

  it('writes the files of the layout, the same ones every time', async () => {
    const model = await tiny();
    const files = written(model, card, new Uint8Array([1, 2]));
    expect(Object.keys(files).sort()).toEqual([
      '1_Pooling/config.json',
      'README.md',
      'config.json',
      'config_sentence_transformers.json',
      'model.safetensors',
      'modules.json',
      'onnx/model.onnx',
      'sentence_bert_config.json',
      'tokenizer.json',
      'tokenizer_config.json',
      'vocab.txt',
    ]);
    expect(files['onnx/model.onnx']).toEqual(new Uint8Array([1, 2]));
    expect(written(model, card, new Uint8Array([1, 2]))).toEqual(files);
    expect(files['tokenizer.json']).toEqual(model.baggage.files.get('tokenizer.json'));
  });

  it('writes weights under the names of the plain model class, without a pooler', async () => {
    const { tensors, metadata } = readSafetensors(written(await tiny())['model.safetensors']!, 'f');
    expect([...metadata]).toEqual([['format', 'pt']]);
    expect([...tensors.keys()]).toContain('embeddings.word_embeddings.weight');
    expect([...tensors.keys()].filter((name) => /pooler|^bert/.test(name))).toEqual([]);
  });

  it('keeps unknown fields of the config and of the transformer settings', async () => {
    const model = await tiny({
      'config.json': {
        ...(await tiny()).baggage.config,
        architectures: ['BertForMaskedLM'],
        custom: { x: 1 },
      },
      'sentence_bert_config.json': { max_seq_length: 16, do_lower_case: true, custom: 2 },
    });
    const files = written(model);
    expect(json(files['config.json'])).toMatchObject({
      custom: { x: 1 },
      architectures: ['BertModel'],
      dtype: 'float32',
    });
    expect(json(files['sentence_bert_config.json'])).toEqual({
      max_seq_length: 16,
      do_lower_case: true,
      custom: 2,
    });
  });

  it('writes a tokenizer.json for models that had only vocab.txt', async () => {
    const only = { 'tokenizer.json': undefined, 'tokenizer_config.json': undefined };
    const model = await tiny(only);
    const files = written(model);
    const read = await readEncoder(modelFolder(undefined, { ...files, 'vocab.txt': undefined }));
    expect(read.tokenizer.encode('Café proteins', 32)).toEqual(model.tokenizer.encode('Café proteins', 32));
    expect(json(files['tokenizer_config.json'])).toMatchObject({ tokenizer_class: 'BertTokenizer' });
  });
});

describe('the model card', () => {
  const text = (files: Record<string, Uint8Array>): string => new TextDecoder().decode(files['README.md']);

  it('tells what was trained, how, and what it did', async () => {
    const readme = text(written(await tiny({ 'README.md': '---\nlicense: apache-2.0\n---\n' })));
    expect(readme).toMatch(/^---\nlibrary_name: sentence-transformers\npipeline_tag: sentence-similarity\n/);
    expect(readme).toContain(
      '\nlicense: apache-2.0\nbase_model:\n- org/tiny\ntags:\n- sentence-transformers\n',
    );
    expect(readme).toContain('\n---\n\n# tiny-scifact\n');
    expect(readme).toContain('Claims with cited abstracts.');
    expect(readme).toContain('Loss: infonce(temperature=0.05)');
    expect(readme).toContain('| learningRate | 2e-5 |');
    expect(readme).toContain('| scifact | ndcg\\_cut\\_10 | 0.6451 | 0.7000 |');
  });

  it('keeps its license through a second export', async () => {
    const first = written(await tiny({ 'README.md': '---\nlicense: cc-by-sa-4.0\n---\n' }));
    const second = await readEncoder(modelFolder(undefined, first));
    expect(second.baggage.license).toBe('cc-by-sa-4.0');
  });

  it('names no folder of the machine', async () => {
    const readme = text(written(await tiny(), { ...card, baseModel: '/home/me/secret/model' }));
    expect(readme).not.toContain('secret');
    expect(readme).not.toContain('base_model');
  });

  it('lets no text break out of YAML, tables, Markdown or HTML', async () => {
    const nasty = '"\n---\n# x | <script>alert(1)</script> `c` [l](javascript:x) \u202e';
    const model = await tiny({ 'README.md': '---\nlicense: a: [b] # "c"\n---\n' }, { queryPrefix: nasty });
    const readme = text(
      written(model, {
        title: nasty,
        baseModel: nasty,
        trainingData: nasty,
        loss: nasty,
        hyperparameters: { [nasty]: nasty },
        metrics: [{ dataset: nasty, metric: nasty, after: 1 }],
      }),
    );
    expect(readme.match(/^---$/gm)).toHaveLength(2);
    expect(readme).toContain('license: "a: [b]"');
    const body = readme.slice(readme.indexOf('\n# '));
    expect(body).not.toMatch(/<script|(?<!\\)\[l\]|\u202e/);
    const rows = body.split('\n').filter((line) => line.startsWith('| '));
    for (const row of rows) expect([3, 4]).toContain(row.match(/(?<!\\)\|/g)?.length);
  });
});
