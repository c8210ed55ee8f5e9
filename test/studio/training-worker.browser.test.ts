import { beforeAll, describe, expect, it } from 'vitest';
import { readEncoder } from '../../src/encoders/read-encoder.ts';
import { bytesSource } from '../../src/core/source.ts';
import { openZip } from '../../src/formats/zip.ts';
import { openFiles } from '../../src/studio/dropped-files.ts';
import { modelFolderOf } from '../../src/host/browser/model-files.ts';
import { InputError } from '../../src/core/errors.ts';
import type { RecipeReport } from '../../src/pipeline/report.ts';
import type { RunEvent } from '../../src/studio/protocol.ts';
import {
  droppedCorpus,
  droppedModel,
  finish,
  keepSmall,
  learned,
  openClient,
  placeOf,
  stepOf,
  testQuery,
} from './small-run.ts';

describe('a run in the training worker', () => {
  let undisturbed: RecipeReport;

  beforeAll(async () => {
    const client = await openClient();
    undisturbed = await finish(client, await keepSmall(client));
    client.close();
  });

  it('says what it computes with', async () => {
    const client = await openClient();
    expect(client.compute).toMatchObject({ device: 'wasm', threads: 1 });
  });

  it('tests whether the device repeats a step, and says so in reports and when it is opened again', async () => {
    const store = `repeat-test-${crypto.randomUUID()}`;
    const client = await openClient({ store });
    expect(client.compute.repeats).toBeUndefined();
    expect(await client.testDevice()).toMatchObject({ device: 'wasm', repeats: true });
    const report = await finish(client, await keepSmall(client));
    expect(report.repeats).toBe(true);
    expect(undisturbed).not.toHaveProperty('repeats');
    client.close();
    expect((await openClient({ store })).compute.repeats).toBe(true);
  });

  it('trains both arms and reports, with events of every step and evaluation', async () => {
    const client = await openClient();
    const recipe = await keepSmall(client);
    const opened = await client.openRun('small', recipe);
    expect(opened.corpus).toMatchObject({ name: 'small', passages: 80 });
    expect(opened.corpus.testQueries).toHaveLength(12);
    expect(opened.plan.stages.filter(({ kind }) => kind === 'training')).toHaveLength(2);
    const events: RunEvent[] = [];
    const report = await finish(client, recipe, (event) => events.push(event));
    expect(learned(report)).toEqual(learned(undisturbed));
    expect(report.results.all.systems.map(({ name }) => name)).toEqual([
      'bm25',
      'untrained',
      'contrastive',
      'listwise',
    ]);
    const steps = events.filter((event) => stepOf(event) !== undefined);
    expect(steps).toHaveLength(10);
    expect(
      steps.find((event) => event.kind === 'training' && event.stage.arm === 'contrastive'),
    ).toMatchObject({
      stage: { arm: 'contrastive', seed: 1 },
      event: { totalSteps: 5, terms: [{ name: 'infonce' }] },
    });
    const evaluations = events.filter(
      (event) => event.kind === 'training' && event.event.kind === 'evaluation',
    );
    expect(evaluations).toHaveLength(6);
    expect(await client.runs()).toMatchObject([{ runId: 'small', state: 'finished', recipe }]);
  });

  it('trains side by side where there are cores for it, with the bits of one training after another', async () => {
    // All cores for one training.
    const serial = await openClient({ threads: navigator.hardwareConcurrency });
    expect((await serial.openRun('small', await keepSmall(serial))).plan.trainingsAtOnce).toBe(1);
    expect(learned(await finish(serial, await keepSmall(serial)))).toEqual(learned(undisturbed));
    serial.close();
    const client = await openClient();
    const recipe = await keepSmall(client);
    const { plan } = await client.openRun('small', recipe);
    expect(plan.trainingsAtOnce).toBe(Math.min(2, navigator.hardwareConcurrency));
    const underWay = new Set<string>();
    let most = 0;
    await finish(client, recipe, (event) => {
      if (event.kind !== 'stage' || event.stage.kind !== 'training') return;
      if (event.state === 'started') underWay.add(event.stage.key);
      else underWay.delete(event.stage.key);
      most = Math.max(most, underWay.size);
    });
    expect(most).toBe(plan.trainingsAtOnce);
  });

  it('is held by a pause, goes on after it with the same bits', async () => {
    const client = await openClient();
    const recipe = await keepSmall(client);
    const pause = 1000;
    let paused: Promise<void> | undefined;
    let isPaused = false;
    let stepsWhilePaused = 0;
    const kinds: string[] = [];
    const startedAt = performance.now();
    const report = await finish(client, recipe, (event) => {
      kinds.push(event.kind);
      if (event.kind === 'paused') isPaused = true;
      if (event.kind === 'resumed') isPaused = false;
      if (isPaused && stepOf(event) !== undefined) stepsWhilePaused++;
      if (stepOf(event) === 2 && paused === undefined) {
        paused = client
          .pause('small')
          .then(() => new Promise((resolve) => setTimeout(resolve, pause)))
          .then(() => client.resume('small'));
      }
    });
    const took = performance.now() - startedAt;
    await paused;
    // What is left is told from how long things took: a pause is no part of it.
    expect(1000 * report.seconds.job).toBeLessThan(took - pause);
    expect(kinds).toContain('paused');
    expect(kinds).toContain('resumed');
    expect(stepsWhilePaused).toBe(0);
    expect(learned(report)).toEqual(learned(undisturbed));
  });

  it('ends when it is canceled, and goes on from its checkpoint when it is run again', async () => {
    const client = await openClient({ checkpointSeconds: 0 });
    const recipe = await keepSmall(client);
    const stop = new AbortController();
    const before: string[] = [];
    const outcome = await client.run(
      'small',
      recipe,
      (event) => {
        if (stepOf(event) !== undefined) before.push(placeOf(event));
        // The worker may be further than what has been heard of it.
        if (before.length === 3) stop.abort();
      },
      {},
      stop.signal,
    );
    expect(outcome).toEqual({ state: 'canceled' });
    expect(await client.runs()).toMatchObject([{ runId: 'small', state: 'begun' }]);
    const after: string[] = [];
    const report = await finish(client, recipe, (event) => {
      if (stepOf(event) !== undefined) after.push(placeOf(event));
    });
    expect(before.length).toBeLessThan(10);
    expect(after.filter((place) => before.includes(place))).toEqual([]);
    expect([...before, ...after]).toHaveLength(10);
    expect(learned(report)).toEqual(learned(undisturbed));
  });

  it('finds passages for a query before and after, and exports a model that opens again', async () => {
    const client = await openClient();
    const recipe = await keepSmall(client);
    await client.openRun('small', recipe);
    const asked = await client.testQueries('small');
    expect(asked.map(({ id, text }) => ({ id, text }))).toContainEqual({
      id: testQuery.id,
      text: testQuery.text,
    });
    const before = await client.search('small', testQuery.text, ['bm25', 'untrained'], 5);
    expect(before.queryId).toBe(testQuery.id);
    expect(before.found.map(({ system, passages }) => [system, passages.length])).toEqual([
      ['bm25', 5],
      ['untrained', 5],
    ]);
    const best = before.found[0]?.passages.find(({ id }) => id === testQuery.relevant);
    expect(best?.grade).toBe(1);
    await expect(client.search('small', testQuery.text, ['listwise'])).rejects.toThrow('not trained yet');

    await finish(client, recipe);
    const after = await client.search('small', 'heat of water', ['untrained', 'listwise']);
    expect(after.queryId).toBeUndefined();
    expect(after.found.map(({ passages }) => passages.length)).toEqual([10, 10]);
    expect(after.found[0]?.passages).not.toEqual(after.found[1]?.passages);

    const { name, zip } = await client.exportModel('small', 'listwise');
    expect(name).toBe('small-listwise.zip');
    const tree = await openZip(bytesSource(name, zip));
    const model = await readEncoder(modelFolderOf(tree));
    expect(tree.paths).toContain('small-listwise/onnx/model.onnx');
    const untrained = await readEncoder(modelFolderOf(openFiles(await droppedModel())));
    const weight = 'encoder.layer.0.attention.self.query.weight';
    expect(model.weights.get(weight)?.dims).toEqual(untrained.weights.get(weight)?.dims);
    expect(model.weights.get(weight)?.data).not.toEqual(untrained.weights.get(weight)?.data);
  });
});

