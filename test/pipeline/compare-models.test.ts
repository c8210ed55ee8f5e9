/** Encoders that are compared as they are: figures, caching, interruption, and what cannot be opened. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { nodeClock } from '../../src/host/node/clock.ts';
import { openFile, openTree } from '../../src/host/node/files.ts';
import { openModelFiles } from '../../src/host/node/model-files.ts';
import {
  compareModels,
  type ModelChoices,
  type ModelComparison,
  type ModelComparisonHost,
} from '../../src/pipeline/compare-models.ts';
import { RecipeStoppedError } from '../../src/pipeline/stage.ts';
import { temporaryFolder } from '../support/cli.ts';
import { tinyModel } from '../support/model-folder.ts';
import { recipePlace } from '../support/recipe-place.ts';
import { smallRecipe } from '../support/small-recipe.ts';
import { staticGolden } from '../support/static-folder.ts';

const place = recipePlace();
const bert = tinyModel('tiny-bert');
const table = join(staticGolden, 'model2vec');
const encoding = { queryMaxLength: 16, passageMaxLength: 24 };

/** Compares models on the test's corpus, and names the stages that were computed. */
async function compare(
  choices: Partial<ModelChoices> & Pick<ModelChoices, 'models'>,
  own: Partial<ModelComparisonHost> = {},
): Promise<ModelComparison & { readonly computed: readonly string[] }> {
  const computed: string[] = [];
  const comparison = await compareModels(
    {
      corpus: { folder: place.corpus, split: 'test' },
      encoding,
      evaluation: { samples: 1000 },
      ...choices,
    },
    {
      runtime: place.runtime,
      store: place.store,
      models: openModelFiles({ offline: true }),
      files: { openCorpus: ({ folder }) => openTree(folder ?? ''), openFile },
      clock: nodeClock,
      version: 'test',
      ...own,
      onEvent: (event) => {
        if (event.kind === 'stage' && event.state === 'finished') computed.push(event.stage.label);
        own.onEvent?.(event);
      },
    },
  );
  return { ...comparison, computed };
}

/** All that no clock says. */
function figuresOf({ rows }: ModelComparison): unknown {
  return rows.map(({ system, metrics, tests }) => ({ system, metrics, tests }));
}

