/** The step in which a training is chosen, on a worker that computes nothing. */
import { expect, it, onTestFinished, vi } from 'vitest';
import { page, userEvent } from 'vitest/browser';
import { render } from 'vitest-browser-svelte';
import { InputError } from '../../src/core/errors.ts';
import type { Budget } from '../../src/pipeline/budget.ts';
import type { DataFacts } from '../../src/pipeline/data-facts.ts';
import type { PlannedTraining } from '../../src/pipeline/planner.ts';
import type { RecipeInput } from '../../src/pipeline/schema.ts';
import OwnDataPage from '../../src/studio/pages/OwnDataPage.svelte';
import { Projects } from '../../src/studio/state/project.svelte.ts';
import { Route } from '../../src/studio/state/route.svelte.ts';
import { Studio } from '../../src/studio/state/studio.svelte.ts';
import type { StudioClient } from '../../src/studio/state/studio-client.ts';
import { planned } from '../e2e/canned-plan.ts';
import { kept, keptCorpus } from '../e2e/canned-run.ts';
import { cannedClient } from './canned-client.ts';

/** @param own what the worker answers otherwise */
async function open(own: Partial<StudioClient> = {}, corpus = keptCorpus) {
  const started: RecipeInput[] = [];
  const asked: { recipe: RecipeInput; budget: Budget; signal: AbortSignal }[] = [];
  const { planTraining, ...others } = own;
  const client = cannedClient({
    kept: () => Promise.resolve([corpus, ...kept.slice(1)]),
    run: (_id, recipe) => {
      started.push(recipe);
      return new Promise((resolve) => onTestFinished(() => resolve({ state: 'canceled' })));
    },
    planTraining: (recipe, budget, signal, tell) => {
      asked.push({ recipe, budget, signal });
      return planTraining?.(recipe, budget, signal, tell) ?? Promise.resolve(planned);
    },
    ...others,
  });
  localStorage.clear();
  location.hash = `#own-data/${corpus.id}/train`;
  const studio = new Studio(() => Promise.resolve(client));
  await studio.open();
  const projects = new Projects();
  await render(OwnDataPage, { studio, route: new Route(), projects });
  return { started, asked, ownData: projects.of(corpus, kept).ownData, studio };
}

const train = page.getByRole('button', { name: 'Train', exact: true });
const facts = (own: Partial<DataFacts> = {}) => ({
  dataFacts: () => Promise.resolve({ ...planned.facts, ...own }),
});
const plan = (own: Partial<PlannedTraining>) => ({
  planTraining: () => Promise.resolve({ ...planned, ...own }),
});

it('says what a training takes before it is asked for, and trains within five minutes unless told otherwise', async () => {
  const { started, asked } = await open();
  await expect
    .element(
      page.getByText(
        '2,590 train queries, 110,575 judged pairs: 6,899 steps of 16, about 6 h on this computer.',
      ),
    )
    .toBeVisible();
  await expect.element(page.getByRole('radio', { name: /^about 5 minutes/ })).toBeChecked();
  await expect
    .element(page.getByText('97 of 6,899 steps, 1,552 rows drawn evenly over queries, about 5 min'))
    .toBeVisible();
  await expect.element(train).toBeEnabled();
  await train.click();
  await vi.waitFor(() => expect(started).toHaveLength(1));
  expect(asked[0]?.budget).toEqual({ seconds: 300 });
  expect(started[0]?.training).toMatchObject({ maxSteps: 97, batches: { batchSize: 16, rowPer: 'list' } });
});

