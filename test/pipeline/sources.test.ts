import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { withOverrides } from '../../src/pipeline/overrides.ts';
import { tinyModel } from '../support/model-folder.ts';
import { recipePlace } from '../support/recipe-place.ts';
import { oneArm, smallRecipe } from '../support/small-recipe.ts';
import { listFile, makeLists } from '../support/training-lists.ts';

const place = recipePlace();
const recipe = (...overrides: string[]): unknown =>
  withOverrides(smallRecipe(place.corpus), ['training.maxSteps=1', ...overrides]);
const trained = async (...overrides: string[]) => {
  const { report, computed } = await place.run(recipe(...overrides));
  const [arm] = report.arms;
  if (arm === undefined) throw new Error('there is no arm');
  return { report, arm, computed };
};

/** Lists as a generator wrote them for six of the train queries, with a type and without other passages. */
function writeRecorded(): void {
  const lists = makeLists(40)
    .slice(0, 24)
    .map(({ documents, ...list }, i) => ({
      ...list,
      query_id: `written-${i}`,
      query: `${list.query} again`,
      query_type: i % 2 === 0 ? 'questions' : 'claims',
      documents: documents.slice(0, 1).map((each) => ({ ...each, source: 'llm:m', prompt: 'p@1', label: 1 })),
    }));
  writeFileSync(join(place.corpus, 'written.jsonl'), listFile(lists));
}

const written = 'sources.written={"kind":"generated","recorded":{"corpusFile":"written.jsonl"}}';

it('mines for the queries of another source, and keeps what is known of them', async () => {
  writeRecorded();
  const mined =
    '{"kind":"mined","of":"written","retrievers":[{"kind":"bm25"}],"negatives":3,"lists":"listwise"}';
  const { arm, computed } = await trained(
    written,
    `sources.candidates=${mined}`,
    'sources.claims={"kind":"selected","of":"candidates","types":["claims"]}',
    ...oneArm('claims'),
  );
  expect(computed.slice(0, 5)).toEqual(expect.arrayContaining(['lists of written', 'candidates by bm25']));
  expect(arm.listsReport.recorded).toBe(true);
  // Half of them are claims; what the guard leaves out of them is a matter of chance.
  expect(arm.lists).toBeGreaterThan(4);
  expect(arm.lists).toBeLessThanOrEqual(12);
  expect(arm.passages).toBe(4 * arm.lists);
});

it('puts lists of several sources behind each other, where they are not joined', async () => {
  const twice = (join: boolean): string[] => [
    'sources.first={"kind":"selected","of":"mined","negatives":1,"pick":"top"}',
    `sources.both={"kind":"merged","of":["first","mined"],"join":${join}}`,
    ...oneArm('both'),
  ];
  const [joined, apart] = [await trained(...twice(true)), await trained(...twice(false))];
  expect(apart.arm.lists).toBe(2 * joined.arm.lists);
});

it('takes scores from a file: as the teacher of a loss, and to pick the best negatives by', async () => {
  const pairs = makeLists(40).flatMap(({ query_id, documents }) =>
    documents.map(({ id }, i) => `${query_id}\t${id}\t${1 - i / 10}\n`),
  );
  writeFileSync(join(place.corpus, 'scores.tsv'), pairs.join(''));
  const { computed } = await trained(
    'teacher={"from":"file","corpusFile":"scores.tsv"}',
    ...oneArm('ready', 'kl'),
  );
  expect(computed.some((label) => label.startsWith('scores of ready from '))).toBe(true);
  const best = await trained(
    'sources.best={"kind":"selected","of":"ready","negatives":1,"pick":"best","by":{"from":"file","corpusFile":"scores.tsv"}}',
    ...oneArm('best'),
  );
  expect(best.arm.passages).toBe(2 * best.arm.lists);
  writeFileSync(join(place.corpus, 'scores.tsv'), 'other\tp1\t0.5\n');
  await expect(
    trained('teacher={"from":"file","corpusFile":"scores.tsv"}', ...oneArm('ready', 'kl')),
  ).rejects.toThrow('none of its pairs are in the lists');
});

it("takes a model's best of another source's candidates as negatives", async () => {
  const { arm, computed } = await trained(
    `sources.best={"kind":"selected","of":"ready","negatives":2,"pick":"best","by":{"from":"encoder","model":"${tinyModel('tiny-bert')}"}}`,
    ...oneArm('best'),
  );
  expect(computed).toEqual(expect.arrayContaining(['teacher scores of ready', 'lists of best']));
  expect(arm.passages).toBe(3 * arm.lists);
});

it('writes what has recorded lists as soon as a generator is given that can', async () => {
  writeRecorded();
  const overrides = [
    'generators.writer={"kind":"recorded"}',
    `sources.written={"kind":"generated","generator":"writer","prompts":["c-questions"],"of":{"passages":{}},"recorded":{"corpusFile":"written.jsonl"}}`,
    ...oneArm('written'),
  ];
  const labels = async (...more: string[]): Promise<string[]> => {
    const plan = await (await place.open(recipe(...overrides, ...more))).plan();
    return plan.stages.map(({ label }) => label);
  };
  expect(await labels()).toContain('lists of written');
  expect(
    await labels('generators.writer={"kind":"http","address":"http://127.0.0.1:9/v1","model":"m"}'),
  ).toContain('lists of written, generated by writer');
});

it('cross-fits: each fold is tested by what the others train, and together the folds are all queries', async () => {
  const tested: string[] = [];
  for (const index of [0, 1, 2]) {
    const { report, arm } = await trained(
      'corpus.train=train',
      'corpus.test=train',
      `corpus.fold={"of":3,"index":${index}}`,
      ...oneArm('mined'),
    );
    expect(report.corpus.testQueries).toBeGreaterThanOrEqual(9);
    expect(report.results.sharedQueries).toBe(0);
    expect(arm.listsReport.guard.testQueries).toBe(0);
    expect((report.corpus.trainQueries ?? 0) + (report.corpus.devQueries ?? 0)).toBe(
      28 - report.corpus.testQueries,
    );
    tested.push(...(await place.open(report.recipe)).corpus.test.queries.map(({ id }) => id));
  }
  expect(new Set(tested).size).toBe(28);
  expect(tested).toHaveLength(28);
});