describe('the training worker refuses, with problem and remedy,', () => {
  it('files that are nothing it knows', async () => {
    const client = await openClient();
    const error = await failure(client.keep(new File(['a photo'], 'photo.jpg')));
    expect(error).toBeInstanceOf(InputError);
    expect(error).toMatchObject({
      file: 'photo.jpg',
      problem: 'is no corpus, no model and no file of lists',
      remedy: expect.stringContaining('Drop a BEIR folder or zip') as string,
    });
  });

  it('a recipe with a wrong name, a folder that is not kept, a model that there is not', async () => {
    const client = await openClient();
    const recipe = await keepSmall(client);
    const [arm] = recipe.arms;
    if (arm === undefined) throw new Error('the recipe has no arms');
    const misspelled = { ...recipe, arms: [{ ...arm, loss: 'infonze' }] };
    expect(await failure(client.run('small', misspelled))).toMatchObject({
      problem: expect.stringContaining('infonce') as string,
    });
    const corpus = { ...recipe.corpus, folder: 'gone-12345678' };
    expect(await failure(client.run('small', { ...recipe, corpus }))).toMatchObject({
      file: 'gone-12345678',
      problem: 'is not kept in this browser',
    });
    const encoder = { model: 'no such model' };
    expect(await failure(client.openRun('small', { ...recipe, encoder }))).toMatchObject({
      problem: 'there is no such model',
    });
    expect(await client.runs()).toEqual([]);
  });

  it('a second run, a search and an export while a run computes, and a pause of none', async () => {
    const client = await openClient();
    const recipe = await keepSmall(client);
    expect(await failure(client.pause('small'))).toMatchObject({ problem: 'the run is not under way' });
    expect(await failure(client.search('small', 'light', ['bm25']))).toMatchObject({
      problem: 'the run is not open',
    });
    let refused: Promise<unknown[]> | undefined;
    const stop = new AbortController();
    const askAt1 = (event: RunEvent): void => {
      if (stepOf(event) !== 1 || refused !== undefined) return;
      refused = Promise.all([
        failure(client.run('another', recipe)),
        failure(client.search('small', 'light', ['bm25'])),
        failure(client.exportModel('small', 'listwise')),
      ]).finally(() => stop.abort());
    };
    const outcome = await client.run('small', recipe, askAt1, {}, stop.signal);
    expect(outcome.state).toBe('canceled');
    const underWay = { problem: 'a run is under way', remedy: 'Wait for its end, or cancel it' };
    expect(await refused).toMatchObject([underWay, underWay, underWay]);
  });
});

describe('what is kept', () => {
  it('holds the files of a corpus and no others, the same ones once, until it is forgotten', async () => {
    const client = await openClient();
    const kept = await client.keep(droppedCorpus());
    expect(kept).toMatchObject({
      name: 'small',
      kind: 'corpus',
      splits: ['test', 'train'],
      listFiles: ['lists.jsonl'],
    });
    expect(await client.keep(droppedCorpus())).toMatchObject({ id: kept.id });
    expect(await client.keep(await droppedModel())).toMatchObject({ name: 'tiny-bert', kind: 'model' });
    const names = async () =>
      (await client.kept()).filter(({ kind }) => kind !== 'language-model').map(({ name }) => name);
    expect((await names()).sort()).toEqual(['small', 'tiny-bert']);
    await client.forgetKept(kept.id);
    expect(await names()).toEqual(['tiny-bert']);
  });
});

function failure(promise: Promise<unknown>): Promise<unknown> {
  return promise.then(
    () => 'no error',
    (error: unknown) => error,
  );
}
