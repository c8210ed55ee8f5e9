import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { readConfig, type EncoderConfig } from '../../src/encoders/config.ts';
import { InputError } from '../../src/core/errors.ts';
import { readJson, tinyModel } from '../support/model-folder.ts';

function read(value: unknown): EncoderConfig {
  return readConfig(new TextEncoder().encode(JSON.stringify(value)), 'config.json');
}

describe('readConfig', () => {
  it('reads a BERT config and keeps every field', () => {
    const raw = readJson(join(tinyModel('tiny-bert'), 'config.json'));
    expect(read(raw)).toEqual({
      shape: {
        family: 'bert',
        vocabSize: 100,
        hiddenSize: 16,
        layers: 2,
        heads: 2,
        intermediateSize: 32,
        maxPositions: 32,
        segments: 2,
        layerNormEpsilon: 1e-12,
        activation: 'gelu',
        hiddenDropout: 0.1,
        attentionDropout: 0.1,
      },
      labels: undefined,
      raw,
    });
  });

  it('reads a DistilBERT config under its own names', () => {
    const { shape } = read({
      ...(readJson(join(tinyModel('tiny-distilbert'), 'config.json')) as object),
      activation: 'relu',
      dropout: 0.2,
      attention_dropout: 0.3,
    });
    expect(shape).toMatchObject({
      family: 'distilbert',
      hiddenSize: 16,
      intermediateSize: 32,
      layers: 2,
      heads: 2,
    });
    expect(shape).toMatchObject({
      segments: 0,
      activation: 'relu',
      hiddenDropout: 0.2,
      attentionDropout: 0.3,
    });
  });

  it('takes the sizes that transformers takes where they are missing', () => {
    expect(read({ model_type: 'bert' }).shape).toMatchObject({
      hiddenSize: 768,
      layers: 12,
      intermediateSize: 3072,
    });
    expect(read({ model_type: 'distilbert' }).shape).toMatchObject({ hiddenSize: 768, layers: 6 });
  });

  it('knows old configs by their class', () => {
    expect(read({ architectures: ['BertForMaskedLM'] }).shape.family).toBe('bert');
    expect(read({ architectures: ['DistilBertModel'] }).shape.family).toBe('distilbert');
  });

  it.each([
    ['gelu', 'gelu'],
    ['gelu_new', 'gelu_tanh'],
    ['gelu_pytorch_tanh', 'gelu_tanh'],
    ['relu', 'relu'],
  ])('maps the activation %s to %s', (name, activation) => {
    expect(read({ model_type: 'bert', hidden_act: name }).shape.activation).toBe(activation);
  });

  it('counts labels by their names', () => {
    expect(read({ model_type: 'bert', id2label: { 0: 'a', 1: 'b', 2: 'c' } }).labels).toBe(3);
    expect(read({ model_type: 'bert', num_labels: 2 }).labels).toBe(2);
  });

  it.each([
    [{ model_type: 'roberta' }, /"roberta" is not supported\. .*bert or distilbert/],
    [{ model_type: 'new' }, /"new" is not supported/],
    [{ model_type: 'nomic_bert' }, /"nomic_bert" is not supported/],
    [{ model_type: ['bert'] }, /\["bert"\] is not supported/],
    [{}, /does not specify a model_type/],
    [{ architectures: ['RobertaModel'] }, /does not specify a model_type/],
    [{ model_type: 'bert', position_embedding_type: 'relative_key' }, /"relative_key" is not supported/],
    [{ model_type: 'bert', is_decoder: true }, /is_decoder is not supported/],
    [{ model_type: 'bert', quantization_config: { bits: 4 } }, /quantized/],
    [{ model_type: 'bert', hidden_act: 'silu' }, /"silu" is not supported\. .*gelu_new/],
    [{ model_type: 'bert', hidden_act: 'constructor' }, /"constructor" is not supported/],
    [{ model_type: 'bert', hidden_size: 100 }, /100 is not a multiple of num_attention_heads 12/],
    [{ model_type: 'bert', vocab_size: 1e300 }, /vocab_size is 1e\+300/],
    [{ model_type: 'bert', num_hidden_layers: 0 }, /num_hidden_layers is 0/],
    [{ model_type: 'bert', num_hidden_layers: '12' }, /num_hidden_layers is "12"/],
    [{ model_type: 'bert', layer_norm_eps: -1 }, /layer_norm_eps is -1/],
    [{ model_type: 'distilbert', dropout: 1 }, /dropout is 1/],
    [[1], /no JSON object/],
    [null, /no JSON object/],
  ])('refuses %j', (config, message) => {
    expect(() => read(config)).toThrow(InputError);
    expect(() => read(config)).toThrow(message);
  });

  it('names the line where the JSON breaks', () => {
    const broken = new TextEncoder().encode('{\n  "model_type": "bert",\n  oops\n}');
    expect(() => readConfig(broken, 'm/config.json')).toThrow(
      /^m\/config\.json:3: the file is not valid JSON/,
    );
    expect(() => readConfig(new Uint8Array([0x7b, 0xff]), 'm/config.json')).toThrow(/not UTF-8/);
  });

  it('survives a million brackets', () => {
    expect(() => readConfig(new TextEncoder().encode('['.repeat(1e6)), 'f')).toThrow(InputError);
  });
});
