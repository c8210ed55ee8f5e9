import { expect, it } from 'vitest';
import { reportMarkdown } from '../../src/pipeline/report-markdown.ts';
import { recipePlace } from '../support/recipe-place.ts';
import { smallRecipe } from '../support/small-recipe.ts';

const place = recipePlace();

it('names the relevant passages that arms rank lower, and the lists that pushed them', async () => {
  // A rate at which training does harm.
  const training = { ...(smallRecipe('').training as object), learningRate: 0.02, evaluateEvery: 6 };
  const recipe = smallRecipe(place.corpus, {
    training,
    seeds: [1],
    corpus: { folder: place.corpus, dev: null },
  });
  const { report, job } = await place.run(recipe);
  const table = report.tables.find(({ title }) => title === 'Relevant passages that training ranked lower');
  const { lowered } = table!;
  expect(lowered).toMatchObject({ grade: 1, depth: 20 });
  expect(lowered!.arms.map(({ name, seed }) => [name, seed])).toEqual([
    ['contrastive', 1],
    ['filtered', 1],
    ['listwise', 1],
  ]);
  const rows = lowered!.arms.flatMap((arm) => arm.passages.map((row) => ({ arm: arm.name, row })));
  expect(rows.length).toBeGreaterThan(0);
  for (const { arm, row } of rows) {
    expect(row.after ?? 21).toBeGreaterThan(row.before);
    expect(job.corpus.test.judgments.get(row.query.id)?.get(row.passage.id)).toBe(row.grade);
    expect(row.passage.text).toBe(job.corpus.passages.textOf(row.passage.id));
    // The page and the report read the same record that later readers do.
    const forces = (await job.forcesOf(arm, 1))!;
    const pushed = forces.ofPassage(row.passage.id).filter(({ push }) => push > 0);
    const most = pushed.map(({ push }) => push).sort((a, b) => b - a);
    expect(row.lists.map(({ push }) => push)).toEqual(most.slice(0, 2));
    for (const { query, positive } of row.lists) {
      expect(query.text).not.toBe('');
      expect(positive?.text).not.toBe('');
    }
  }
  for (const { passages } of lowered!.arms) {
    const left = passages.map(({ before, after }) => before <= 10 && (after ?? 21) > 10);
    expect(left).toEqual([...left].sort((a, b) => Number(b) - Number(a)));
    expect(passages.length).toBeLessThanOrEqual(10);
  }
  expect(reportMarkdown(report)).toContain('## Relevant passages that training ranked lower');

  // It is cached with its trainings.
  await place.reopenStore();
  const again = await place.run(recipe);
  expect(again.computed).toEqual([]);
  expect(again.report.tables).toEqual(report.tables);
});

it('says so where a training that was cached by an earlier version has no record', async () => {
  const recipe = smallRecipe(place.corpus, { seeds: [1] });
  await place.run(recipe);
  const writer = await place.store.openWriter('stages');
  for (const key of await place.store.keys('stages')) {
    const record = (await place.store.get('stages', key))!;
    if (key.startsWith('lowered/')) await writer.commit({ delete: [key] });
    if (!key.startsWith('training/')) continue;
    const { valueIsBlob } = record.value as { valueIsBlob: boolean };
    await writer.commit({ put: { [key]: { ...record, blobs: record.blobs.slice(0, valueIsBlob ? 2 : 1) } } });
  }
  await place.reopenStore();
  const { report, computed, job } = await place.run(recipe);
  expect(computed).toHaveLength(1);
  expect(await job.forcesOf('listwise', 1)).toBeUndefined();
  const { lowered, rows } = report.tables.find((table) => table.lowered !== undefined)!;
  expect(lowered!.arms.every(({ steps }) => steps === null)).toBe(true);
  expect(rows.slice(1).every((row) => row[3] === 'not recorded')).toBe(true);
});
