/** Recipes whose teacher is known by its vectors: of an encoder that runs, or of a file. */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { readLists } from '../../src/corpus/lists.ts';
import type { ListRecord } from '../../src/corpus/types.ts';
import { readEncoder } from '../../src/encoders/read-encoder.ts';
import { withEmbedder } from '../../src/pipeline/encoder-shelf.ts';
import { RecipeStoppedError } from '../../src/pipeline/stage.ts';
import { StageStore } from '../../src/pipeline/stage-store.ts';
import { decodeLists } from '../../src/pipeline/stored-forms.ts';
import { writeTextVectors } from '../../src/retrieval/text-vectors.ts';
import { openFile } from '../../src/host/node/files.ts';
import { textsOfLists } from '../../src/training/teacher-vectors.ts';
import { modelFolder, tinyModel } from '../support/model-folder.ts';
import { recipePlace } from '../support/recipe-place.ts';
import type { RecipeRun } from '../support/recipe-job.ts';
import { smallRecipe } from '../support/small-recipe.ts';

const place = recipePlace();
const model = tinyModel('tiny-bert');
const loss = 'kl(scope=batch, teacherTemperature=0.1)';
const file = 'vectors.safetensors';

const recipe = (changes: Readonly<Record<string, unknown>>): Record<string, unknown> =>
  smallRecipe(place.corpus, {
    ...{ seeds: [1], corpus: { folder: place.corpus, dev: null }, filters: { strict: ['length>=2'] } },
    arms: [{ name: 'batch', source: 'mined', loss }],
    evaluation: { samples: 1000, depth: 10 },
    ...changes,
  });

/** What the encoder makes of every text of the lists, which have the passages of the corpus. */
async function writeVectors(type: 'F32' | 'I8'): Promise<void> {
  const lists: ListRecord[] = [];
  for await (const list of readLists(await openFile(join(place.corpus, 'lists.jsonl')))) lists.push(list);
  const { queries, passages } = textsOfLists(lists);
  const encoder = await readEncoder(modelFolder(model));
  const bytes = await withEmbedder(place.runtime, encoder, async (embedder) =>
    writeTextVectors({
      queries: { texts: queries, vectors: await embedder.embed(queries, 'query') },
      passages: { texts: passages, vectors: await embedder.embed(passages, 'passage') },
      ...{ dimension: embedder.dimensions, model: 'tiny', type },
    }),
  );
  writeFileSync(join(place.corpus, file), bytes);
}

async function listsOf({ job }: RecipeRun, arm: string): Promise<readonly ListRecord[]> {
  const key = job.graph.arms.find((each) => each.arm.name === arm)?.lists.key ?? '';
  const stages = new StageStore(place.store);
  const [blob] = (await stages.find(key))?.blobs ?? [];
  if (blob === undefined) throw new Error(`${key} has stored nothing`);
  return decodeLists(await stages.readBlob(blob));
}

const lossesOf = ({ report }: RecipeRun, arm: string): readonly number[] =>
  report.arms.find(({ name }) => name === arm)?.trainings[0]?.losses ?? [];
const madeBy = ({ computed }: RecipeRun): readonly string[] =>
  computed.filter((label) => label.startsWith('teacher'));