describe('a comparison of models', () => {
  it('has a row for BM25, each encoder and each fusion, with the figures that a recipe reports of them', async () => {
    const { rows, corpus, failed } = await compare({ models: [bert, table] });
    expect(rows.map(({ system, kind }) => [system, kind])).toEqual([
      ['bm25', 'bm25'],
      [bert, 'encoder'],
      [`${bert} + bm25`, 'hybrid'],
      [table, 'encoder'],
      [`${table} + bm25`, 'hybrid'],
    ]);
    expect(failed).toEqual([]);
    expect(corpus).toMatchObject({ passages: 80, queries: 12, judgedBy: 'test' });
    const { report } = await place.run(
      smallRecipe(place.corpus, {
        seeds: [1],
        arms: [{ name: 'a', source: 'mined', loss: 'infonce' }],
        encoder: { model: bert, ...encoding },
        evaluation: {
          ...{ samples: 1000, measures: ['ndcg_cut_10', 'recall_100'], hybrids: ['untrained'] },
          baselines: ['bm25', 'untrained'],
          pairs: [
            ['untrained', 'bm25'],
            ['untrained + bm25', 'bm25'],
          ],
        },
      }),
    );
    const names = new Map([
      ['bm25', 'bm25'],
      [bert, 'untrained'],
      [`${bert} + bm25`, 'untrained + bm25'],
    ]);
    for (const { system, metrics, tests } of rows.slice(0, 3)) {
      const same = report.results.all.systems.find(({ name }) => name === names.get(system));
      for (const [metric, { mean, interval }] of Object.entries(metrics)) {
        expect(mean).toBe(same?.metrics[metric]?.mean);
        expect(interval[0]).toBeLessThanOrEqual(mean);
        expect(interval[1]).toBeGreaterThanOrEqual(mean);
      }
      for (const [metric, test] of Object.entries(tests)) {
        const { difference, interval, tTestP, randomizationP } = test;
        expect(report.results.all.comparisons).toContainEqual(
          expect.objectContaining({
            ...{ metric, difference, interval, tTestP, randomizationP },
            system: names.get(system),
            baseline: 'bm25',
          }),
        );
      }
    }
  });

  it('says of each encoder its parameters, dimensions and speed', async () => {
    const { rows } = await compare({ models: [bert, table] });
    for (const [at, dimensions] of [
      [1, 16],
      [3, 6],
    ] as const) {
      expect(rows[at]?.encoder).toMatchObject({ dimensions, canBeTrained: true });
      expect(rows[at]?.encoder?.parameters).toBeGreaterThan(100);
      expect(rows[at]?.encoder?.passagesPerSecond).toBeGreaterThan(0);
      expect(rows[at + 1]?.encoder).toEqual(rows[at]?.encoder);
    }
  });

  it('computes nothing twice, and only the new where a model is added', async () => {
    const first = await compare({ models: [bert] });
    expect(first.computed).toEqual([
      `encoding speed of ${bert}`,
      'search with bm25',
      `search with ${bert}`,
      'measures and significance tests',
    ]);
    const again = await compare({ models: [bert, bert] });
    expect(again).toEqual({ ...first, computed: [] });
    expect((await compare({ models: [bert, table] })).computed).toEqual([
      `encoding speed of ${table}`,
      `search with ${table}`,
      'measures and significance tests',
    ]);
  });

  it('resumes after an interruption, with the same figures and nothing left behind', async () => {
    const undisturbed = await compare({ models: [bert] });
    await place.emptyStore();
    const ending = new AbortController();
    const interrupted = compare(
      { models: [bert] },
      {
        signal: ending.signal,
        onEvent: ({ kind, stage }) => {
          if (kind === 'progress' && stage.label === `search with ${bert}`) ending.abort();
        },
      },
    );
    await expect(interrupted).rejects.toBeInstanceOf(RecipeStoppedError);
    await place.reopenStore();
    const resumed = await compare({ models: [bert] });
    expect(resumed.computed).toEqual([`search with ${bert}`, 'measures and significance tests']);
    expect(figuresOf(resumed)).toEqual(figuresOf(undisturbed));
    expect(await place.store.namespaces()).not.toContainEqual(expect.stringMatching(/^vectors-/));
  });

  it('leaves out what cannot be opened, says why, and compares the others', async () => {
    const empty = temporaryFolder();
    const told: string[] = [];
    const { rows, failed } = await compare(
      { models: ['no-such-model', bert, empty] },
      { onFailed: ({ model }) => void told.push(model) },
    );
    expect(rows.map(({ system }) => system)).toEqual(['bm25', bert, `${bert} + bm25`]);
    expect(failed).toEqual([
      {
        model: 'no-such-model',
        problem: 'there is no such folder',
        remedy: expect.stringMatching(/^Use a model folder/) as string,
      },
      {
        model: empty,
        problem: expect.stringMatching(/config\.json/) as string,
        remedy: expect.any(String) as string,
      },
    ]);
    expect(told).toEqual(['no-such-model', empty]);
    await expect(compare({ models: ['no-such-model'] })).rejects.toThrow('there is no such folder');
  });

  it('takes the positives of lists for judgments', async () => {
    const file = join(place.corpus, 'written.jsonl');
    const list = (query_id: string, query: string, id: string, label: number): string =>
      `${JSON.stringify({ query_id, query, documents: [{ id, text: 'x', source: 'gold', label }] })}\n`;
    writeFileSync(
      file,
      list('w1', 'a written query', 'p1', 1) +
        list('w2', 'another one', 'p2', 1) +
        list('w3', 'about nothing here', 'elsewhere', 1) +
        list('w4', 'without a positive', 'p3', 0),
    );
    const { corpus, rows } = await compare({ models: [bert], lists: file });
    expect(corpus).toMatchObject({
      queries: 2,
      judgedBy: expect.stringContaining('written.jsonl') as string,
    });
    expect(rows[1]?.tests.ndcg_cut_10).toMatchObject({ system: bert, baseline: 'bm25' });
    writeFileSync(file, list('w3', 'about nothing here', 'elsewhere', 1));
    await expect(compare({ models: [bert], lists: file })).rejects.toThrow(
      'none of its positives is a passage of the corpus. Use lists that were made of this corpus.',
    );
  });
});
