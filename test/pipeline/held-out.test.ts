import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { reportMarkdown } from '../../src/pipeline/report-markdown.ts';
import { withOverrides } from '../../src/pipeline/overrides.ts';
import type { RecipeRun } from '../support/recipe-job.ts';
import { recipePlace } from '../support/recipe-place.ts';
import { writeCollection } from '../support/collection.ts';
import { oneArm, smallRecipe } from '../support/small-recipe.ts';
import { listFile, makeLists } from '../support/training-lists.ts';

const place = recipePlace();
const lists = makeLists(40);

/** Each of 28 train queries has three relevant passages, which it shares with its neighbors; 12 are test queries. */
function denseCorpus(): string {
  const relevant = (i: number, of: number): [string, string, number][] =>
    [0, 1, 2].map((next) => [`q${i}`, `p${(i + next) % of}`, 1]);
  const folder = writeCollection({
    documents: Object.fromEntries(
      lists.flatMap(({ documents }) => documents.slice(0, 2).map(({ id, text }) => [id, ['', text]])),
    ),
    queries: Object.fromEntries(lists.map(({ query_id, query }) => [query_id, query])),
    judgments: {
      train: Array.from({ length: 28 }, (_, i) => relevant(i, 28)).flat(),
      test: lists.slice(28).map(({ query_id }, i) => [query_id, `p${28 + i}`, 1]),
      all: lists.flatMap((_, i) => relevant(i, 40)),
    },
  });
  writeFileSync(join(folder, 'lists.jsonl'), listFile(lists));
  return folder;
}

const run = (overrides: readonly string[]): Promise<RecipeRun> =>
  place.run(withOverrides(smallRecipe(denseCorpus()), overrides));

describe('a share of densely judged train queries', () => {
  it('is held out as whole queries, and the report says what that cost', async () => {
    const { report, job } = await run(oneArm('mined'));
    const { devSplit, trainQueries, devQueries } = report.corpus;
    expect([trainQueries, devQueries]).toEqual([22, 6]);
    expect(devSplit).toMatchObject({
      share: 0.2,
      lists: 28,
      requestedLists: 6,
      devLists: 6,
      unit: 'queries',
      trainPositives: 66,
    });
    const { removedPositives, devPassages, sharedPassages } = devSplit!;
    expect(removedPositives).toBeGreaterThan(0);
    expect(removedPositives).toBeLessThanOrEqual(0.2 * 66);
    const { lists: trained, listsReport } = report.arms[0]!;
    expect(trained).toBe(22);
    expect(listsReport.guard).toMatchObject({ devQueries: 0, devPositives: removedPositives });

    const { heldOut } = job.graph;
    const texts = lists.flatMap(({ documents }) => documents.slice(0, 1)).map(({ text }) => text);
    expect(texts.filter((text) => heldOut.holdsPassage(text))).toHaveLength(devPassages - sharedPassages);
    const note =
      'Dev: 20% of 28 lists requested (6), 6 held out (6 queries). Most queries share positives with others, so ' +
      `whole queries were held out. Removed from training as positives of dev queries: ${removedPositives} of 66 ` +
      `positives. Still positives in training: ${sharedPassages} of the ${devPassages} positives of dev queries.`;
    expect(report.notes).toContain(note);
    expect(reportMarkdown(report)).toContain(`- ${note}`);
  });

  it('are dealt into even folds, and the report says how many test queries share a passage', async () => {
    const { report } = await run([
      ...oneArm('mined'),
      ...['corpus.dev=null', 'corpus.train=all', 'corpus.test=all', 'corpus.fold={"of":2,"index":1}'],
      'training.maxSteps=1',
    ]);
    expect(report.corpus).toMatchObject({ trainQueries: 20, testQueries: 20 });
    const shared = report.results.sharedQueries;
    expect(shared).toBeGreaterThan(0);
    expect(report.corpus.warnings.join()).toContain(
      `folds were made of whole queries: ${shared} of the 20 test queries share a relevant passage`,
    );
  });

  it('of a file with one list per positive is held out with all positives of each query', async () => {
    const recipe = smallRecipe(denseCorpus());
    const perPositive = lists.flatMap((list) =>
      [list.documents[0], lists[0]?.documents[0]].map((positive) => ({ ...list, documents: [positive] })),
    );
    writeFileSync(
      join((recipe.corpus as { readonly folder: string }).folder, 'lists.jsonl'),
      perPositive.map((list) => `${JSON.stringify(list)}\n`).join(''),
    );
    const job = await place.open(
      withOverrides(recipe, [
        ...oneArm('ready'),
        'corpus.train=null',
        'sources={"ready":{"kind":"lists","corpusFile":"lists.jsonl"}}',
      ]),
    );
    const { dev, split } = job.graph.heldOut;
    expect(split).toMatchObject({ lists: 80, devLists: 16, devQueries: 8 });
    expect(new Set(dev?.queries.map(({ id }) => id)).size).toBe(8);
    expect(dev?.queries).toHaveLength(8);
    for (const { id } of dev?.queries ?? []) {
      expect([...(dev?.judgments.get(id)?.keys() ?? [])]).toEqual([...new Set([`p${id.slice(1)}`, 'p0'])]);
    }
  });
});
