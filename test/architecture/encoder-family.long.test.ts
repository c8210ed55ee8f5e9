import { createHash } from 'node:crypto';
import { cpSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { readSafetensors, writeSafetensors } from '../../src/formats/safetensors.ts';
import { temporaryFolder } from '../support/cli.ts';
import { tinyModel } from '../support/model-folder.ts';
import { patchSources } from '../support/patched-sources.ts';
import { listFile, makeLists } from '../support/training-lists.ts';

type Names = readonly (readonly [bert: string, renamed: string])[];

const parameterNames: Names = [
  ['embeddings.word_embeddings', 'tokens'],
  ['embeddings.position_embeddings', 'places'],
  ['embeddings.token_type_embeddings', 'sides'],
  ['embeddings.LayerNorm', 'norm0'],
  ['encoder.layer.', 'blocks.'],
  ['attention.self.query', 'q'],
  ['attention.self.key', 'k'],
  ['attention.self.value', 'v'],
  ['attention.output.dense', 'o'],
  ['attention.output.LayerNorm', 'norm1'],
  ['intermediate.dense', 'up'],
  ['output.dense', 'down'],
  ['output.LayerNorm', 'norm2'],
  ['pooler.dense', 'first_token'],
  ['classifier', 'logits'],
];
const configNames: Names = [
  ['vocab_size', 'rows'],
  ['hidden_size', 'width'],
  ['num_hidden_layers', 'depth'],
  ['num_attention_heads', 'n_head'],
  ['intermediate_size', 'inner'],
  ['max_position_embeddings', 'longest'],
  ['type_vocab_size', 'n_sides'],
  ['layer_norm_eps', 'epsilon'],
  ['hidden_act', 'nonlinearity'],
  ['hidden_dropout_prob', 'drop'],
  ['attention_probs_dropout_prob', 'attention_drop'],
];

function rename(text: string, names: Names): string {
  return names.reduce((result, [bert, renamed]) => result.replaceAll(bert, renamed), text);
}

/** What a contributor writes for a family that differs from BERT by names. */
const family = `
import { tanh } from '../../graph/ops/elementwise.ts';
import { wordPiece } from '../tokenizer.ts';
import { bertHead, bertTransformer } from './bert-transformer.ts';
import type { TransformerFamily } from './family.ts';

export const renamed: TransformerFamily = {
  name: 'renamed',
  title: 'Renamed BERT',
  className: 'Renamed',
  examples: ['a test'],
  config: {
    vocabSize: ['rows', 30522],
    hiddenSize: ['width', 768],
    layers: ['depth', 12],
    heads: ['n_head', 12],
    intermediateSize: ['inner', 3072],
    maxPositions: ['longest', 512],
    segments: ['n_sides', 2],
    layerNormEpsilon: ['epsilon', 1e-12],
    activation: 'nonlinearity',
    hiddenDropout: ['drop', 0.1],
    attentionDropout: ['attention_drop', 0.1],
  },
  tokenizer: wordPiece,
  ...bertTransformer({
    words: 'tokens.weight',
    positions: 'places.weight',
    segments: 'sides.weight',
    norm: 'norm0',
    layer: (layer) => ({
      query: \`blocks.\${layer}.q\`,
      key: \`blocks.\${layer}.k\`,
      value: \`blocks.\${layer}.v\`,
      attentionOutput: \`blocks.\${layer}.o\`,
      attentionNorm: \`blocks.\${layer}.norm1\`,
      intermediate: \`blocks.\${layer}.up\`,
      output: \`blocks.\${layer}.down\`,
      outputNorm: \`blocks.\${layer}.norm2\`,
    }),
  }),
  classification: bertHead({ pooler: 'first_token', activation: tanh, classifier: 'logits' }),
};
`;

/** A model of BERT under the family's names. */
function renamedModel(source: string): string {
  const folder = join(temporaryFolder(), 'model');
  cpSync(source, folder, { recursive: true });
  const config = readFileSync(join(source, 'config.json'), 'utf8');
  const model: Names = [
    ['"bert"', '"renamed"'],
    ['"Bert', '"Renamed'],
  ];
  writeFileSync(join(folder, 'config.json'), rename(config, [...configNames, ...model]));
  const { tensors } = readWeights(source);
  const renamed = [...tensors].map(([name, tensor]) => [renamedTensor(name), tensor] as const);
  writeFileSync(join(folder, 'model.safetensors'), writeSafetensors(new Map(renamed)));
  return folder;
}

function renamedTensor(name: string): string {
  return rename(name.replace(/^bert\./, 'renamed.'), parameterNames);
}

function readWeights(folder: string) {
  return readSafetensors(new Uint8Array(readFileSync(join(folder, 'model.safetensors'))), folder);
}

/** The hash of each tensor's bytes, by name. */
function hashesOf(folder: string, nameOf: (name: string) => string): Record<string, string> {
  return Object.fromEntries(
    [...readWeights(folder).tensors].map(([name, { data }]) => [
      nameOf(name),
      createHash('sha256').update(data).digest('hex'),
    ]),
  );
}

it('takes one file and its place in the list to add an encoder family that differs from BERT by names', async () => {
  const sources = patchSources({
    'src/encoders/families/renamed.ts': family,
    'src/encoders/families/index.ts': (text) =>
      text
        .replace('[bert, distilbert]', '[bert, distilbert, renamed]')
        .replace(/(?=\n\n\/\*\*)/, "\nimport { renamed } from './renamed.ts';"),
  });
  expect(await sources.build()).toBe('');

  const encoders = [tinyModel('tiny-bert'), renamedModel(tinyModel('tiny-bert'))] as const;
  const crossEncoders = [
    tinyModel('tiny-cross-encoder'),
    renamedModel(tinyModel('tiny-cross-encoder')),
  ] as const;
  const outputs = await sources.run(`
    import { CrossEncoder, openEmbedder, readCrossEncoder, readEncoder } from './dist/src/index.js';
    import { openFolder, openModelFiles, openRuntime } from './dist/src/node.js';
    const runtime = await openRuntime({ device: 'cpu', threads: 1 });
    const files = openModelFiles({ cacheFolder: '/nowhere' });
    const open = (path) => files.open(path);
    const embed = async (path) => {
      const model = await readEncoder(await open(path));
      return [...(await (await openEmbedder(runtime, model)).embed(['light and heat', 'the bone'], 'query'))];
    };
    const score = async (path) => {
      const model = await CrossEncoder.create(runtime, await readCrossEncoder(await open(path)));
      return [...(await model.score([['what is heat', 'the heat of light'], ['', 'bone']]))];
    };
    const each = async (paths, of) => [await of(paths[0]), await of(paths[1])];
    const vectors = await each(${JSON.stringify(encoders)}, embed);
    const logits = await each(${JSON.stringify(crossEncoders)}, score);
    console.log(JSON.stringify({ vectors, logits }));
    await runtime.close();
  `);
  expect(outputs.stderr).toBe('');
  const { vectors, logits } = JSON.parse(outputs.stdout) as Record<'vectors' | 'logits', number[][]>;
  expect(vectors[0]).toHaveLength(2 * 16);
  expect(vectors[1]).toEqual(vectors[0]);
  expect(logits[0]).toHaveLength(2);
  expect(logits[1]).toEqual(logits[0]);

  // Trained by the command line and exported, both are still the same but for their names.
  const work = temporaryFolder({ 'lists.jsonl': listFile(makeLists(8)) });
  for (const [i, model] of encoders.entries()) {
    const paths = ['--lists', join(work, 'lists.jsonl'), '--model', model, '--out', join(work, `out-${i}`)];
    const settings = ['--batch-size', '4', '--epochs', '1', '--dropout', '0.1', '--threads', '1'];
    const { code, stderr } = await sources.cli(['train', ...paths, ...settings]);
    expect(code, stderr).toBe(0);
  }
  const trained = hashesOf(join(work, 'out-0'), renamedTensor);
  expect(trained).not.toEqual(hashesOf(encoders[0], renamedTensor));
  expect(hashesOf(join(work, 'out-1'), (name) => name)).toEqual(trained);
  expect(JSON.parse(readFileSync(join(work, 'out-1/config.json'), 'utf8'))).toMatchObject({
    architectures: ['RenamedModel'],
    model_type: 'renamed',
    width: 16,
  });
});