it('plans each change anew, once for what is typed in one go, and ends the older question', async () => {
  let answer: (() => void) | undefined;
  const { asked } = await open({
    planTraining: () => new Promise((resolve) => (answer = () => resolve(planned))),
  });
  await vi.waitFor(() => expect(asked).toHaveLength(1));
  await expect.element(train).toBeDisabled();
  answer?.();
  await expect.element(train).toBeEnabled();
  const epochs = page.getByLabelText('Epochs');
  await epochs.fill('');
  await userEvent.type(epochs, '12');
  await vi.waitFor(() => expect(asked.at(-1)?.recipe.training?.epochs).toBe(12));
  expect(asked.length).toBeLessThanOrEqual(3);
  const before = asked.length;
  await page.getByRole('radio', { name: /^about 20 minutes/ }).click();
  await vi.waitFor(() => expect(asked).toHaveLength(before + 1));
  expect(asked.at(-1)?.budget).toEqual({ seconds: 1200 });
  expect(asked.at(-2)?.signal.aborted).toBe(true);
  expect(asked.at(-1)?.signal.aborted).toBe(false);
  // The plan of other choices is nothing to train by.
  await expect.element(train).toBeDisabled();
});

it('takes a number of steps, or all of them', async () => {
  const { asked } = await open();
  await page.getByRole('radio', { name: 'a number of steps' }).click();
  await page.getByRole('spinbutton', { name: 'Steps', exact: true }).fill('250');
  await vi.waitFor(() => expect(asked.at(-1)?.budget).toEqual({ steps: 250 }));
  await page.getByRole('radio', { name: 'one full pass' }).click();
  await vi.waitFor(() => expect(asked.at(-1)?.budget).toBe('full'));
  await page.getByRole('radio', { name: 'one per query' }).click();
  await vi.waitFor(() => expect(asked.at(-1)?.recipe.training?.batches?.rowPer).toBe('list'));
});

it('fills the form with what it proposes for judged queries, and says why', async () => {
  const { started } = await open(facts());
  await expect.element(page.getByText(/^Judged queries with mined negatives · Encoder pico/)).toBeVisible();
  await expect.element(page.getByLabelText('Start from')).toHaveValue('pico');
  await page.getByText('Why?').click();
  await expect.element(page.getByText(/needs no GPU/)).toBeVisible();
  // Nothing else was to be decided.
  await train.click();
  await vi.waitFor(() => expect(started).toHaveLength(1));
  expect(started[0]).toMatchObject({ encoder: { model: 'pico' }, corpus: { train: 'train', test: 'test' } });
});

it('proposes queries from the texts where there are none, with a teacher of the hub, which nobody has asked yet', async () => {
  const texts = { ...keptCorpus, id: 'texts-1', splits: [] };
  const { started, ownData } = await open(facts({ train: null, test: null }), texts);
  await expect.element(page.getByText(/^Queries cut out of the passages · Encoder pico/)).toBeVisible();
  await expect
    .element(page.getByLabelText('Its name on the hub'))
    .toHaveValue('sentence-transformers/all-MiniLM-L6-v2');
  await train.click();
  await vi.waitFor(() => expect(started).toHaveLength(1));
  expect(started[0]).toMatchObject({
    corpus: { train: null, dev: { heldOut: 'lists' }, test: { heldOut: 'lists' } },
    generators: { extracts: { kind: 'extract' } },
    teacher: { model: 'sentence-transformers/all-MiniLM-L6-v2' },
  });
  expect(ownData.isProposed).toBe(true);
});

it('leaves what was chosen as it is, and offers the proposal', async () => {
  let tell: ((answer: Awaited<ReturnType<StudioClient['dataFacts']>>) => void) | undefined;
  const { ownData } = await open({ dataFacts: () => new Promise((resolve) => (tell = resolve)) });
  await page.getByLabelText('Epochs').fill('7');
  tell?.(planned.facts);
  await expect.element(page.getByText('Proposed for this data:')).toBeVisible();
  expect(ownData.training.epochs).toBe(7);
  await page.getByRole('button', { name: 'Use the proposal' }).click();
  await expect.element(page.getByText('Chosen for this data:')).toBeVisible();
  expect(ownData.training.epochs).not.toBe(7);
});

