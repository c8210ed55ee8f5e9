import { readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import type { BlobReference } from '../../src/host/contract.ts';
import { FolderStore } from '../../src/host/node/store.ts';
import type { RecipeEvent } from '../../src/pipeline/job.ts';
import { recipePlace } from '../support/recipe-place.ts';
import { smallRecipe } from '../support/small-recipe.ts';

const place = recipePlace();

/** Bytes of all files below a folder, without the few of records. */
function bytesOnDisk(folder = place.store.folder): number {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && !entry.name.endsWith('.json'))
    .reduce((sum, { parentPath, name }) => sum + statSync(join(parentPath, name)).size, 0);
}

async function blobsOf(namespace: string): Promise<readonly BlobReference[]> {
  const keys = await place.store.keys(namespace);
  const records = await Promise.all(keys.map((key) => place.store.get(namespace, key)));
  return records.flatMap((record) => record?.blobs ?? []);
}

/** Bytes of what the results of stages name, each once. */
async function bytesOfResults(): Promise<number> {
  const blobs = new Map((await blobsOf('stages')).map(({ sha256, bytes }) => [sha256, bytes]));
  return [...blobs.values()].reduce((sum, bytes) => sum + bytes, 0);
}

const recipe = (): Record<string, unknown> => smallRecipe(place.corpus);

it('a finished recipe holds the bytes of its results and nothing else, as it was planned', async () => {
  const planned = await (await place.open(recipe(), { checkpointSeconds: 0 })).plan();
  let peak = 0;
  const { report } = await place.run(recipe(), {
    checkpointSeconds: 0,
    onEvent: (event: RecipeEvent) => {
      if (event.kind === 'training' && event.event.kind === 'checkpoint') {
        peak = Math.max(peak, bytesOnDisk());
      }
    },
  });
  expect(bytesOnDisk()).toBe(await bytesOfResults());
  expect(report.arms.flatMap((arm) => arm.trainings)).toHaveLength(6);
  expect(planned.disk.keptBytes).toBeGreaterThan(0.6 * bytesOnDisk());
  expect(planned.disk.keptBytes).toBeLessThan(1.5 * bytesOnDisk());
  expect(peak).toBeGreaterThan(bytesOnDisk());
  expect(planned.disk.peakBytes).toBeGreaterThan(peak);
  expect(planned.disk.peakBytes).toBeLessThan(4 * peak);

  // It is all that another run needs.
  await place.reopenStore();
  const again = await place.run(recipe(), { checkpointSeconds: 0 });
  expect(again.computed).toEqual([]);
  expect((await again.job.plan()).disk).toEqual({ keptBytes: 0, peakBytes: 0 });
  const model = await again.job.trainedModel('listwise', 2);
  expect(model.weights.size).toBeGreaterThan(10);
});

it('frees what a killed process and earlier versions left of finished trainings', async () => {
  await place.run(recipe());
  const whole = bytesOnDisk();
  const [key] = (await place.store.keys('stages')).filter((each) => each.startsWith('training/'));
  const namespace = (key ?? '').replace('/', '-').slice(0, 60);
  const orphan = async (of: string): Promise<void> => {
    const writer = await place.store.openWriter(of);
    const blob = await place.store.writeBlob(crypto.getRandomValues(new Uint8Array(50_000)));
    await writer.commit({ put: { 'checkpoint/000001': { value: null, blobs: [blob] } } });
  };
  // Killed after the result was stored; ended by a version that kept the commit before the last one.
  await orphan(namespace);
  await orphan('training-of-earlier');
  const earlier = await place.store.openWriter('training-of-earlier');
  await earlier.commit({ delete: ['checkpoint/000001'] });
  await place.reopenStore();
  expect(bytesOnDisk()).toBe(whole + 100_000);
  expect((await place.run(recipe())).computed).toEqual([]);
  expect(bytesOnDisk()).toBe(whole);
});

it('a store of a training that has ended holds the latest checkpoint and the best', async () => {
  const { CheckpointStore } = await import('../../src/training/checkpoint.ts');
  const store = await FolderStore.open(join(place.store.folder, '../training'));
  const checkpoints = new CheckpointStore(await store.openWriter('training'), store);
  const tensor = (value: number) => new Float32Array(2000).fill(value);
  for (let step = 1; step <= 6; step++) {
    const weights = new Map([['w', { dims: [2000], data: tensor(step) }]]);
    const moments = {
      first: new Map([['w', tensor(step + 0.25)]]),
      second: new Map([['w', tensor(step + 0.5)]]),
    };
    const state = {
      ...{ step, epoch: 0, seed: 1, optimizerStep: step, recipeHash: '', plan: {}, earlyStopping: null },
      ...{ history: null, fingerprint: {}, breaks: [] },
    };
    await checkpoints.save({ state, weights, moments }, { best: step === 3 });
  }
  const each = 3 * 8000;
  expect(bytesOnDisk(store.folder)).toBeGreaterThan(3 * each);
  await checkpoints.finish();
  expect(bytesOnDisk(store.folder)).toBeLessThan(2.2 * each);
  await store.close();

  const later = await FolderStore.open(store.folder);
  const reopened = new CheckpointStore(await later.openWriter('training'), later);
  expect((await reopened.list()).map(({ step, latest, best }) => ({ step, latest, best }))).toEqual([
    { step: 6, latest: true, best: false },
    { step: 3, latest: false, best: true },
  ]);
  expect((await reopened.loadLatest())?.checkpoint.state.step).toBe(6);
  expect((await reopened.loadBest())?.checkpoint.moments.first.get('w')?.[0]).toBe(3.25);
  await later.close();
});
