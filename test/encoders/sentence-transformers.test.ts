import { describe, expect, it } from 'vitest';
import { readEncodingSettings, type EncodingSettings } from '../../src/encoders/sentence-transformers.ts';
import type { EncodingOverrides } from '../../src/encoders/types.ts';
import type { EncoderShape } from '../../src/encoders/types.ts';
import { InputError } from '../../src/core/errors.ts';
import { modelFolder, type FolderChanges } from '../support/model-folder.ts';

const shape: EncoderShape = {
  family: 'bert',
  vocabSize: 100,
  hiddenSize: 16,
  layers: 1,
  heads: 2,
  intermediateSize: 32,
  maxPositions: 512,
  segments: 2,
  layerNormEpsilon: 1e-12,
  activation: 'gelu',
  hiddenDropout: 0.1,
  attentionDropout: 0.1,
};

const old = 'sentence_transformers.models.';
function modules(...kinds: string[]): object[] {
  return kinds.map((kind, idx) => ({
    idx,
    name: String(idx),
    path: idx === 0 ? '' : `${idx}_${kind.split('.').at(-1) ?? ''}`,
    type: kind.includes('.') ? kind : old + kind,
  }));
}

function settings(
  files: FolderChanges,
  overrides?: EncodingOverrides,
  name = 'some-model',
): Promise<EncodingSettings> {
  return readEncodingSettings(modelFolder(undefined, files, name), shape, overrides);
}

