import { join } from 'node:path';
import { expect, it } from 'vitest';
import { noRuntime } from '../../src/host/no-runtime.ts';
import { MemoryStore } from '../../src/host/memory-store.ts';
import { modelCardOfArm } from '../../src/pipeline/model-card.ts';
import { readRecipe } from '../../src/pipeline/read-recipe.ts';
import { runRecipe } from '../support/recipe-job.ts';
import { recipeCorpus, smallRecipe } from '../support/small-recipe.ts';
import { staticGolden } from '../support/static-folder.ts';

it('a recipe mines with, trains, distills and compares static encoders without a runtime', async () => {
  const model = join(staticGolden, 'model2vec');
  const recipe = smallRecipe(recipeCorpus(), {
    encoder: { model, queryMaxLength: 16, passageMaxLength: 24 },
    teacher: { from: 'encoder', model: join(staticGolden, 'sentence-transformers') },
    training: { batches: { batchSize: 4 }, learningRate: 0.02, maxSteps: 6, evaluateEvery: 3 },
    sources: {
      mined: {
        kind: 'mined',
        retrievers: [{ kind: 'bm25' }, { kind: 'dense' }],
        ranks: { last: 10 },
        negatives: 2,
      },
    },
  });
  const { report, job } = await runRecipe(recipe, noRuntime, new MemoryStore());
  expect(report.results.all.systems.map(({ name }) => name)).toEqual(
    expect.arrayContaining(['untrained', 'contrastive', 'listwise']),
  );
  const [arm] = report.arms;
  expect(arm!.trainings[0]!.losses.length).toBeGreaterThan(3);
  const trained = await job.trainedModel(arm!.name, 1);
  expect([...trained.weights.keys()]).toEqual(['embedding.weight']);
  const { hyperparameters } = modelCardOfArm(report, arm!, trained.shape);
  expect(hyperparameters).toMatchObject({ 'weight decay': 0, 'maximum gradient norm': 0 });
});

const staticRecipe = (
  hybrids: readonly string[],
  baselines: readonly 'bm25'[] = ['bm25'],
): Record<string, unknown> =>
  smallRecipe(recipeCorpus(), {
    encoder: { model: join(staticGolden, 'model2vec') },
    teacher: { from: 'encoder', model: join(staticGolden, 'sentence-transformers') },
    training: { batches: { batchSize: 4 }, maxSteps: 2 },
    evaluation: { baselines: [...baselines], hybrids: [...hybrids] },
  });

it('a system that is fused with BM25 is another row, which can be compared', async () => {
  const { report } = await runRecipe(staticRecipe(['contrastive']), noRuntime, new MemoryStore());
  const rows = report.results.all.systems.map(({ name }) => name);
  expect(rows).toEqual(expect.arrayContaining(['bm25', 'contrastive']));
  expect(rows.at(-1)).toBe('contrastive + bm25');
});

it.each([
  [['bm25'], ['bm25'], 'fuses bm25 with itself'],
  [['contrastive'], [], 'needs the baseline bm25'],
  [['contrastiv'], ['bm25'], 'contrastiv'],
] as const)('refuses hybrids %j with baselines %j', (hybrids, baselines, fault) => {
  expect(() => readRecipe(staticRecipe(hybrids, baselines))).toThrow(fault);
});
