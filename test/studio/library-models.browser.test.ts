/** Models that transformers.js runs in the page's training worker, dropped on the page. */
import { expect, it } from 'vitest';
import type { RecipeReport } from '../../src/pipeline/report.ts';
import type { RecipeInput } from '../../src/pipeline/schema.ts';
import type { TrainingClient } from '../../src/studio/window/training-client.ts';
import { asRoberta, libraryFiles, listed } from '../support/browser/library-models.ts';
import { droppedCorpus, droppedModel, finish, openClient, smallRecipe } from './small-run.ts';

interface Roles {
  readonly retriever: string;
  readonly teacher: string;
}

/** Mines with one model and lets another teach. */
async function minedRecipe(client: TrainingClient, { retriever, teacher }: Roles): Promise<RecipeInput> {
  const corpus = await client.keep(droppedCorpus());
  const model = await client.keep(await droppedModel());
  return {
    ...smallRecipe(corpus.id, model.id, { maxSteps: 3 }),
    sources: {
      found: {
        kind: 'mined',
        retrievers: [{ kind: 'dense', model: retriever, queryMaxLength: 16, passageMaxLength: 24 }],
        negatives: 3,
      },
    },
    teacher: { from: 'cross-encoder', model: teacher },
    arms: [{ name: 'listwise', source: 'found', loss: 'kl' }],
    evaluation: { samples: 1000, depth: 20, pairs: [] },
  };
}

function lossesOf({ arms }: RecipeReport): readonly number[] {
  return arms[0]?.trainings[0]?.losses ?? [];
}

it("find and teach as the studio's own graphs do, asked for by name or because they are foreign", async () => {
  const client = await openClient();
  const encoder = await libraryFiles('tiny-bert');
  const crossEncoder = await libraryFiles('tiny-cross-encoder');
  const keep = async (files: typeof encoder, name: string): Promise<string> =>
    (await client.keep(listed(files, name))).id;
  const [retriever, teacher] = [await keep(encoder, 'finder'), await keep(crossEncoder, 'teacher')];
  const own = lossesOf(await finish(client, await minedRecipe(client, { retriever, teacher })));
  expect(own).toHaveLength(3);

  const named = { retriever: `transformers.js:${retriever}`, teacher: `transformers.js:${teacher}` };
  const foreign = {
    retriever: await keep(asRoberta(encoder), 'foreign finder'),
    teacher: await keep(asRoberta(crossEncoder), 'foreign teacher'),
  };
  for (const roles of [named, foreign]) {
    const losses = lossesOf(await finish(client, await minedRecipe(client, roles)));
    expect(losses).toHaveLength(3);
    losses.forEach((loss, i) => expect(Math.abs(loss - (own[i] ?? NaN))).toBeLessThan(1e-4));
  }
});

it('are held by a pause', async () => {
  const client = await openClient();
  const crossEncoder = await libraryFiles('tiny-cross-encoder');
  const kept = await client.keep(listed(crossEncoder, 'teacher'));
  const encoder = await client.keep(listed(await libraryFiles('tiny-bert'), 'finder'));
  const recipe = await minedRecipe(client, {
    retriever: `transformers.js:${encoder.id}`,
    teacher: `transformers.js:${kept.id}`,
  });
  let held: Promise<void> | undefined;
  let isPaused = false;
  const endedWhilePaused: string[] = [];
  await finish(client, recipe, (event) => {
    if (event.kind === 'paused') isPaused = true;
    if (event.kind === 'resumed') isPaused = false;
    if (event.kind !== 'stage' || event.stage.kind !== 'scores') return;
    if (event.state === 'started') {
      held = client
        .pause('small')
        .then(() => new Promise((resolve) => setTimeout(resolve, 1500)))
        .then(() => client.resume('small'));
    }
    if (event.state === 'finished' && isPaused) endedWhilePaused.push(event.stage.label);
  });
  await held;
  expect(held).toBeDefined();
  expect(endedWhilePaused).toEqual([]);
});
