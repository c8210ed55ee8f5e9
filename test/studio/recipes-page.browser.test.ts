import { expect, it, onTestFinished, vi } from 'vitest';
import { page } from 'vitest/browser';
import { render } from 'vitest-browser-svelte';
import FilterPanel from '../../src/studio/components/FilterPanel.svelte';
import WritingPanel from '../../src/studio/components/WritingPanel.svelte';
import RecipesPage from '../../src/studio/pages/RecipesPage.svelte';
import type { GeneratorAccess, RunEvent } from '../../src/studio/protocol.ts';
import { RecipeScreen } from '../../src/studio/state/recipe-screen.svelte.ts';
import { Studio } from '../../src/studio/state/studio.svelte.ts';
import { Theme } from '../../src/studio/state/theme.svelte.ts';
import { demoRecipe } from '../../src/studio/demo-recipe.ts';
import { opened } from '../e2e/canned-run.ts';
import { plan, replies } from '../e2e/canned-writing.ts';
import { cannedClient } from './canned-client.ts';

/** A client that plans at once, and whose run goes on until the test ends. */
function plannedClient() {
  let isRunning = false;
  let hear: (event: RunEvent) => void = () => undefined;
  const accesses: (GeneratorAccess | undefined)[] = [];
  const client = cannedClient({
    openRun: (runId, _recipe, _onEvent, access) => {
      accesses.push(access);
      return Promise.resolve({ ...opened, runId, plan });
    },
    run: (_id, _recipe, onEvent, access) => {
      accesses.push(access);
      isRunning = true;
      hear = (event) => onEvent?.(event);
      return new Promise((resolve) => onTestFinished(() => resolve({ state: 'canceled' })));
    },
  });
  /** Once the run has been asked for. */
  const tell = async (...events: RunEvent[]): Promise<void> => {
    await vi.waitFor(() => expect(isRunning).toBe(true));
    for (const event of events) hear(event);
  };
  return { client, accesses, tell };
}

async function open() {
  const planned = plannedClient();
  const studio = new Studio(() => Promise.resolve(planned.client));
  const screen = new RecipeScreen();
  await studio.open();
  await render(RecipesPage, { studio, screen, theme: new Theme() });
  await vi.waitFor(() => expect(screen.recipe).toBeDefined());
  return { ...planned, studio, screen };
}

const cost = page.getByRole('button', { name: 'See what it will cost' });
const start = page.getByRole('button', { name: 'Start', exact: true });

it('begins with a recorded recipe that runs on the demo, marked as recorded', async () => {
  const { screen } = await open();
  expect(screen.missing).toEqual([]);
  await expect.element(page.getByText('recorded', { exact: true })).toBeVisible();
  await expect.element(cost).toBeEnabled();
  await expect.element(start).toBeDisabled();
});

it('keeps the choice of an own recipe that was made before the list was there', async () => {
  const screen = new RecipeScreen();
  const opening = screen.open();
  screen.choose('own');
  await opening;
  expect(screen.shelf?.length).toBeGreaterThan(0);
  expect([screen.chosen, screen.recipe]).toEqual(['own', undefined]);
});

it('shows the cost before anything runs, then runs what was planned', async () => {
  const { tell } = await open();
  await cost.click();
  await expect.element(page.getByText('at most 1,200')).toBeVisible();
  await expect.element(page.getByText('known after its first replies')).toBeVisible();
  await start.click();
  await tell({ kind: 'opened', opened: { ...opened, plan } }, ...replies);
  await expect.element(page.getByRole('region', { name: 'What is written' })).toBeVisible();
  await expect.element(page.getByText('questions: why does bread rise')).toBeVisible();
});

it('asks for the cost again when a choice has changed', async () => {
  const { screen } = await open();
  await cost.click();
  await expect.element(start).toBeEnabled();
  screen.setGenerator('writer', { kind: 'http', address: 'http://127.0.0.1:9/v1', model: 'm' });
  await expect.element(start).toBeDisabled();
});

it('hands a key to the worker and writes it into no recipe', async () => {
  const { screen, accesses } = await open();
  await page.getByLabelText(/What writes as/).selectOptions('http');
  await page.getByLabelText('Model', { exact: true }).fill('some-model');
  await page.getByLabelText(/^Key/).fill('a-secret-key');
  await cost.click();
  await vi.waitFor(() => expect(accesses).toHaveLength(1));
  expect(accesses[0]).toEqual({ writer: { key: 'a-secret-key' } });
  expect(JSON.stringify(screen.adapted)).toContain('some-model');
  expect(JSON.stringify(screen.adapted)).not.toContain('a-secret-key');
  expect(JSON.stringify(localStorage)).not.toContain('a-secret-key');
});

it('has a field for each setting of a server, and says what is wrong with one', async () => {
  const { screen } = await open();
  await page.getByLabelText(/What writes as/).selectOptions('http');
  await expect.element(page.getByText('Texts are sent to the server at this address')).toBeVisible();
  await page.getByLabelText('Model', { exact: true }).fill('some-model');
  await page.getByText('More settings of the server').click();
  await page.getByLabelText('Deadline (seconds)').fill('60');
  const address = 'http://127.0.0.1:8000/v1';
  expect(screen.adapted?.generators).toEqual({
    writer: { kind: 'http', address, model: 'some-model', deadlineSeconds: 60 },
  });
  await expect.element(cost).toBeEnabled();
  await page.getByLabelText('Requests at the same time').fill('0');
  expect(screen.missing).toEqual(['writer: Requests at the same time: use a whole number from 1 to 1024.']);
  await expect.element(cost).toBeDisabled();
});

