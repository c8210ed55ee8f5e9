/**
 * A grid in the built page with its own worker, store and WASM: the browser is killed in the middle of it, then the tab
 * is closed. What was finished stays as it is, and the table is that of a run that nothing disturbed.
 */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Page } from 'playwright';
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { RecipeInput } from '../../src/pipeline/schema.ts';
import { noChromium, startChromium } from '../support/chromium-process.ts';
import { describeUnless } from '../support/skip.ts';
import { servedPage } from '../support/built-page.ts';
import { pasteRecipe } from './paste-recipe.ts';

/** On a machine that is busy with other things. */
const hang = 600_000;
const loss = 'infonce(scope=batch)';
/** Two arms, two seeds: four trainings of seconds, then the ranking of each. */
const recipe: RecipeInput = {
  version: 1,
  name: 'killed grid',
  seeds: [1, 2],
  corpus: { builtIn: 'demo', dev: null },
  encoder: { model: 'nano', queryMaxLength: 12, passageMaxLength: 12 },
  generators: { writer: { kind: 'recorded' } },
  sources: {
    written: {
      kind: 'generated',
      prompts: ['a-hard-negatives'],
      of: { train: { sample: 16 } },
      recorded: { corpusFile: 'recorded-negatives.jsonl' },
    },
    mined: { kind: 'mined', retrievers: [{ kind: 'bm25' }], negatives: 2, level: 2 },
    both: { kind: 'merged', of: ['written', 'mined'], join: false },
  },
  filters: { long: ['length>=2'] },
  training: { batches: { batchSize: 4, negatives: 2, level: 2 }, maxSteps: 4 },
  arms: [
    { name: 'written', source: 'written', filters: 'long', loss },
    { name: 'both', source: 'both', loss },
  ],
  evaluation: { samples: 1000, depth: 10, baselines: ['bm25'], show: { queries: 0 } },
};

let folder: string;
const server = servedPage();

async function prepared(page: Page, screen: string): Promise<Page> {
  page.setDefaultTimeout(hang);
  await page.goto(`${server.address}#${screen}`);
  await page.getByRole('heading', { level: 1 }).waitFor();
  return page;
}

async function begin(page: Page): Promise<void> {
  await pasteRecipe(page, recipe);
  await page.getByRole('button', { name: 'See what it will cost' }).click();
  await page.getByRole('button', { name: 'Start', exact: true }).click();
}

/** Among the results: the notice of an unfinished run need not be on the disk yet when a browser dies. */
async function goOn(page: Page): Promise<void> {
  await page.getByRole('link', { name: /^Resume/ }).click();
  // Of the run itself, below the notice.
  await page.getByRole('button', { name: 'Resume' }).last().click();
}

/** Waits until a step of this name is under way, with some done and some to do. @returns what is done */
async function untilComputing(page: Page, label: string): Promise<string[]> {
  await page.getByText('Steps of the run').click();
  const steps = page.getByRole('listitem');
  await steps.filter({ hasText: new RegExp(`^${label} \\(now\\)`) }).waitFor();
  const texts = await steps.allInnerTexts();
  expect(texts.filter((text) => text.endsWith('(to do)')).length).toBeGreaterThan(1);
  return texts.flatMap((text) => (text.endsWith(' (done)') ? [text.replace(/ \(done\)$/, '')] : []));
}

/** Every stage's record as it lies in the browser, by its key: what it took to compute is a part of it. */
function storedStages(page: Page): Promise<Record<string, string>> {
  return page.evaluate(async () => {
    const answer = <T>(request: IDBRequest<T>): Promise<T> =>
      new Promise((resolve, reject) => {
        request.onsuccess = () => resolve(request.result);
        request.onerror = () => reject(request.error ?? new Error('no answer'));
      });
    const database = await answer(indexedDB.open('retriever-studio'));
    const records: unknown[] = await answer(database.transaction('records').objectStore('records').getAll());
    database.close();
    const parsed = (records as { readonly json: string }[]).map(({ json }) => ({
      ...(JSON.parse(json) as { readonly namespace: string; readonly key: string }),
      json,
    }));
    const stages = parsed.filter(({ namespace }) => namespace === 'stages');
    return Object.fromEntries(stages.map(({ key, json }) => [key, json]));
  });
}

/** The table as the page shows it, and the stages of the report by what became of them. */
async function outcome(page: Page) {
  const table = page.getByRole('region', { name: 'Results of all systems' });
  await table.waitFor();
  const download = page.waitForEvent('download');
  await page.getByRole('button', { name: 'Report (Markdown)' }).click();
  const file = join(folder, 'report.md');
  await (await download).saveAs(file);
  const rows = readFileSync(file, 'utf8').matchAll(/^\| (.+?) +\| +[\d.]+ \| (stored|computed) +\|$/gm);
  const stages = [...rows].map(([, label = '', state = '']) => ({ label, state }));
  const of = (wanted: string) => stages.flatMap(({ label, state }) => (state === wanted ? [label] : []));
  return { table: await table.innerText(), computed: of('computed'), stored: of('stored') };
}

describeUnless(noChromium, "a recipe's grid in the built page", () => {
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'recipe-kill-'));
  });

  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  it(
    'computes nothing twice after a killed browser and a closed tab, and ends with the same table',
    async () => {
      const calm = await startChromium(join(folder, 'calm'));
      const undisturbed = await prepared(await calm.newPage(), 'recipes');
      await begin(undisturbed);
      const expected = await outcome(undisturbed);
      expect(expected.stored).toEqual([]);
      await calm.kill();

      const profile = join(folder, 'killed');
      const first = await startChromium(profile);
      const page = await prepared(await first.newPage(), 'recipes');
      await begin(page);
      const beforeKill = await untilComputing(page, 'training of both, seed 1');
      const keptBeforeKill = await storedStages(page);
      await first.kill();

      const last = await startChromium(profile);
      const closed = await prepared(await last.newPage(), 'results');
      await goOn(closed);
      const beforeClosing = await untilComputing(closed, 'search with both, seed 1');
      const keptBeforeClosing = await storedStages(closed);
      await closed.close();

      const reopened = await prepared(await last.newPage(), 'results');
      await goOn(reopened);
      const actual = await outcome(reopened);

      expect(beforeKill).toEqual(
        expect.arrayContaining(['training of written, seed 1', 'training of written, seed 2']),
      );
      expect(beforeClosing).toEqual(
        expect.arrayContaining(['search with written, seed 1', 'search with written, seed 2']),
      );
      expect(actual.computed).toEqual(
        expect.arrayContaining(['search with both, seed 1', 'search with both, seed 2']),
      );
      const done = new Set([...beforeKill, ...beforeClosing]);
      expect(actual.computed.filter((label) => done.has(label))).toEqual([]);
      // Computed anew, a stage would have taken another time.
      const kept = await storedStages(reopened);
      expect(Object.keys(keptBeforeKill).length).toBeGreaterThan(4);
      expect(kept).toMatchObject(keptBeforeKill);
      expect(kept).toMatchObject(keptBeforeClosing);
      // The rates are of the plan, and no step of the run.
      const steps = expected.computed.filter((label) => label !== 'speed of this computer');
      expect([...done, ...actual.computed]).toEqual(expect.arrayContaining(steps));
      expect(actual.table).toBe(expected.table);
    },
    hang,
  );
});
