import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { readEncoder } from '../../src/encoders/read-encoder.ts';
import { InputError } from '../../src/core/errors.ts';
import { modelFolder, readJson, tinyModel, type FolderChanges } from '../support/model-folder.ts';

const tiny = tinyModel('tiny-bert');
const config = readJson(join(tiny, 'config.json')) as object;
const definition = readJson(join(tiny, 'tokenizer.json')) as { model: object };

function open(changes: FolderChanges): Promise<unknown> {
  return readEncoder(modelFolder(tiny, changes));
}

/** A JSON object whose field holds arrays, one in another. */
function nested(object: object, levels: number): string {
  return JSON.stringify({ ...object, deep: 0 }).replace(
    '"deep":0',
    `"deep":${'['.repeat(levels)}${']'.repeat(levels)}`,
  );
}

const withWordLength = (length: unknown): FolderChanges => ({
  'tokenizer.json': { ...definition, model: { ...definition.model, max_input_chars_per_word: length } },
});

describe('files of a model', () => {
  it.each<[string, FolderChanges, RegExp]>([
    [
      'a config.json with a million levels',
      { 'config.json': nested(config, 1_000_000) },
      /^model\/config\.json: the JSON is nested deeper than 256 levels\./,
    ],
    [
      'a tokenizer.json that nests in a field that nobody reads',
      { 'tokenizer.json': nested(definition, 1_000_000) },
      /^model\/tokenizer\.json: the JSON is nested deeper than 256 levels\./,
    ],
    [
      'a modules.json with 257 levels',
      { 'modules.json': `${'['.repeat(257)}${']'.repeat(257)}` },
      /^model\/modules\.json: the JSON is nested deeper than 256 levels\./,
    ],
    [
      'a config.json of 9 MiB',
      { 'config.json': JSON.stringify(config) + ' '.repeat(9 * 2 ** 20) },
      /^model\/config\.json: the file has 9 MiB, but the limit is 8 MiB\./,
    ],
    [
      'a tokenizer.json of 65 MiB',
      { 'tokenizer.json': JSON.stringify(definition) + ' '.repeat(65 * 2 ** 20) },
      /^model\/tokenizer\.json: the file has 65 MiB, but the limit is 64 MiB\./,
    ],
    [
      'a word of a billion characters',
      withWordLength(1e9),
      /^model\/tokenizer\.json: max_input_chars_per_word is 1000000000, not a whole number from 1 to 200\./,
    ],
    ['a word length of text', withWordLength('100'), /max_input_chars_per_word is "100"/],
    ['a word length of 0', withWordLength(0), /max_input_chars_per_word is 0/],
  ])('are refused with the limit: %s', async (_, changes, message) => {
    const opening = open(changes);
    await expect(opening).rejects.toThrow(InputError);
    await expect(opening).rejects.toThrow(message);
  });

  it('may nest up to the limit, and brackets in texts do not count', async () => {
    // The object itself is one level.
    const text = { note: `"\\${'['.repeat(1000)}` };
    await expect(open({ 'config.json': nested({ ...config, ...text }, 255) })).resolves.toBeDefined();
    await expect(open({ 'config.json': nested(config, 256) })).rejects.toThrow(/deeper/);
  });

  it('may cut words as long as any real model does', async () => {
    for (const length of [1, 100, 200, null, undefined]) await open(withWordLength(length));
  });

  it('may hold vocabularies of the size that multilingual models have', async () => {
    const vocab = Array.from({ length: 250_000 }, (_, i) => [`▁a▁piece▁of▁many▁more▁languages▁${i}`, -i / 7]);
    const file = JSON.stringify({ ...definition, model: { type: 'Unigram', vocab } });
    expect(new TextEncoder().encode(file).length).toBeGreaterThan(17_000_000);
    // It is read, and refused for its kind alone.
    await expect(open({ 'tokenizer.json': file })).rejects.toThrow(/"Unigram" is not supported/);
  });
});
