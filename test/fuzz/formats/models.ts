import { isCrossEncoder, foreignArchitecture } from '../../../src/encoders/model-kind.ts';
import { readEncoder } from '../../../src/encoders/read-encoder.ts';
import {
  fromFloat32,
  readSafetensors,
  readShardIndex,
  toFloat32,
  writeSafetensors,
} from '../../../src/formats/safetensors.ts';
import { wordPieceVocabulary } from '../../../src/encoders/prune-vocabulary.ts';
import type { ModelCardInfo } from '../../../src/encoders/model-card.ts';
import { encoderFiles } from '../../../src/encoders/write-encoder.ts';
import { readTextVectors, writeTextVectors } from '../../../src/retrieval/text-vectors.ts';
import { bytesSource } from '../../../src/core/source.ts';
import type { ModelFolder } from '../../../src/host/contract.ts';
import { InputError } from '../../../src/core/errors.ts';
import type { RandomStream } from '../../../src/core/random.ts';
import {
  concatenate,
  jsonMutation,
  lineMutations,
  pick,
  rebuilt,
  repeatMutation,
  tokenMutation,
  twistedJson,
  type Bytes,
  type Mutation,
} from '../mutate.ts';
import { json, SilentDifference, textOf, utf8, type FuzzFormat } from '../format.ts';
import { modelFiles, tokens, weights } from './model-files.ts';

const jsonMutations = [tokenMutation, repeatMutation, jsonMutation];

function folderOf(files: ReadonlyMap<string, Bytes>): ModelFolder {
  return {
    name: 'tiny',
    has: (path) => Promise.resolve(files.has(path)),
    read: (path) => {
      const bytes = files.get(path);
      if (bytes !== undefined) return Promise.resolve(bytes);
      return Promise.reject(
        new InputError('the file is missing', { file: `tiny/${path}`, remedy: 'Complete the model folder' }),
      );
    },
  };
}

const card: ModelCardInfo = {
  title: 'tiny',
  baseModel: undefined,
  trainingData: 'none',
  loss: 'infonce',
  hyperparameters: {},
  metrics: [],
};

/** Texts that a tokenizer meets. */
const texts = ['', 'a b the?', 'THE ΑΣ ä 中 [SEP] zzz', '\u0000\ud800 x', 'ab'.repeat(1500), 'a '.repeat(40)];

/** Reads a model folder in which one file is the input, and uses what it decides about. */
async function readWith(
  path: string,
  bytes: Bytes,
  without: readonly string[] = [],
  all = modelFiles,
): Promise<void> {
  const files = new Map(all).set(path, bytes);
  for (const each of without) files.delete(each);
  const folder = folderOf(files);
  await foreignArchitecture(folder);
  await isCrossEncoder(folder);
  const model = await readEncoder(folder);
  const { tokenizer, encoding, shape } = model;
  for (const text of path.includes('token') || path === 'vocab.txt' ? texts : texts.slice(0, 2)) {
    const ids = tokenizer.encode(text, encoding.passageMaxLength);
    const fits =
      ids.length <= encoding.passageMaxLength && ids.every((id) => id >= 0 && id < shape.vocabSize);
    if (!fits)
      throw new SilentDifference(
        `tokens that the model cannot take, of ${JSON.stringify(text.slice(0, 30))}`,
      );
  }
  if (all === modelFiles) tokenizer.encodePair('a', texts[2] ?? '', encoding.passageMaxLength);
  encoderFiles(model, card);
}

function folderFormat(
  path: string,
  what: string,
  readers: readonly string[],
  mutations: readonly Mutation[] = jsonMutations,
  without: readonly string[] = [],
  examples: readonly Bytes[] = [modelFiles.get(path) as Bytes],
): FuzzFormat {
  return {
    name: path.replace('1_Pooling/config.json', 'pooling-config.json'),
    what,
    readers,
    examples,
    mutations,
    read: ({ bytes }) => readWith(path, bytes, without),
  };
}

const table = fromFloat32(
  [tokens.length, 4],
  Float32Array.from({ length: 4 * tokens.length }, (_, i) => ((i % 13) - 6) / 8),
);

