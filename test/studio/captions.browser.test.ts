/** Whoever sees a table on queries that nobody asked reads so in its caption. */
import { afterEach, expect, it, vi } from 'vitest';
import { page } from 'vitest/browser';
import { render } from 'vitest-browser-svelte';
import ModelComparison from '../../src/studio/components/ModelComparison.svelte';
import RunResults from '../../src/studio/components/RunResults.svelte';
import { demoRecipe } from '../../src/studio/demo-recipe.ts';
import { writeJudging } from '../../src/studio/judging.ts';
import { writeJudgments } from '../../src/studio/state/judgments.ts';
import { ModelsOnTrial } from '../../src/studio/state/model-comparison.svelte.ts';
import { Studio } from '../../src/studio/state/studio.svelte.ts';
import { comparison } from '../e2e/canned-comparison.ts';
import { keptCorpus, report } from '../e2e/canned-run.ts';
import { cannedClient } from './canned-client.ts';

afterEach(() => localStorage.clear());

const captions = (): string[] =>
  [...document.querySelectorAll('caption')].map(({ textContent }) => textContent.replace(/\s+/g, ' '));

const lists = (system: string) => [system, new Map([['q1', ['a']]])] as const;
const judged = {
  seed: 1,
  systems: ['untrained', 'listwise'],
  grades: new Map([['q1', new Map([['a', 2]])]]),
  lists: new Map([lists('untrained'), lists('listwise')]),
} as const;

const made = {
  source: 's',
  by: 'model',
  model: 'm',
  queries: 250,
  passages: 250,
  passagesWithoutQuery: 0,
} as const;

it.each([
  ['by the corpus, of a model', { testQueriesBy: 'model' }, '(on queries that a model wrote)'],
  ['by the corpus, of extraction', { testQueriesBy: 'extract' }, '(on queries cut out of passages)'],
  ['by the recipe', { written: { test: made } }, '(on queries that a model wrote)'],
] as const)('results say it where it is known %s', async (_, corpus, words) => {
  const studio = new Studio(() => Promise.resolve(cannedClient({})));
  const run = studio.view('captions', demoRecipe);
  writeJudgments('captions', writeJudging(judged));
  await render(RunResults, { run, report: { ...report, corpus: { ...report.corpus, ...corpus } } });
  await expect.element(page.getByRole('region', { name: 'Results on your judgments' })).toBeVisible();
  expect(captions()).toHaveLength(2);
  expect(captions().filter((caption) => !caption.includes(words))).toEqual([]);
});

it('says nothing of it where people asked the queries', async () => {
  const studio = new Studio(() => Promise.resolve(cannedClient({})));
  await render(RunResults, { run: studio.view('captions', demoRecipe), report });
  expect(captions()).toEqual([expect.stringMatching(/^250 test queries, 2239 passages\./)]);
});

it('a comparison of encoders says it', async () => {
  const on = { corpus: keptCorpus, split: 'test', encoding: {} };
  const corpus = { ...comparison.corpus, queriesBy: 'extract' } as const;
  const client = cannedClient({
    compareModels: () => Promise.resolve({ state: 'finished', comparison: { ...comparison, corpus } }),
  });
  const studio = new Studio(() => Promise.resolve(client));
  const models = new ModelsOnTrial();
  await render(ModelComparison, { models, on, studio, start: 'nano', onUse: () => undefined });
  await models.start(() => studio.client(), on);
  await vi.waitFor(() => expect(captions()).toHaveLength(1));
  expect(captions()[0]).toContain('250 queries (on queries cut out of passages), 2,239 passages.');
});
