/** Mining with an encoder that is ended in the middle of the corpus goes on from there. */
import { join } from 'node:path';
import { expect, it } from 'vitest';
import type { RecipeEvent } from '../../src/pipeline/job.ts';
import { RecipeStoppedError } from '../../src/pipeline/stage.ts';
import { tinyModel } from '../support/model-folder.ts';
import { recipePlace } from '../support/recipe-place.ts';

const place = recipePlace();

const document = {
  version: 1,
  name: 'mining',
  corpus: { folder: join(import.meta.dirname, '../../public/demo'), dev: { split: 'dev' } },
  encoder: { model: tinyModel('tiny-bert'), queryMaxLength: 16, passageMaxLength: 32 },
  sources: {
    mined: { kind: 'mined', retrievers: [{ kind: 'dense' }], negatives: 2, level: 2 },
  },
  training: { batches: { batchSize: 8, negatives: 2, level: 2 }, maxSteps: 1 },
  arms: [{ name: 'mined', source: 'mined', loss: 'infonce' }],
  evaluation: { baselines: ['untrained'], samples: 1000 },
};

const label = 'candidates by dense';

it('goes on with the passage that it was at, and finds the same', async () => {
  const unbroken = await place.run(document);
  await place.emptyStore();

  const ending = new AbortController();
  const progress = (heard: number[]) => (event: RecipeEvent) => {
    if (event.kind === 'progress' && event.stage.label === label) heard.push(event.done);
  };
  const before: number[] = [];
  const hear = progress(before);
  await expect(
    place.run(document, {
      checkpointSeconds: 0,
      signal: ending.signal,
      onEvent: (event) => {
        hear(event);
        // The first part is in the store when something of the second is heard of.
        if ((before.at(-1) ?? 0) > 1024) ending.abort();
      },
    }),
  ).rejects.toThrow(RecipeStoppedError);

  await place.reopenStore();
  const after: number[] = [];
  const resumed = await place.run(document, { checkpointSeconds: 0, onEvent: progress(after) });
  expect(after[0]).toBe(1024);
  expect(resumed.report.results).toEqual(unbroken.report.results);
  expect(resumed.report.arms[0]?.trainings[0]?.losses).toEqual(unbroken.report.arms[0]?.trainings[0]?.losses);
  // Nobody needs them any more.
  const left = (await place.store.namespaces()).filter((name) => name.startsWith('vectors-'));
  expect((await Promise.all(left.map((name) => place.store.keys(name)))).flat()).toEqual([]);
});
