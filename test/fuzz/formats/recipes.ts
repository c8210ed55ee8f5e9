import { parseLossSpec } from '../../../src/losses/loss-spec.ts';
import { withOverrides } from '../../../src/pipeline/overrides.ts';
import { readMix } from '../../../src/pipeline/read-mix.ts';
import { parseRecipeText, readRecipe } from '../../../src/pipeline/read-recipe.ts';
import { parseDistillationRecipe } from '../../../src/training/distillation/recipe.ts';
import { jsonMutation, lineMutations, repeatMutation, tokenMutation } from '../mutate.ts';
import { json, mustEqual, textOf, utf8, type FuzzFormat } from '../format.ts';

const jsonMutations = [tokenMutation, repeatMutation, jsonMutation];

const recipe = {
  version: 1,
  name: 'small',
  description: 'two arms',
  seeds: [1, 2],
  corpus: { folder: 'corpus', dev: { share: 0.2 }, devCandidates: 3 },
  encoder: { model: 'nano', queryMaxLength: 16, passageMaxLength: 24 },
  generators: {
    writer: { kind: 'http', address: 'http://127.0.0.1:8000/v1', model: 'm' },
  },
  sources: {
    mined: { kind: 'mined', retrievers: [{ kind: 'bm25' }], ranks: { last: 10 }, negatives: 2 },
    ready: { kind: 'lists', corpusFile: 'lists.jsonl' },
    written: {
      kind: 'generated',
      generator: 'writer',
      prompts: ['c-questions'],
      of: { passages: { sample: 10 } },
    },
    all: { kind: 'merged', of: ['mined', 'ready'] },
  },
  teacher: { from: 'encoder', model: 'nano' },
  filters: { strict: ['relative-margin>=0.001', 'length>=3'] },
  training: {
    batches: { batchSize: 4 },
    learningRate: 2e-3,
    maxSteps: 6,
    evaluateEvery: 3,
  },
  arms: [
    { name: 'contrastive', source: 'mined', loss: 'infonce' },
    { name: 'filtered', source: 'mined', filters: 'strict', loss: { name: 'infonce', temperature: 0.1 } },
    { name: 'listwise', source: 'ready', loss: 'kl' },
    {
      name: 'both',
      loss: 'infonce',
      mix: { batches: 'mixed', sources: [{ source: 'mined', weight: 2 }, { source: 'ready' }] },
    },
  ],
  evaluation: { samples: 1000, depth: 20, pairs: [['listwise', 'contrastive']] },
};
const small = {
  version: 1,
  name: 'demo',
  corpus: { builtIn: 'demo' },
  encoder: { model: 'nano' },
  sources: { mined: { kind: 'mined', retrievers: [{ kind: 'bm25' }] } },
  arms: [{ name: 'a', source: 'mined', loss: 'infonce' }],
};

const distillation = {
  version: 1,
  name: 'nano',
  seed: 1,
  texts: {
    corpora: ['a/corpus.jsonl'],
    queries: [{ file: 'a/queries.jsonl', judgments: 'a/qrels/train.tsv' }],
    neverTexts: ['a/queries.jsonl'],
    randomPhrases: 30,
  },
  student: { vocabSize: 100, hiddenSize: 16, layers: 2, heads: 2, intermediateSize: 32, maxLength: 32 },
  training: {
    batchSize: 16,
    epochs: 2,
    learningRate: 0.001,
    warmupShare: 0.03,
    similarityWeight: 0.3,
    similarityTemperature: 0.05,
    devShare: 0.01,
  },
  card: {
    teacher: 'org/name',
    license: 'apache-2.0',
    trainingData: 'texts',
    metrics: [{ dataset: 'd', metric: 'ndcg', after: 0.5 }],
  },
};

export const recipeFormats: readonly FuzzFormat[] = [
  {
    name: 'recipe',
    what: 'a recipe',
    readers: ['src/pipeline/read-recipe.ts'],
    examples: [json(recipe), json(small)],
    mutations: jsonMutations,
    read: (input) => {
      const read = readRecipe(parseRecipeText(textOf(input.bytes), 'recipe.json'), 'recipe.json');
      // A run keeps its recipe with all defaults, and reads it again when it is resumed.
      mustEqual(
        readRecipe(JSON.parse(JSON.stringify(read)), 'kept.json'),
        read,
        'a recipe that was read twice',
      );
    },
  },
  {
    name: 'recipe-settings',
    what: 'settings of a recipe on the command line (--set), one a line',
    readers: ['src/pipeline/overrides.ts'],
    examples: [
      utf8(
        'training.learningRate=1e-4\narms[0].loss=kl\nseeds=[1,2]\nsources["mined"].negatives=3\nseeds[2]=7',
      ),
    ],
    mutations: [tokenMutation, repeatMutation, ...lineMutations],
    read: (input) => readRecipe(withOverrides(small, textOf(input.bytes).split('\n')), 'recipe.json'),
  },
  {
    name: 'mix',
    what: 'how training lists are mixed (train --mix)',
    readers: ['src/pipeline/read-mix.ts', 'src/pipeline/read-recipe.ts'],
    examples: [
      json({
        batches: 'mixed',
        sources: [
          { source: 'mined', weight: 3, endWeight: 1, firstStep: 1, lastStep: 10, choice: 'stratified' },
          { source: 'written', temperature: 0.1, choice: 'easy-to-hard' },
        ],
      }),
    ],
    mutations: jsonMutations,
    read: (input) =>
      readMix(parseRecipeText(textOf(input.bytes), 'mix.json'), parseLossSpec('infonce'), 'mix.json'),
  },
  {
    name: 'distillation-recipe',
    what: 'a recipe of a distillation',
    readers: ['src/training/distillation/recipe.ts'],
    examples: [json(distillation)],
    mutations: jsonMutations,
    read: (input) => parseDistillationRecipe(textOf(input.bytes), 'nano.json'),
  },
];
