/** The screen for one's own data, on a worker that computes nothing. */
import { expect, it, onTestFinished, vi } from 'vitest';
import { page } from 'vitest/browser';
import { render } from 'vitest-browser-svelte';
import { InputError } from '../../src/core/errors.ts';
import type { Plan } from '../../src/pipeline/plan.ts';
import type { RecipeInput } from '../../src/pipeline/schema.ts';
import OwnDataPage from '../../src/studio/pages/OwnDataPage.svelte';
import { Projects } from '../../src/studio/state/project.svelte.ts';
import { Route } from '../../src/studio/state/route.svelte.ts';
import { Studio } from '../../src/studio/state/studio.svelte.ts';
import type { StudioClient } from '../../src/studio/state/studio-client.ts';
import { kept, keptCorpus, opened } from '../e2e/canned-run.ts';
import { cannedClient } from './canned-client.ts';

/** A plan of one training, which takes all but ten minutes of the seconds. */
function planOf(seconds: number, steps: number): Plan {
  const training = {
    kind: 'training',
    cost: 'training',
    label: 'training',
    key: 't',
    stored: false,
  } as const;
  const ranking = { kind: 'ranking', cost: 'encoding', label: 'search', key: 'r', stored: false } as const;
  const others = Math.min(600, seconds);
  return {
    ...opened.plan,
    seconds,
    stages: [
      { ...training, seconds: seconds - others, steps: { count: steps, seconds: seconds - others } },
      { ...ranking, seconds: others },
    ],
  };
}

async function open(plan: Plan, own: Partial<StudioClient> = {}) {
  const started: RecipeInput[] = [];
  const client = cannedClient({
    openRun: (runId) => Promise.resolve({ ...opened, runId, plan }),
    run: (_id, recipe) => {
      started.push(recipe);
      return new Promise((resolve) => onTestFinished(() => resolve({ state: 'canceled' })));
    },
    ...own,
  });
  localStorage.clear();
  location.hash = '#own-data/own-corpus-1/train';
  const studio = new Studio(() => Promise.resolve(client));
  await studio.open();
  const projects = new Projects();
  await render(OwnDataPage, { studio, route: new Route(), projects });
  return { started, ownData: projects.of(keptCorpus, kept).ownData, studio };
}

const train = page.getByRole('button', { name: 'Train', exact: true });

it('begins a training of minutes at once', async () => {
  const { started } = await open(planOf(20 * 60, 400));
  await train.click();
  await vi.waitFor(() => expect(started).toHaveLength(1));
  expect(started[0]?.training?.maxSteps).toBeUndefined();
});

it('begins with the learning rate of the encoder, and keeps one that was chosen', async () => {
  const { ownData } = await open(planOf(20 * 60, 400));
  const rate = page.getByLabelText('Learning rate');
  await expect.element(rate).toHaveValue(0.0001);
  await page.getByLabelText('Start from').selectOptions('pico');
  await expect.element(rate).toHaveValue(0.01);
  ownData.training = { ...ownData.training, learningRate: 0.02 };
  await page.getByLabelText('Start from').selectOptions('nano');
  await expect.element(rate).toHaveValue(0.02);
});

it('begins no training of hours before it is confirmed', async () => {
  const { started } = await open(planOf(6 * 3600, 6899));
  await train.click();
  await expect.element(page.getByRole('heading', { name: 'This takes about 6 h' })).toHaveFocus();
  await expect.element(page.getByText('6,899 steps on this computer')).toBeVisible();
  expect(started).toEqual([]);
  await page.getByRole('button', { name: 'Train all 6,899 steps' }).click();
  await vi.waitFor(() => expect(started).toHaveLength(1));
  expect(started[0]?.training?.maxSteps).toBeUndefined();
});

it('offers as many steps as half an hour has room for, or any other number', async () => {
  const { started } = await open(planOf(6 * 3600, 7000));
  await train.click();
  // 1,200 of the 21,000 seconds that 7,000 steps take; the rest of the half hour goes to the search.
  await expect.element(page.getByRole('button', { name: 'Train 400 steps' })).toBeVisible();
  await expect.element(page.getByText('400 steps take about 30 min')).toBeVisible();
  await page.getByLabelText('Maximum number of steps').fill('1000');
  await expect.element(page.getByText('1,000 steps take about 60 min')).toBeVisible();
  await page.getByRole('button', { name: 'Train 1,000 steps' }).click();
  await vi.waitFor(() => expect(started).toHaveLength(1));
  expect(started[0]?.training).toMatchObject({ maxSteps: 1000, epochs: 1 });
});

it('asks again when a choice has changed', async () => {
  const { started, ownData } = await open(planOf(6 * 3600, 6899));
  await train.click();
  await page.getByRole('button', { name: 'Change the settings' }).click();
  await train.click();
  await expect.element(page.getByRole('heading', { name: 'This takes about 6 h' })).toBeVisible();
  ownData.training = { ...ownData.training, epochs: 2 };
  await expect.element(train).toBeVisible();
  expect(started).toEqual([]);
});

it('says in place why a training cannot run', async () => {
  const broken = new InputError('contains no judgments', {
    file: 'qrels/train.tsv',
    remedy: 'Use another split',
  });
  const { started } = await open(planOf(60, 10), { openRun: () => Promise.reject(broken) });
  await train.click();
  await expect.element(page.getByRole('alert')).toHaveTextContent('qrels/train.tsv: contains no judgments.');
  expect(started).toEqual([]);
});

it('lists what is kept, language models with their sizes too, and deletes what is named', async () => {
  const { studio } = await open(planOf(20 * 60, 400));
  // What a training may be reading stays until it has ended.
  await train.click();
  await vi.waitFor(() => expect(studio.active).toBeDefined());
  location.hash = '#own-data';
  await expect.element(page.getByRole('button', { name: /^Delete qwen/ })).toBeDisabled();
  studio.active?.cancel();
  studio.active = undefined;

  const items = page.getByRole('list', { name: 'Also kept in this browser' }).getByRole('listitem');
  await expect.element(items.nth(0)).toHaveTextContent('language model, for recipes, 351.2 MB');
  await expect.element(items.nth(1)).toHaveTextContent('language model, for recipes, 491.4 MB');
  await page.getByRole('button', { name: 'Delete Qwen3-0.6B-q4f16_1-MLC' }).click();
  await vi.waitFor(() => expect(items.elements()).toHaveLength(1));
  await expect.element(items.nth(0)).toHaveTextContent('qwen2.5-0.5b-instruct-q4_k_m.gguf');
});

it('trains on all negatives where the field that offers them is left empty', async () => {
  const { started } = await open(planOf(20 * 60, 400));
  const negatives = page.getByRole('spinbutton', { name: 'Negatives', exact: true });
  await expect.element(negatives).toHaveValue(5);
  await expect
    .element(negatives)
    .toHaveAccessibleDescription(/all negatives of the list\. Leave empty for all\./);
  await negatives.fill('');
  await expect.element(negatives).toHaveAttribute('placeholder', 'all');
  await train.click();
  await vi.waitFor(() => expect(started).toHaveLength(1));
  expect(started[0]?.training?.batches?.negatives ?? 'all').toBe('all');
});
