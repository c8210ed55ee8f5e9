import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Runtime } from '../../src/host/contract.ts';
import { openRuntime } from '../../src/host/node/runtime.ts';
import { FolderStore } from '../../src/host/node/store.ts';
import { readRecipe } from '../../src/recipes/read-recipe.ts';
import { runRecipe } from '../support/recipe-job.ts';
import { recipeCorpus, smallRecipe } from '../support/small-recipe.ts';

let runtime: Runtime;
let folder: string;
beforeAll(async () => {
  runtime = await openRuntime({ device: 'cpu', threads: 1 });
  folder = await mkdtemp(join(tmpdir(), 'studio-recipe-mix-'));
});
afterAll(async () => {
  await runtime.close();
  await rm(folder, { recursive: true });
});

const sources = [
  { source: 'mined', weight: 3, choice: 'easy-to-hard' },
  { source: 'ready', endWeight: 0, temperature: 0.2 },
];
const arm = (rest: object): Record<string, unknown> => ({ name: 'mixed', loss: 'infonce', ...rest });

describe('an arm that mixes sources', () => {
  it('trains on both, and again only where the mix is another', async () => {
    const corpus = recipeCorpus();
    const store = await FolderStore.open(join(folder, 'store'));
    const recipe = (changes: object): unknown =>
      smallRecipe(corpus, {
        seeds: [1],
        arms: [arm({ mix: { sources, ...changes } })],
        evaluation: { samples: 1000, depth: 20 },
      });
    const first = await runRecipe(recipe({}), runtime, store);
    const [report] = first.report.arms;
    expect(report?.source).toBe('mined + ready');
    const apart = ['mined', 'ready'].map((name) => first.computed.indexOf(`lists of ${name}`));
    expect(apart.every((at) => at >= 0 && at < first.computed.indexOf('lists of mixed, mixed'))).toBe(true);
    expect((await runRecipe(recipe({}), runtime, store)).computed).toEqual([]);
    const other = await runRecipe(recipe({ batches: 'same-source' }), runtime, store);
    expect(other.computed[0]).toBe('training of mixed, seed 1');
    expect(other.report.arms[0]?.trainings[0]?.losses).not.toEqual(report?.trainings[0]?.losses);
  });

  it.each([
    [{}, /arms\[0\].*give one of "source" and "mix"/],
    [{ source: 'mined', mix: { sources } }, /give one of "source" and "mix"/],
    [{ mix: { sources: [{ source: 'mind' }] } }, /there is no source "mind" \(did you mean "mined"/],
    [{ mix: { sources: [{ source: 'mined', filters: 'x' }] } }, /there is no stack of filters "x"/],
    [{ mix: { sources: [sources[1], sources[1]] } }, /two sources of the mix are called "ready"/],
    [{ mix: { sources }, filters: 'strict' }, /a mix has filters for each of its sources/],
    [{ mix: { sources }, loss: 'margin-mse' }, /sets a temperature, and no loss/],
    [{ mix: { sources: [{ source: 'mined', weight: -1 }] } }, /weight/],
  ])('refuses %j', (rest, message) => {
    expect(() => readRecipe(smallRecipe('somewhere', { arms: [arm(rest)], evaluation: {} }))).toThrow(
      message,
    );
  });
});