it('warns of batches that cannot be filled and of texts that are cut, each with a button that mends it', async () => {
  const { ownData } = await open(plan({ rows: 48, batches: { filled: 2, better: 8 }, testQueries: 300 }));
  ownData.encoding = { ...ownData.encoding, passageMaxLength: 128 };
  const warnings = page.getByRole('list', { name: 'Before you train' });
  await expect.element(warnings).toHaveTextContent('Only 2 batches of 16 can be filled');
  await page.getByRole('button', { name: 'Use 8' }).click();
  expect(ownData.training.batches?.batchSize).toBe(8);
  await expect.element(warnings).toHaveTextContent(/90% of the passages are longer than 128 tokens/);
  await page.getByRole('button', { name: 'Use 256' }).click();
  expect(ownData.encoding.passageMaxLength).toBe(256);
});

it('says that a model learns nothing from itself', async () => {
  const { ownData } = await open();
  ownData.loss = 'kl';
  ownData.teacher = 'nano';
  await expect.element(page.getByText(/learns nothing from itself/)).toBeVisible();
  await page.getByRole('button', { name: 'Use all-MiniLM-L6-v2' }).click();
  expect(ownData.teacher).toBe('sentence-transformers/all-MiniLM-L6-v2');
});

it('leads on where judged queries are missing', async () => {
  const { ownData } = await open({}, { ...keptCorpus, id: 'tested-1', splits: ['test'] });
  ownData.lists = { kind: 'mined' };
  await expect.element(page.getByText(/has no judged queries to train on/)).toBeVisible();
  await expect.element(train).toBeDisabled();
  await expect
    .element(page.getByRole('link', { name: 'Write queries' }))
    .toHaveAttribute('href', '#own-data/tested-1/write');
  await page.getByRole('button', { name: 'Cut queries out of the passages' }).click();
  await expect.element(train).toBeEnabled();
});

it('begins with the learning rate of the encoder, and keeps one that was chosen', async () => {
  const { ownData } = await open();
  const rate = page.getByRole('spinbutton', { name: 'Learning rate' });
  await expect.element(rate).toHaveValue(0.0001);
  await page.getByLabelText('Start from').selectOptions('pico');
  await expect.element(rate).toHaveValue(0.01);
  ownData.training = { ...ownData.training, learningRate: 0.02 };
  await page.getByLabelText('Start from').selectOptions('nano');
  await expect.element(rate).toHaveValue(0.02);
});

it('says in place why a training cannot run', async () => {
  const broken = new InputError('contains no judgments', {
    file: 'qrels/train.tsv',
    remedy: 'Use another split',
  });
  await open({ planTraining: () => Promise.reject(broken) });
  await expect.element(page.getByRole('alert')).toHaveTextContent('qrels/train.tsv: contains no judgments.');
  await expect.element(train).toBeDisabled();
});

it('lists what is kept, language models with their sizes too, and deletes what is named', async () => {
  const { studio } = await open();
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
  const { started } = await open();
  const negatives = page.getByRole('spinbutton', { name: 'Negatives', exact: true });
  await expect.element(negatives).toHaveValue(5);
  await expect
    .element(negatives)
    .toHaveAccessibleDescription(/all negatives of the list\. Leave empty for all\./);
  await negatives.fill('');
  await expect.element(negatives).toHaveAttribute('placeholder', 'all');
  await expect.element(train).toBeEnabled();
  await train.click();
  await vi.waitFor(() => expect(started).toHaveLength(1));
  expect(started[0]?.training?.batches?.negatives ?? 'all').toBe('all');
});

it('makes a grid of losses, learning rates and seeds', async () => {
  const { asked } = await open();
  await page.getByText('Advanced').click();
  await page.getByRole('checkbox', { name: 'ListNet' }).click();
  await page.getByLabelText('Learning rates to choose from').fill('0.003, 0.01');
  await page.getByLabelText('Repeats').fill('3');
  await vi.waitFor(() =>
    expect(asked.at(-1)?.recipe).toMatchObject({
      seeds: [1, 2, 3],
      tuning: { learningRates: [0.003, 0.01] },
      arms: [{ loss: expect.stringMatching(/^listnet/) as unknown }, { loss: 'infonce' }],
    }),
  );
});
