/** The whole path in a browser: passages, a language model that writes queries and negatives, lists, training, table. */
import { describe, expect, it, vi } from 'vitest';
import { bytesSource, type FileTree } from '../../src/core/source.ts';
import { browserClock } from '../../src/host/browser/clock.ts';
import { LocalGenerator } from '../../src/host/browser/generators/local-generator.ts';
import { openBrowserGenerator } from '../../src/host/browser/generators/open-generator.ts';
import { openModelFiles } from '../../src/host/browser/model-files.ts';
import { openRuntime } from '../../src/host/browser/runtime.ts';
import { IndexedDbStore } from '../../src/host/browser/store.ts';
import { RecipeJob, type RecipeJobParts } from '../../src/pipeline/job.ts';
import { readRecipe } from '../../src/pipeline/read-recipe.ts';
import { tinyLlama } from '../support/gguf.ts';
import { makeLists } from '../support/training-lists.ts';

const lists = makeLists(24);
/** Prompts with examples are long where a vocabulary is small. */
const contextTokens = 4096;
const model = new File([tinyLlama({ seed: 1, contextTokens })], 'tiny.gguf');

/** A corpus whose dev and test queries people wrote; for training there are passages alone. */
function corpus(): FileTree {
  const lines = (rows: readonly object[]): string => rows.map((row) => `${JSON.stringify(row)}\n`).join('');
  const judgments = (from: number, to: number): string =>
    `query-id\tcorpus-id\tscore\n${lists
      .slice(from, to)
      .map(({ query_id, documents }) => `${query_id}\t${documents[0]!.id}\t1\n`)
      .join('')}`;
  const files = new Map([
    [
      'corpus.jsonl',
      lines(
        lists.flatMap(({ documents }) => documents.map(({ id, text }) => ({ _id: id, title: '', text }))),
      ),
    ],
    ['queries.jsonl', lines(lists.map(({ query_id, query }) => ({ _id: query_id, text: query })))],
    ['qrels/train.tsv', judgments(0, 6)],
    ['qrels/dev.tsv', judgments(6, 12)],
    ['qrels/test.tsv', judgments(12, 24)],
  ]);
  return {
    name: 'corpus',
    paths: [...files.keys()],
    open: (path) => Promise.resolve(bytesSource(path, new TextEncoder().encode(files.get(path) ?? ''))),
  };
}

const recipe = readRecipe({
  version: 1,
  name: 'written in the tab',
  corpus: { folder: 'corpus' },
  encoder: { model: 'nano', queryMaxLength: 16, passageMaxLength: 32 },
  generators: { tiny: { kind: 'wllama', model: 'tiny.gguf' } },
  sources: {
    queries: {
      kind: 'generated',
      prompts: ['c-user-several'],
      of: { passages: { sample: 3 } },
      count: 2,
    },
    negatives: { kind: 'generated', prompts: ['a-hard-negatives'], of: { source: 'queries' }, count: 2 },
  },
  training: {
    batches: { batchSize: 3 },
    learningRate: 1e-3,
    epochs: 2,
    maxSteps: 4,
    evaluateEvery: 2,
    tokensPerMicroBatch: 256,
  },
  arms: [{ name: 'written', source: 'negatives', loss: 'infonce' }],
  evaluation: { samples: 1000, depth: 20 },
});

describe('a recipe whose lists a language model writes in the tab', () => {
  it('goes from passages to a table, and asks nothing twice when it is run again', async () => {
    const store = await IndexedDbStore.open({
      name: `written-${crypto.randomUUID()}`,
      report: (problem) => console.info(problem),
    });
    const { runtime } = await openRuntime({ device: 'wasm', threads: 1 });
    const generate = vi.spyOn(LocalGenerator.prototype, 'generate');
    const unload = vi.spyOn(LocalGenerator.prototype, 'unload');
    const trained: number[] = [];
    const parts: RecipeJobParts = {
      recipe,
      runtime,
      store,
      models: openModelFiles({ report: (problem) => console.info(problem) }),
      files: {
        openCorpus: () => Promise.resolve(corpus()),
        openFile: () => Promise.reject(new Error('the recipe names no file')),
      },
      generators: {
        open: (_, { kind }) => {
          if (kind !== 'wllama') throw new Error(`the recipe has no ${kind}`);
          return Promise.resolve(openBrowserGenerator({ kind, model, contextTokens }));
        },
      },
      clock: browserClock,
      version: 'test',
      onEvent: (event) => {
        if (event.kind !== 'training' || event.event.kind !== 'step') return;
        trained.push(event.event.loss);
        // The GPU, where there is one, is free before a training begins.
        expect(unload.mock.calls.length).toBe(2);
      },
    };
    const job = await RecipeJob.open(parts);
    const report = await job.run();
    const asked = generate.mock.calls.length;
    const [arm] = report.arms;
    const { written } = arm?.listsReport ?? {};
    expect(written?.model).toBe('tiny.gguf');
    const [negatives] = written?.prompts ?? [];
    expect(negatives?.items).toBeGreaterThanOrEqual(6);
    expect(negatives?.samples[0]?.texts.join(' ')).toMatch(/[a-z]{3}/);
    // A query, the passage that it was written for, and two negatives.
    expect(arm?.lists).toBeGreaterThanOrEqual(3);
    expect(arm?.passages).toBeGreaterThanOrEqual(2 * (arm?.lists ?? 0));
    expect(trained).toHaveLength(arm?.trainings[0]?.steps ?? 0);
    expect(trained.length).toBeGreaterThanOrEqual(2);
    expect(trained.every((loss) => loss > 0 && loss < 20)).toBe(true);
    expect(report.results.all.systems.map(({ name }) => name)).toEqual(['bm25', 'untrained', 'written']);

    const again = await (await RecipeJob.open(parts)).run();
    expect(again.results).toEqual(report.results);
    expect(generate.mock.calls.length).toBe(asked);
    await store.close();
  });
});