describe('kl over the batch', () => {
  it('learns from vectors that an encoder makes once for all arms of a source', async () => {
    const mix = { sources: [{ source: 'mined' }, { source: 'ready' }] };
    const arms = [
      { name: 'batch', source: 'mined', loss },
      { name: 'filtered', source: 'mined', filters: 'strict', loss: `${loss} + 0.1*infonce` },
      { name: 'mixed', mix, loss },
    ];
    const first = await place.run(recipe({ arms }));
    expect(madeBy(first)).toEqual(['teacher vectors of mined', 'teacher vectors of mixed']);
    for (const { name } of arms) {
      expect(lossesOf(first, name)).toHaveLength(6);
      expect(lossesOf(first, name).every((value) => value > 0)).toBe(true);
    }
    await place.reopenStore();
    expect((await place.run(recipe({ arms }))).computed).toEqual([]);
  });

  it('goes on embedding where a run was interrupted', async () => {
    const embedded = async (signal: AbortSignal, onProgress: (done: number) => void) => {
      let found = 0;
      await place
        .run(recipe({}), {
          signal,
          checkpointSeconds: 0,
          onEvent: (event) => {
            if (!event.stage.label.startsWith('teacher')) return;
            if (event.kind === 'progress') onProgress(event.done);
            if (event.kind === 'found') found = event.count;
          },
        })
        .catch((error: unknown) => {
          if (!(error instanceof RecipeStoppedError)) throw error;
        });
      return found;
    };
    const stopping = new AbortController();
    let last = 0;
    const found = await embedded(stopping.signal, (done) => {
      // The queries are embedded and stored, and the first batch of passages is on its way.
      if (done > 28) stopping.abort();
      last = done;
    });
    expect([found, last > 28]).toEqual([0, true]);
    let first = Infinity;
    await embedded(new AbortController().signal, (done) => (first = Math.min(first, done)));
    expect(first).toBe(28);
    // Nothing stays behind beside the stage's result.
    for (const name of await place.store.namespaces()) {
      if (name.startsWith('vectors-')) expect(await place.store.keys(name)).toEqual([]);
    }
  });

  it('refuses vectors of other texts', async () => {
    await writeVectors('F32');
    const lists = join(place.corpus, 'lists.jsonl');
    writeFileSync(lists, readFileSync(lists, 'utf8').replace('"query":"', '"query":"oh '));
    const run = place.run(
      recipe({
        teacher: { from: 'vectors', corpusFile: file },
        arms: [{ name: 'batch', source: 'ready', loss }],
      }),
    );
    await expect(run).rejects.toThrow(
      /vectors\.safetensors: no vectors for 1 of \d+ queries, such as "oh .*"\. Use/,
    );
  });
});

it('the vectors that an encoder has left in a file teach, score and search as the encoder does', async () => {
  const run = (teacher: object, retriever: object): Promise<RecipeRun> => {
    const mined = { kind: 'mined', retrievers: [retriever], ranks: { last: 10 }, negatives: 3, pick: 'top' };
    const arms = [
      { name: 'batch', source: 'mined', loss },
      { name: 'own', source: 'mined', loss: 'kl' },
    ];
    return place.run(recipe({ teacher, arms, sources: { mined } }));
  };
  const asked = await run({ from: 'encoder', model }, { kind: 'dense', model });
  await writeVectors('F32');
  const place1 = { corpusFile: file };
  const stored = await run({ from: 'vectors', ...place1 }, { kind: 'vectors', name: 'dense', ...place1 });
  const [scored, expected] = [await listsOf(stored, 'own'), await listsOf(asked, 'own')];
  expect(scored.length).toBeGreaterThan(20);
  expect(scored).toHaveLength(expected.length);
  for (const [i, { documents }] of scored.entries()) {
    expect(documents.map(({ id }) => id)).toEqual(expected[i]?.documents.map(({ id }) => id));
    for (const [j, { teacher = NaN }] of documents.entries()) {
      expect(teacher).toBeCloseTo(expected[i]?.documents[j]?.teacher ?? NaN, 5);
    }
  }
  const differences = (of: RecipeRun): number[] =>
    lossesOf(of, 'batch').map((value, i) => Math.abs(value - (lossesOf(asked, 'batch')[i] ?? NaN)));
  expect(Math.max(...differences(stored))).toBeLessThan(1e-4);
  // Compact ones are other vectors, and near enough.
  await writeVectors('I8');
  const compact = await run({ from: 'vectors', ...place1 }, { kind: 'dense', model });
  expect(Math.max(...differences(compact))).toBeLessThan(0.02);
  expect(Math.max(...differences(compact))).toBeGreaterThan(0);
});
