import { describe, expect, it } from 'vitest';
import { losses } from '../../src/losses/index.ts';
import { readRecipe } from '../../src/pipeline/read-recipe.ts';
import {
  defaultChoices,
  missingFor,
  ownRecipe,
  ownRunId,
  type OwnChoices,
} from '../../src/studio/own-recipe.ts';
import type { KeptItem } from '../../src/studio/protocol.ts';

const corpus: KeptItem = {
  id: 'my-corpus-12345678',
  name: 'My corpus (v2).zip',
  bytes: 1000,
  kind: 'corpus',
  splits: ['test', 'train'],
  listFiles: ['lists.jsonl'],
  keptAt: '2026-01-01T00:00:00Z',
};
const choices: OwnChoices & { readonly corpus: KeptItem } = { ...defaultChoices, corpus };

describe('the recipe of the choices', () => {
  it.each(losses.flatMap(({ name, scopes, needs }) => scopes.map((scope) => ({ loss: name, scope, needs }))))(
    'is one that can be run: $loss, $scope',
    ({ loss, scope, needs }) => {
      const own = {
        ...choices,
        loss,
        scope,
        teacher: needs.includes('teacher') ? 'nano' : 'lists',
        beside: loss === 'infonce' ? [] : ['infonce'],
      };
      expect(missingFor(own)).toEqual([]);
      const recipe = readRecipe(ownRecipe(own));
      expect(recipe.corpus).toMatchObject({
        folder: corpus.id,
        train: 'train',
        dev: { share: 0.1 },
        test: 'test',
      });
      expect(recipe.arms.map(({ name }) => name)).toEqual(
        loss === 'infonce' ? ['infonce'] : ['contrastive', loss],
      );
      expect(recipe.sources.lists).toMatchObject({
        kind: 'mined',
        lists: needs.some((need) => need !== 'positive') ? 'listwise' : 'per-query',
      });
    },
  );

  it('has the loss with its settings, and the training as chosen', () => {
    const recipe = readRecipe(
      ownRecipe({
        ...choices,
        scope: 'own',
        lossSettings: { temperature: 0.1 },
        training: { ...choices.training, batches: { batchSize: 16, negatives: 7 }, epochs: 3 },
        seed: 9,
      }),
    );
    expect(recipe.arms[0]?.loss).toBe('infonce(temperature=0.1, scope=own)');
    expect(recipe.training).toMatchObject({
      epochs: 3,
      batches: { batchSize: 16, negatives: 7 },
      learningRate: 1e-4,
    });
    expect(recipe.seeds).toEqual([9]);
    expect(recipe.name).toBe('My corpus v2');
  });

  it('takes ready lists and the dev split of the corpus', () => {
    const own = {
      ...choices,
      corpus: { ...corpus, splits: ['dev', 'test'] },
      lists: { kind: 'corpus-file', path: 'lists.jsonl' } as const,
    };
    expect(missingFor(own)).toEqual([]);
    const recipe = readRecipe(ownRecipe(own));
    expect(recipe.corpus).toMatchObject({ train: null, dev: { split: 'dev' } });
    expect(recipe.sources.lists).toMatchObject({ kind: 'lists', corpusFile: 'lists.jsonl' });
  });

  it('never trains on the split that is reported', () => {
    const own = { ...choices, testSplit: 'train', lists: { kind: 'kept-file', id: 'lists-1' } as const };
    expect(missingFor(own)).toEqual([]);
    expect(readRecipe(ownRecipe(own)).corpus.train).toBeNull();
    expect(missingFor({ ...own, lists: { kind: 'mined' } })).toEqual([
      expect.stringContaining('must not be trained on'),
    ]);
  });
});

describe('queries that are cut out of the passages', () => {
  const texts = { ...corpus, splits: [], counts: { passages: 900, queries: 0, splits: {} } };
  const own = {
    ...choices,
    corpus: texts,
    lists: { kind: 'extracted' } as const,
    testSplit: '',
    ...{ loss: 'kl', scope: 'batch', teacher: 'nano' },
  };

  it('train, choose and test a corpus of texts alone', () => {
    expect(missingFor(own)).toEqual([]);
    expect(readRecipe(ownRecipe(own))).toMatchObject({
      corpus: {
        train: null,
        dev: { heldOut: 'lists', passages: 45 },
        test: { heldOut: 'lists', passages: 90 },
      },
      sources: { lists: { kind: 'generated', of: { passages: { sample: 600 } } } },
    });
  });

  it('are of fewer passages where a teacher would take all of a budget', () => {
    const { sources } = readRecipe(ownRecipe(own, { training: { maxSteps: 20 }, sample: 70 }));
    expect(sources.lists).toMatchObject({ of: { passages: { sample: 70 } } });
  });

  it('train for the judged queries of a corpus that has some to report on', () => {
    const judged = { ...own, corpus: { ...texts, splits: ['test'] }, testSplit: 'test' };
    expect(missingFor(judged)).toEqual([]);
    expect(readRecipe(ownRecipe(judged)).corpus).toMatchObject({ train: null, test: 'test' });
  });
});

it('a grid of losses, rates and seeds is one recipe, within the budget', () => {
  const own = { ...choices, beside: ['listnet'], rates: [0.001, 0.01], seedCount: 3, seed: 5 };
  expect(missingFor(own)).toEqual([]);
  const recipe = readRecipe(ownRecipe(own, { training: { maxSteps: 40, batches: { evenRows: true } } }));
  expect(recipe.seeds).toEqual([5, 6, 7]);
  expect(recipe.arms.map(({ name }) => name)).toEqual(['listnet', 'infonce']);
  expect(recipe.tuning?.learningRates).toEqual([0.001, 0.01]);
  expect(recipe.training).toMatchObject({ maxSteps: 40, batches: { batchSize: 16, evenRows: true } });
});

describe('what is missing', () => {
  it.each<[string, Partial<OwnChoices>, string]>([
    ['a corpus', { corpus: undefined }, 'There is no corpus yet. Drop files'],
    ['judgments to train on', { corpus: { ...corpus, splits: ['test'] } }, 'no judged queries to train on'],
    [
      'judgments to report on',
      { corpus: { ...corpus, splits: ['train'] } },
      'no judgments for the split test. Choose another',
    ],
    ['a teacher', { loss: 'kl', scope: 'own' }, 'Choose a teacher model'],
    [
      'a teacher of the whole batch',
      { loss: 'kl', scope: 'batch', lists: { kind: 'kept-file', id: 'lists-1' } },
      'compares every query with every passage, which the scores of lists do not cover. Choose a teacher model',
    ],
    ['an encoder', { encoder: '' }, 'No encoder is named. Choose'],
    ['a whole name of a hub', { encoder: 'org/' }, 'No encoder is named. Choose'],
    ['a number', { training: { batches: { batchSize: Number.NaN } } }, 'Batch size: use a whole number'],
    ['a learning rate', { training: { learningRate: 0 } }, 'Learning rate: use a number above 0'],
    [
      'a sensible setting of the loss',
      { lossSettings: { temperature: 0 } },
      'temperature is 0, but must be above 0',
    ],
  ])('names %s', (_, change, text) => {
    expect(missingFor({ ...choices, ...change })).toEqual([expect.stringContaining(text)]);
  });
});

it('names a run so that the store can keep it', () => {
  expect(ownRunId(corpus, new Date(0))).toBe('own-my-corpus-v2-0');
  expect(ownRunId({ ...corpus, name: '書類.zip' }, new Date(36))).toBe('own-own-data-10');
});
