import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { wordPiece } from '../../src/encoders/tokenizer.ts';
import type { TextTokenizer } from '../../src/encoders/types.ts';
import { InputError } from '../../src/core/errors.ts';
import { realData } from '../support/data.ts';
import { modelFolder, readJson, tinyModel, type FolderChanges } from '../support/model-folder.ts';
import { describeUnless, itUnless } from '../support/skip.ts';

interface Golden {
  readonly texts: readonly { text: string; maxLength: number; ids: number[] }[];
  readonly pairs: readonly {
    first: string;
    second: string;
    maxLength: number;
    ids: number[];
    segments: number[];
  }[];
}

const tiny = tinyModel('tiny-bert');
const golden = readJson(join(tiny, 'golden.json')) as Golden;
const definition = readJson(join(tiny, 'tokenizer.json')) as {
  model: { vocab: Record<string, number> };
  added_tokens: object[];
};

function open(changes: FolderChanges = {}, path: string = tiny): Promise<TextTokenizer> {
  return wordPiece.read(modelFolder(path, changes));
}

describe.each([
  ['tokenizer.json', {}],
  ['vocab.txt alone', { 'tokenizer.json': undefined, 'tokenizer_config.json': undefined }],
])('a tokenizer from %s', (_, changes) => {
  it('gives the ids of transformers', async () => {
    const tokenizer = await open(changes);
    expect(tokenizer.vocabSize).toBe(100);
    expect(tokenizer.padId).toBe(0);
    for (const { text, maxLength, ids } of golden.texts)
      expect([...tokenizer.encode(text, maxLength)]).toEqual(ids);
  });

  it('gives the ids and segments of transformers for pairs', async () => {
    const tokenizer = await open(changes);
    for (const { first, second, maxLength, ids, segments } of golden.pairs) {
      const pair = tokenizer.encodePair(first, second, maxLength);
      expect([...pair.ids]).toEqual(ids);
      expect([...pair.segments]).toEqual(segments);
    }
  });
});

describe('a WordPiece tokenizer', () => {
  it('cuts the longer text of a pair first, the second of two equal ones last', async () => {
    const tokenizer = await open();
    const words = (count: number): string => 'cell '.repeat(count);
    // What transformers' longest_first keeps of (first, second) in maxLength tokens.
    const kept = [
      [5, 1, 8, 4, 1],
      [1, 5, 8, 1, 4],
      [5, 5, 8, 2, 3],
      [6, 5, 8, 3, 2],
      [5, 6, 8, 2, 3],
      [3, 3, 9, 3, 3],
    ] as const;
    for (const [first, second, maxLength, keptFirst, keptSecond] of kept) {
      const { ids, segments } = tokenizer.encodePair(words(first), words(second), maxLength);
      expect(ids).toHaveLength(keptFirst + keptSecond + 3);
      expect(segments.indexOf(1)).toBe(keptFirst + 2);
    }
  });

  it('keeps [CLS] and [SEP] however short the limit', async () => {
    const tokenizer = await open();
    expect([...tokenizer.encode('cell cell', 2)]).toEqual([2, 3]);
    expect([...tokenizer.encode('cell cell', 0)]).toEqual([2, 3]);
    expect([...tokenizer.encodePair('cell', 'cell', 0).ids]).toEqual([2, 3, 3]);
  });

  it('separates ideographs beyond 16 bits and lowers every capital sigma, as the reference does', async () => {
    const lines = readFileSync(join(tiny, 'vocab.txt'), 'utf8').replaceAll('\nzz', '');
    const tokenizer = await open({ 'tokenizer.json': undefined, 'vocab.txt': `${lines}σ\n##σ\n𠀀\n` });
    expect([...tokenizer.encode('ΣΣ a𠀀𠀀', 99)]).toEqual([2, 100, 101, 5, 102, 102, 3]);
  });

  it('obeys do_lower_case of both config files', async () => {
    const cased = { 'tokenizer.json': undefined, 'tokenizer_config.json': { do_lower_case: false } };
    expect([...(await open(cased)).encode('Cell cell', 9)]).toEqual([2, 1, 66, 3]);
    const lowered = await wordPiece.read(modelFolder(tiny, cased), { lowerCase: true });
    expect([...lowered.encode('Cell cell', 9)]).toEqual([2, 66, 66, 3]);
  });

  it('reads tokens that would change an object', () => {
    const vocabulary = new TextEncoder().encode(
      '[PAD]\n[UNK]\n[CLS]\n[SEP]\n[MASK]\n__proto__\nconstructor\r\n',
    );
    const { model } = wordPiece.fromVocabulary(vocabulary, {}, 'vocab.txt') as typeof definition;
    expect(Object.entries(model.vocab)).toContainEqual(['__proto__', 5]);
    expect(Object.entries(model.vocab)).toContainEqual(['constructor', 6]);
  });

  const changed = (change: object): FolderChanges => ({ 'tokenizer.json': { ...definition, ...change } });
  it.each<[string, FolderChanges, RegExp]>([
    [
      'no files',
      { 'tokenizer.json': undefined, 'vocab.txt': undefined },
      /neither tokenizer\.json nor vocab\.txt/,
    ],
    ['not valid JSON', { 'tokenizer.json': '{"model":' }, /not valid JSON/],
    ['no model', changed({ model: null }), /no model/],
    ['BPE', changed({ model: { ...definition.model, type: 'BPE' } }), /"BPE" is not supported/],
    ['Unigram', changed({ model: { type: 'Unigram', vocab: [] } }), /"Unigram" is not supported/],
    ['no vocabulary', changed({ model: { ...definition.model, vocab: 1 } }), /no vocabulary/],
    ['an id of text', changed({ model: { ...definition.model, vocab: { '[UNK]': 'x' } } }), /the id "x"/],
    [
      'a huge id',
      changed({ model: { ...definition.model, vocab: { '[UNK]': 2 ** 31 } } }),
      /the id 2147483648/,
    ],
    ['no unknown token', changed({ model: { ...definition.model, unk_token: 'nope' } }), /unknown token/],
    ['no added tokens', changed({ added_tokens: null }), /no list of added tokens/],
    ['a broken added token', changed({ added_tokens: [{}] }), /added token without/],
    ['no [CLS]', changed({ post_processor: null }), /adds no \[CLS\]/],
    ['RoBERTa', changed({ post_processor: { type: 'RobertaProcessing' } }), /RobertaProcessing/],
    ['byte level', changed({ pre_tokenizer: { type: 'ByteLevel' } }), /ByteLevel/],
    [
      'a pattern',
      changed({ normalizer: { type: 'Sequence', normalizers: [{ type: 'Replace' }] } }),
      /Replace/,
    ],
    [
      'a template of nothing',
      changed({ post_processor: { type: 'TemplateProcessing', single: [] } }),
      /cannot be used/,
    ],
    ['no template', changed({ post_processor: { type: 'TemplateProcessing' } }), /cannot be used/],
    [
      'a vocabulary without [SEP]',
      { 'tokenizer.json': undefined, 'vocab.txt': '[UNK]\n[CLS]\n' },
      /lacks.*\[SEP\]/,
    ],
    ['an empty vocabulary', { 'tokenizer.json': undefined, 'vocab.txt': '' }, /lacks/],
    ['a binary vocabulary', { 'tokenizer.json': undefined, 'vocab.txt': new Uint8Array([0xff]) }, /UTF-8/],
  ])('refuses %s', async (_, changes, message) => {
    await expect(open(changes)).rejects.toThrow(InputError);
    await expect(open(changes)).rejects.toThrow(message);
  });
});