/** A static encoder as model2vec saves it, and as sentence-transformers does. */
const staticFiles = {
  model2vec: new Map([
    [
      'config.json',
      json({ model_type: 'model2vec', architectures: ['StaticModel'], normalize: true, max_length: 16 }),
    ],
    ['tokenizer.json', modelFiles.get('tokenizer.json') as Bytes],
    ['model.safetensors', writeSafetensors(new Map([['embeddings', table]]))],
  ]),
  modules: new Map([
    [
      'modules.json',
      json([
        {
          idx: 0,
          name: '0',
          path: '0_StaticEmbedding',
          type: 'sentence_transformers.models.StaticEmbedding',
        },
        { idx: 1, name: '1', path: '1_Normalize', type: 'sentence_transformers.models.Normalize' },
      ]),
    ],
    ['0_StaticEmbedding/tokenizer.json', modelFiles.get('tokenizer.json') as Bytes],
    ['0_StaticEmbedding/model.safetensors', writeSafetensors(new Map([['embedding.weight', table]]))],
  ]),
};

function staticFormat(
  name: string,
  what: string,
  layout: keyof typeof staticFiles,
  path: string,
): FuzzFormat {
  const files = staticFiles[layout];
  return {
    name,
    what,
    readers: ['src/encoders/families/static.ts', 'src/encoders/sentence-transformers-files.ts', PARSER],
    examples: [files.get(path) as Bytes],
    mutations: jsonMutations,
    read: ({ bytes }) => readWith(path, bytes, [], files),
  };
}

const PARSER = 'src/formats/json-file.ts';

// --- safetensors

const small = new Map([
  ['a', fromFloat32([2, 3], Float32Array.of(1, 2, 3, 4, 5, 6))],
  ['b', fromFloat32([4], Float32Array.of(0.5, -1, 1e30, -0))],
  ['empty', fromFloat32([0, 7], new Float32Array(0))],
]);
const smallFile = writeSafetensors(small, new Map([['format', 'pt']]));

const headerOf = (bytes: Bytes): string =>
  textOf(bytes.slice(8, 8 + Number(new DataView(bytes.buffer).getBigUint64(0, true))));

/** A header changed as JSON, or in its numbers, in front of the same data. */
function lyingHeader(random: RandomStream): Uint8Array {
  const header = headerOf(smallFile);
  const data = smallFile.subarray(8 + utf8(header).length);
  const offsets = header.replace(/\d+/g, (digits) =>
    random.uniform() < 0.2
      ? String(pick([0, 1, Number(digits) + 1, Number(digits) * 4, 2 ** 31, 2 ** 53, 1e21], random))
      : digits,
  );
  const text = random.uniform() < 0.5 ? (twistedJson(header, random) ?? header) : offsets;
  const bytes = utf8(text);
  const length = random.uniform() < 0.1 ? pick([0, 1, 100_000_001, 2 ** 40, 2 ** 53], random) : bytes.length;
  const head = new Uint8Array(8);
  new DataView(head.buffer).setBigUint64(0, BigInt(length), true);
  return concatenate([head, bytes, data]);
}

const safetensorsFormat: FuzzFormat = {
  name: 'safetensors',
  what: 'weights in safetensors',
  readers: ['src/formats/safetensors.ts', 'src/encoders/weights.ts'],
  examples: [smallFile, writeSafetensors(small)],
  mutations: [
    { ...tokenMutation, weight: 1 },
    repeatMutation,
    rebuilt('a header that lies', 12, lyingHeader),
  ],
  read: ({ bytes }) => {
    const { tensors } = readSafetensors(bytes, 'model.safetensors');
    // There is no checksum; but every byte of data belongs to exactly one tensor.
    const held = [...tensors.values()].reduce((sum, { data }) => sum + data.length, 0);
    const header = Number(new DataView(bytes.buffer, bytes.byteOffset).getBigUint64(0, true));
    if (8 + header + held !== bytes.length)
      throw new SilentDifference('bytes of the file that are in no tensor');
    for (const [name, tensor] of tensors)
      if (/^B?F/.test(tensor.dtype)) toFloat32(tensor, name, 'model.safetensors');
    writeSafetensors(tensors);
  },
};

const halves = [...weights].map((entry, i) => [i % 2, entry] as const);
const shards = [0, 1].map((shard) =>
  writeSafetensors(new Map(halves.flatMap(([of, entry]) => (of === shard ? [entry] : [])))),
);
const shardName = (shard: number): string => `model-0000${shard + 1}-of-00002.safetensors`;