it('asks for the key of a server that the recipe itself names', async () => {
  const { screen, accesses } = await open();
  const served = { kind: 'http', address: 'http://127.0.0.1:9/v1', model: 'm' } as const;
  await screen.read(JSON.stringify({ ...screen.recipe, generators: { writer: served } }), 'served.json');
  await page.getByLabelText('Key for http://127.0.0.1:9/v1').fill('a-secret-key');
  await cost.click();
  await vi.waitFor(() => expect(accesses).toEqual([{ writer: { key: 'a-secret-key' } }]));
});

it('asks for the dropped file that the recipe itself names, and takes no other', async () => {
  const { screen, accesses } = await open();
  const dropped = { kind: 'wllama', model: 'some.gguf' } as const;
  await screen.read(JSON.stringify({ ...screen.recipe, generators: { writer: dropped } }), 'dropped.json');
  await expect.element(cost).toBeDisabled();
  const input = page.getByLabelText('Choose a file : Drop some.gguf here');
  await input.upload(new File(['x'], 'other.gguf'));
  await expect.element(page.getByRole('alert')).toHaveTextContent('The recipe names some.gguf.');
  await input.upload(new File(['x'], 'some.gguf'));
  await expect.element(page.getByText('some.gguf is here.')).toBeVisible();
  await cost.click();
  await vi.waitFor(() => expect(accesses[0]?.writer?.file?.name).toBe('some.gguf'));
});

it('explains CORS where a server does not answer', async () => {
  await open();
  await page.getByLabelText(/What writes as/).selectOptions('http');
  await page.getByLabelText('Address').fill('http://127.0.0.1:9/v1');
  await page.getByLabelText('Model', { exact: true }).fill('m');
  await page.getByRole('button', { name: 'Connect' }).click();
  await expect
    .element(page.getByRole('alert'))
    .toHaveTextContent(/does not allow requests from this page \(CORS\)/);
  await expect.element(page.getByRole('alert')).toHaveTextContent(/OLLAMA_ORIGINS=http/);
});

it('takes a pasted recipe, and says in place what is wrong with it', async () => {
  const { screen } = await open();
  await page.getByLabelText('Recipe', { exact: true }).selectOptions('own');
  const box = page.getByLabelText('Or paste it');
  const read = page.getByRole('button', { name: 'Read it' });
  await box.fill('{"version": 1, "name": "x"');
  await read.click();
  await expect.element(page.getByRole('alert')).toHaveTextContent(/is not valid JSON/);
  await box.fill(JSON.stringify({ ...demoRecipe, arms: [{ ...demoRecipe.arms[0], loss: 'infonze' }] }));
  await read.click();
  await expect.element(page.getByRole('alert')).toHaveTextContent(/arms\[0\]\.loss.*infonce/);
  await expect.element(page.getByRole('alert')).toHaveTextContent('What you can do');
  await expect.element(cost).toBeDisabled();
  await box.fill(JSON.stringify(demoRecipe));
  await read.click();
  await vi.waitFor(() => expect(screen.recipe?.name).toBe('demo'));
  expect(page.getByRole('alert').elements()).toEqual([]);
  await expect.element(page.getByRole('heading', { name: /^\d\. Cost$/ })).toBeVisible();
});

it('lists the models of WebLLM and says what this device lacks', async () => {
  const { screen } = await open();
  await page.getByLabelText(/What writes as/).selectOptions('webllm');
  await expect.element(page.getByText(/offers no WebGPU|This device has/)).toBeVisible();
  const choice = screen.generators.writer;
  const recommended = page.getByRole('radio').elements();
  if (recommended.length === 0) {
    await expect.element(page.getByText('None of the 161 models can run here')).toBeVisible();
    return;
  }
  expect(recommended.length).toBeLessThanOrEqual(3);
  if (choice?.kind === 'webllm') expect(choice.model).toMatch(/^Qwen3-1\.7B-q4f(16|32)/);
  await page.getByText(/^All \d+ models/).click();
  await page.getByLabelText('Search').fill('llama 1b');
  expect(page.getByLabelText(/^Model/).element().textContent).not.toContain('Phi');
});

it('shows what a model and a corpus wrote as text, and what filters did', async () => {
  const { tell, studio, screen } = await open();
  await cost.click();
  await start.click();
  await tell(...replies);
  const run = studio.keptView(screen.runId ?? '');
  if (run === undefined) throw new Error('there is no run');
  await vi.waitFor(() => expect(run.filtered).toHaveLength(1));
  await render(WritingPanel, { run });
  await render(FilterPanel, { run });
  expect(document.querySelector('main img, article img, li b')).toBeNull();
  await expect
    .element(page.getByText('<img src=x onerror="document.title = 1">').first())
    .toBeInTheDocument();
  await expect.element(page.getByText('did not fit').first()).toBeInTheDocument();
  const region = page.getByRole('region', { name: 'What the filters did' }).first();
  await expect.element(region.getByRole('row', { name: /share<=0\.95 passages 180 20 0/ })).toBeVisible();
});