const tokenizers = realData('tokenizers');
describeUnless(tokenizers.missing, 'real tokenizers', () => {
  const root = tokenizers.path;
  const text = 'Hello world! Zero-dimensional biomaterials show inductive properties.';
  const ids = [
    101, 7592, 2088, 999, 5717, 1011, 8789, 16012, 8585, 14482, 2015, 2265, 27427, 14194, 6024, 5144, 1012,
    102,
  ];

  it.each(['all-MiniLM-L6-v2', 'bge', 'e5', 'gte', 'snowflake'])('%s gives the known ids', async (name) => {
    const tokenizer = await open({}, join(root, name));
    expect([...tokenizer.encode(text, 512)]).toEqual(ids);
    expect(tokenizer.vocabSize).toBe(30522);
  });

  const corpus = realData('datasets/scifact/corpus.jsonl');
  itUnless(
    corpus.missing,
    'every SciFact passage gets the ids of Hugging Face, also from vocab.txt alone',
    async () => {
      const folder = join(root, 'all-MiniLM-L6-v2');
      const tokenizer = await open({}, folder);
      const fromVocabulary = await open({ 'tokenizer.json': undefined }, folder);
      const hash = createHash('sha256');
      readFileSync(corpus.path, 'utf8')
        .trimEnd()
        .split('\n')
        .forEach((line, i) => {
          const { title, text: body } = JSON.parse(line) as { title: string; text: string };
          const tokens = tokenizer.encode(`${title} ${body}`, Infinity);
          hash.update(new Uint8Array(tokens.buffer));
          if (i % 2 === 1) return;
          const same = fromVocabulary.encode(`${title} ${body}`, Infinity);
          expect(Buffer.from(same.buffer).equals(Buffer.from(tokens.buffer))).toBe(true);
        });
      // The ids that the tokenizers package 0.23.3 for Python gives, as int32, one after the other.
      expect(hash.digest('hex')).toBe('7f4bfddbb818aa07424e088a05b9f458ca54576b92065f234fd2ba93f7aa2880');
    },
  );
});
