import { mkdtemp, rm } from 'node:fs/promises';
import { writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Runtime } from '../../src/host/contract.ts';
import { openRuntime } from '../../src/host/node/runtime.ts';
import { FolderStore } from '../../src/host/node/store.ts';
import { tinyModel } from '../support/model-folder.ts';
import { runRecipe } from '../support/recipe-job.ts';
import { recipeCorpus, smallRecipe } from '../support/small-recipe.ts';

let runtime: Runtime;
let folder: string;
beforeAll(async () => {
  runtime = await openRuntime({ device: 'cpu', threads: 1 });
  folder = await mkdtemp(join(tmpdir(), 'studio-evidence-'));
});
afterAll(async () => {
  await runtime.close();
  await rm(folder, { recursive: true });
});

describe('what rules read beside the teacher', () => {
  it('is read from files and scored by a guide, once, where rules ask for it', async () => {
    const corpus = recipeCorpus();
    const store = await FolderStore.open(join(folder, 'store'));
    const answersOf = (answer: string): string =>
      Array.from({ length: 28 }, (_, i) => `q${i}\t${answer}\n`).join('');
    const recipe = (answers: string): Record<string, unknown> => {
      writeFileSync(join(corpus, 'answers.tsv'), answers);
      return smallRecipe(corpus, {
        seeds: [1],
        evidence: {
          guide: { from: 'encoder', model: tinyModel('tiny-bert') },
          answers: { corpusFile: 'answers.tsv' },
        },
        filters: { guided: ['guide-margin>=0'], answered: ['answers<=0'] },
        arms: ['guided', 'answered'].map((filters) => ({
          name: filters,
          source: 'mined',
          filters,
          loss: 'infonce',
        })),
        evaluation: { samples: 1000, depth: 20 },
      });
    };
    // No passage holds this one: nothing is dropped.
    const first = await runRecipe(recipe(answersOf('unheard of')), runtime, store);
    expect(first.computed.filter((label) => label.startsWith('guide scores'))).toHaveLength(1);
    expect(first.computed.some((label) => label.startsWith('teacher scores'))).toBe(false);
    const [guided, answered] = first.report.arms;
    expect(guided?.filtered?.filter?.rules[0]?.counts.skipped).toBe(0);
    expect(answered?.filtered?.filter?.rules[0]?.counts.dropped).toBe(0);
    // Other answers are another filter, and the guide's arm stays as it was.
    const other = await runRecipe(recipe(answersOf('unknown')), runtime, store);
    expect(other.computed.filter((label) => label.includes('guided'))).toEqual([]);
    expect(other.computed.some((label) => label.includes('answered'))).toBe(true);
  });
});