describe('readEncodingSettings', () => {
  it('pools the mean and normalizes where the folder says nothing', async () => {
    expect(await settings({})).toEqual({
      encoding: {
        pooling: 'mean',
        normalize: true,
        queryPrefix: '',
        passagePrefix: '',
        queryMaxLength: 512,
        passageMaxLength: 512,
      },
      lowerCase: false,
      advice: [],
    });
  });

  it('reads the layout up to version 4', async () => {
    const { encoding } = await settings({
      'modules.json': modules('Transformer', 'Pooling', 'Normalize'),
      '1_Pooling/config.json': { pooling_mode_cls_token: true, pooling_mode_mean_tokens: false },
      'sentence_bert_config.json': { max_seq_length: 256, do_lower_case: false },
      'config_sentence_transformers.json': { prompts: { query: 'q: ', passage: 'p: ' } },
    });
    expect(encoding).toEqual({
      pooling: 'cls',
      normalize: true,
      queryPrefix: 'q: ',
      passagePrefix: 'p: ',
      queryMaxLength: 256,
      passageMaxLength: 256,
    });
  });

  it('reads the newer layout', async () => {
    const { encoding } = await settings({
      'modules.json': modules(
        'sentence_transformers.base.modules.transformer.Transformer',
        'sentence_transformers.sentence_transformer.modules.pooling.Pooling',
      ),
      '1_Pooling/config.json': { embedding_dimension: 16, pooling_mode: 'cls', include_prompt: true },
      'sentence_bert_config.json': { transformer_task: 'feature-extraction' },
      'tokenizer_config.json': { model_max_length: 128 },
      'config_sentence_transformers.json': {
        prompts: { query: 'q: ', document: 'd: ', passage: 'not this' },
        similarity_fn_name: 'dot',
      },
    });
    expect(encoding).toEqual({
      pooling: 'cls',
      normalize: false,
      queryPrefix: 'q: ',
      passagePrefix: 'd: ',
      queryMaxLength: 128,
      passageMaxLength: 128,
    });
  });

  it('normalizes for cosine even without the module, not for the dot product', async () => {
    const files = {
      'modules.json': modules('Transformer', 'Pooling'),
      '1_Pooling/config.json': { pooling_mode_mean_tokens: true },
    };
    expect((await settings(files)).encoding.normalize).toBe(true);
    const dot = { ...files, 'config_sentence_transformers.json': { similarity_fn_name: 'dot' } };
    expect((await settings(dot)).encoding.normalize).toBe(false);
  });

  it('uses the default prompt for sides without one of their own', async () => {
    const { encoding } = await settings({
      'config_sentence_transformers.json': {
        prompts: { all: 'a: ', query: 'q: ' },
        default_prompt_name: 'all',
      },
    });
    expect([encoding.queryPrefix, encoding.passagePrefix]).toEqual(['q: ', 'a: ']);
  });

  it('lets the user override everything', async () => {
    const overrides = {
      pooling: 'cls',
      normalize: false,
      queryPrefix: '',
      passagePrefix: 'p',
      queryMaxLength: 64,
      passageMaxLength: 300,
    } as const;
    const files = {
      'sentence_bert_config.json': { max_seq_length: 256 },
      'config_sentence_transformers.json': { prompts: { query: 'q: ' } },
    };
    expect((await settings(files, overrides)).encoding).toEqual(overrides);
  });

  it('never reads beyond the positions that the model has', async () => {
    const length = async (value: unknown): Promise<number> =>
      (await settings({ 'tokenizer_config.json': { model_max_length: value } })).encoding.passageMaxLength;
    expect(await length(1e30)).toBe(512);
    expect(await length(1024)).toBe(512);
    expect(await length(null)).toBe(512);
    expect(await length('x')).toBe(512);
  });

  it.each([2, 513, 10.5, NaN])('refuses a maximum length of %s', async (queryMaxLength) => {
    await expect(settings({}, { queryMaxLength })).rejects.toThrow(/whole number from 3 to 512/);
  });

  const pooled = (config: object): FolderChanges => ({
    'modules.json': modules('Transformer', 'Pooling'),
    '1_Pooling/config.json': config,
  });
  it.each<[string, FolderChanges, RegExp]>([
    [
      'a dense layer',
      { 'modules.json': modules('Transformer', 'Pooling', 'Dense') },
      /models\.Dense" is not supported/,
    ],
    [
      'code of its own',
      { 'modules.json': modules('Transformer', 'custom.Pooling') },
      /custom\.Pooling" is not/,
    ],
    ['no pooling', { 'modules.json': modules('Transformer') }, /the modules are Transformer/],
    ['another order', { 'modules.json': modules('Transformer', 'Normalize', 'Pooling') }, /the modules are/],
    ['no list', { 'modules.json': {} }, /no list of modules/],
    [
      'a path upwards',
      { 'modules.json': [{ type: `${old}Transformer`, path: '../x' }] },
      /invalid path "\.\.\/x"/,
    ],
    ['two dots', { 'modules.json': [{ type: `${old}Pooling`, path: '..' }] }, /invalid path "\.\."/],
    ['a subfolder', { 'modules.json': [{ type: `${old}Transformer`, path: '0_Transformer' }] }, /subfolder/],
    [
      'max pooling',
      pooled({ pooling_mode_max_tokens: true }),
      /pooling_mode_max_tokens is not supported.*CLS or mean/,
    ],
    ['two poolings', pooled({ pooling_mode: ['cls', 'mean'] }), /cls and mean is not/],
    ['no mode', pooled({}), /pooling none/],
    ['no pooling file', { 'modules.json': modules('Transformer', 'Pooling') }, /1_Pooling\/config\.json/],
    [
      'euclidean',
      { 'config_sentence_transformers.json': { similarity_fn_name: 'euclidean' } },
      /"euclidean"/,
    ],
    ['prompts of numbers', { 'config_sentence_transformers.json': { prompts: { query: 1 } } }, /prompts/],
    [
      'pooling without the prompt',
      {
        ...pooled({ pooling_mode: 'mean', include_prompt: false }),
        'config_sentence_transformers.json': { prompts: { query: 'q: ' } },
      },
      /include_prompt/,
    ],
  ])('refuses %s', async (_, files, message) => {
    await expect(settings(files)).rejects.toThrow(InputError);
    await expect(settings(files)).rejects.toThrow(message);
  });

  it('advises where a family expects prompts that the folder lacks, and guesses nothing', async () => {
    const bge = await settings({}, {}, 'BAAI/bge-small-en-v1.5');
    expect(bge.advice[0]).toMatch(/Represent this sentence/);
    expect(bge.encoding.queryPrefix).toBe('');
    expect((await settings({}, {}, '/models/e5-base-v2')).advice[0]).toMatch(/"query: "/);
    expect((await settings({}, {}, 'Snowflake/snowflake-arctic-embed-xs')).advice).toHaveLength(1);
    expect((await settings({}, {}, 'facebook/contriever')).advice[0]).toMatch(/dot product/);
    expect((await settings({}, { queryPrefix: '' }, 'intfloat/e5-small')).advice).toEqual([]);
    expect((await settings({}, {}, 'all-MiniLM-L6-v2')).advice).toEqual([]);
  });
});