const shardIndexFormat: FuzzFormat = {
  name: 'safetensors-index',
  what: 'the index of sharded weights',
  readers: ['src/formats/safetensors.ts', 'src/encoders/weights.ts'],
  examples: [
    json({
      metadata: { total_size: 1000 },
      weight_map: Object.fromEntries(halves.map(([shard, [name]]) => [name, shardName(shard)])),
    }),
  ],
  mutations: jsonMutations,
  read: async ({ bytes }) => {
    readShardIndex(bytes, 'model.safetensors.index.json');
    const files = new Map(modelFiles).set('model.safetensors.index.json', bytes);
    files.delete('model.safetensors');
    shards.forEach((shard, i) => files.set(shardName(i), shard));
    await readEncoder(folderOf(files));
  },
};

const textVectors = await writeTextVectors({
  queries: { texts: ['a'], vectors: Float32Array.of(0.6, 0.8) },
  passages: { texts: ['b', 'c'], vectors: Float32Array.of(1, 0, 0, -1) },
  dimension: 2,
  model: 'tiny',
  type: 'I8',
});

const textVectorsFormat: FuzzFormat = {
  name: 'teacher-vectors',
  what: 'a file of teacher vectors',
  readers: ['src/retrieval/text-vectors.ts', 'src/formats/safetensors.ts'],
  examples: [textVectors],
  mutations: safetensorsFormat.mutations,
  read: async ({ bytes }) => {
    const read = await readTextVectors(bytesSource('vectors.safetensors', Uint8Array.from(bytes)));
    const all = [...read.vectorsOf('query'), ...read.vectorsOf('passage')];
    if (!all.every(Number.isFinite)) throw new SilentDifference('a vector that is not finite');
  },
};

export const modelFormats: readonly FuzzFormat[] = [
  textVectorsFormat,
  staticFormat('model2vec-config', "model2vec's config.json", 'model2vec', 'config.json'),
  staticFormat('static-modules', 'modules.json of a StaticEmbedding', 'modules', 'modules.json'),
  staticFormat('static-tokenizer', "a static encoder's tokenizer.json", 'model2vec', 'tokenizer.json'),
  safetensorsFormat,
  shardIndexFormat,
  folderFormat('config.json', "a model's config.json", [
    'src/encoders/config.ts',
    'src/encoders/model-kind.ts',
    PARSER,
  ]),
  folderFormat('tokenizer.json', "a model's tokenizer.json", ['src/encoders/tokenizer.ts', PARSER]),
  folderFormat('tokenizer_config.json', "a model's tokenizer_config.json", [
    'src/encoders/tokenizer.ts',
    PARSER,
  ]),
  folderFormat(
    'vocab.txt',
    "a model's vocab.txt, without a tokenizer.json",
    ['src/encoders/tokenizer.ts'],
    [...lineMutations, tokenMutation, repeatMutation],
    ['tokenizer.json'],
    [utf8(tokens.map((token) => `${token}\n`).join('')), utf8(tokens.join('\r\n'))],
  ),
  folderFormat('modules.json', 'modules.json of sentence-transformers', [
    'src/encoders/sentence-transformers.ts',
  ]),
  folderFormat('1_Pooling/config.json', 'the pooling of sentence-transformers', [
    'src/encoders/sentence-transformers.ts',
  ]),
  folderFormat('sentence_bert_config.json', 'sentence_bert_config.json of sentence-transformers', [
    'src/encoders/sentence-transformers.ts',
    'src/encoders/write-encoder.ts',
  ]),
  folderFormat('config_sentence_transformers.json', 'config_sentence_transformers.json', [
    'src/encoders/sentence-transformers.ts',
  ]),
  folderFormat(
    'README.md',
    "a model's card, of which the license is read",
    ['src/encoders/read-encoder.ts'],
    [...lineMutations, tokenMutation, repeatMutation],
  ),
  {
    name: 'teacher-vocabulary',
    what: "the tokenizer.json of a distillation's teacher",
    readers: ['src/encoders/prune-vocabulary.ts'],
    examples: [modelFiles.get('tokenizer.json') as Bytes],
    mutations: jsonMutations,
    read: ({ bytes }) => wordPieceVocabulary(bytes, 'tokenizer.json'),
  },
];
