import { beforeEach, describe, expect, it, onTestFinished, vi } from 'vitest';
import { tick } from 'svelte';
import { page, userEvent } from 'vitest/browser';
import { render } from 'vitest-browser-svelte';
import FilterPanel from '../../src/studio/components/FilterPanel.svelte';
import WritingPanel from '../../src/studio/components/WritingPanel.svelte';
import RecipesPage from '../../src/studio/pages/RecipesPage.svelte';
import type { GeneratorAccess, RunEvent } from '../../src/studio/protocol.ts';
import type { Plan } from '../../src/pipeline/plan.ts';
import type { RecipeInput } from '../../src/pipeline/schema.ts';
import { RecipeDrafts } from '../../src/studio/state/recipe-drafts.svelte.ts';
import { RecipeScreen } from '../../src/studio/state/recipe-screen.svelte.ts';
import { Route } from '../../src/studio/state/route.svelte.ts';
import { Studio } from '../../src/studio/state/studio.svelte.ts';
import { Theme } from '../../src/studio/state/theme.svelte.ts';
import { demoRecipe } from '../../src/studio/demo-recipe.ts';
import { opened } from '../e2e/canned-run.ts';
import { plan, replies } from '../e2e/canned-writing.ts';
import { cannedClient } from './canned-client.ts';
import paperADocument from '../../recipes/paper-a.json';

const paperA = paperADocument as unknown as RecipeInput;

/** A client that plans at once, and whose run goes on until the test ends. */
function plannedClient(told: Plan) {
  let isRunning = false;
  let hear: (event: RunEvent) => void = () => undefined;
  const accesses: (GeneratorAccess | undefined)[] = [];
  const client = cannedClient({
    openRun: (runId, _recipe, _onEvent, access) => {
      accesses.push(access);
      return Promise.resolve({ ...opened, runId, plan: told });
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

/** Draws the screen at an address. */
async function draw(item: string | undefined, told: Plan = plan) {
  location.hash = item === undefined ? '#recipes' : `#recipes/${item}`;
  const planned = plannedClient(told);
  const studio = new Studio(() => Promise.resolve(planned.client));
  const screen = new RecipeScreen(new RecipeDrafts());
  const route = new Route();
  await studio.open();
  await render(RecipesPage, { studio, screen, route, theme: new Theme() });
  return { ...planned, studio, screen, route };
}

async function open(item = 'paper-a', told: Plan = plan) {
  const drawn = await draw(item, told);
  await vi.waitFor(() => expect(drawn.screen.recipe).toBeDefined());
  return drawn;
}

/** The recipe as a draft of the user's own. */
async function openDraftOf(recipe: RecipeInput) {
  const { id } = new RecipeDrafts().ofText(JSON.stringify(recipe));
  return open(id);
}

beforeEach(() => localStorage.clear());

const cost = page.getByRole('button', { name: 'See what it will cost' });
const start = page.getByRole('button', { name: 'Start', exact: true });

it('opens a recorded recipe that runs on the demo, marked as recorded', async () => {
  const { screen } = await open();
  expect(screen.missing).toEqual([]);
  await expect.element(page.getByText('recorded', { exact: true })).toBeVisible();
  await expect.element(cost).toBeEnabled();
  await expect.element(start).toBeDisabled();
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
  const served = { kind: 'http', address: 'http://127.0.0.1:9/v1', model: 'm' } as const;
  const { accesses } = await openDraftOf({ ...paperA, generators: { writer: served } });
  await page.getByLabelText('Key for http://127.0.0.1:9/v1').fill('a-secret-key');
  await cost.click();
  await vi.waitFor(() => expect(accesses).toEqual([{ writer: { key: 'a-secret-key' } }]));
});

it('asks for the dropped file that the recipe itself names, and takes no other', async () => {
  const dropped = { kind: 'wllama', model: 'some.gguf' } as const;
  const { accesses } = await openDraftOf({ ...paperA, generators: { writer: dropped } });
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

const json = page.getByLabelText('The recipe as JSON');

it('takes a pasted recipe, and says in place what is wrong with it', async () => {
  const { screen } = await draw(undefined);
  await page.getByRole('button', { name: 'Paste or write JSON' }).click();
  await json.fill('{"version": 1, "name": "x"');
  await expect.element(page.getByRole('alert')).toHaveTextContent(/is not valid JSON/);
  await json.fill(JSON.stringify({ ...demoRecipe, arms: [{ ...demoRecipe.arms[0], loss: 'infonze' }] }));
  await expect.element(page.getByRole('alert')).toHaveTextContent(/arms\[0\]\.loss.*infonce/);
  await expect.element(page.getByRole('alert')).toHaveTextContent('What you can do');
  await json.fill(JSON.stringify(demoRecipe));
  await vi.waitFor(() => expect(screen.recipe?.name).toBe('demo'));
  await vi.waitFor(() => expect(page.getByRole('alert').elements()).toEqual([]));
  await expect.element(page.getByRole('heading', { name: 'Cost', exact: true })).toBeVisible();
});

it('keeps the choices for a recipe while the shelf or another screen is looked at, and none for another', async () => {
  const { screen, route } = await open();
  const generator = { kind: 'http', address: 'http://127.0.0.1:9/v1', model: 'm' } as const;
  screen.setGenerator('writer', generator);
  await cost.click();
  await vi.waitFor(() => expect(screen.runId).toBeDefined());
  const { runId } = screen;
  for (const [elsewhere, ...parts] of [['recipes'], ['results', 'demo']] as const) {
    route.go(elsewhere, ...parts);
    await tick();
    route.go('recipes', 'paper-a');
    await tick();
    expect([screen.generators.writer, screen.runId]).toEqual([generator, runId]);
  }
  route.go('recipes', 'paper-c');
  await tick();
  expect([screen.generators.writer, screen.runId]).toEqual([undefined, undefined]);
});

it('takes what was chosen for a recipe into its draft', async () => {
  const { screen } = await open();
  const generator = { kind: 'http', address: 'http://127.0.0.1:9/v1', model: 'm' } as const;
  screen.setGenerator('writer', generator);
  await page.getByRole('button', { name: 'Change this recipe' }).click();
  await expect.element(json).toHaveValue(expect.stringContaining('http://127.0.0.1:9/v1') as string);
  await expect.element(page.getByText(/^Differs from paper-a: generators\.writer/)).toBeVisible();
});

describe('the shelf', () => {
  it('has a card for each recipe, with its question, what it takes and where texts come from', async () => {
    await draw(undefined);
    const card = page.getByRole('listitem').filter({ hasText: 'Paper C: diverse queries and a teacher' });
    await expect
      .element(card.first())
      .toHaveTextContent('Do written queries and a teacher beat contrastive training?');
    for (const fact of [
      '12 trainings of at most 12 steps',
      'Demo corpus',
      'Generations recorded',
      'paper-c',
    ]) {
      await expect.element(card.first()).toHaveTextContent(fact);
    }
    expect(card.first().element().textContent).not.toMatch(/\d (s|min|h)\b/);
  });

  it.each([
    ['tells a time once a plan on this computer has', false, ['About 5 min on this computer']],
    ['tells none where a language model takes a time that nobody knows', true, []],
  ])('%s', async (_, timeIsUnknown, told) => {
    const stage = { kind: 'training', label: 'a training', cost: 'training', key: 'a', stored: false };
    await open('paper-a', { ...plan, stages: [{ ...stage, seconds: 290, timeIsUnknown }], seconds: 290 });
    await cost.click();
    await expect.element(start).toBeEnabled();
    location.hash = '#recipes';
    await expect.element(page.getByRole('heading', { name: 'Recipes', exact: true })).toHaveFocus();
    const times = page.getByText('on this computer').elements();
    expect(times.map((element) => element.textContent)).toEqual(told);
  });

  it('keeps drafts over a reload, with what differs, until they are deleted', async () => {
    await draw(undefined);
    await page.getByRole('button', { name: 'Change paper-c', exact: true }).click();
    await expect.element(page.getByRole('heading', { level: 1 })).toHaveFocus();
    await page.getByLabelText('Seeds').fill('1, 2');
    await expect.element(page.getByText('Differs from paper-c: seeds 1 → 1, 2.')).toBeVisible();
    const { hash } = location;

    // As a page that was loaded anew.
    const drafts = new RecipeDrafts();
    expect(`#recipes/${drafts.list[0]?.id}`).toBe(hash);
    const { studio } = await draw(undefined);
    await expect.element(page.getByText('Differs from paper-c: seeds 1 → 1, 2.').last()).toBeVisible();
    await page
      .getByRole('button', { name: /^Delete Paper C/ })
      .last()
      .click();
    expect(studio.deletions.pending?.id).toBe(drafts.list[0]?.id);
    await expect.element(page.getByRole('heading', { name: 'Recipes', exact: true }).last()).toBeVisible();
    // Another deletion makes it final.
    studio.deletions.ask({ id: 'x', name: 'x', commit: () => Promise.resolve() });
    await vi.waitFor(() => expect(new RecipeDrafts().list).toEqual([]));
  });

  it('says so where an address names nothing', async () => {
    await draw('no-such-recipe');
    await expect.element(page.getByText('There is no recipe and no draft of this name')).toBeVisible();
  });
});

describe('the form', () => {
  async function change() {
    const { id } = new RecipeDrafts().of(paperA, 'paper-a');
    const opened = await open(id);
    await expect.element(json).toBeVisible();
    return opened;
  }

  it('writes what is typed in it into the JSON, and marks it', async () => {
    const { screen } = await change();
    await page.getByLabelText('Learning rate', { exact: true }).fill('1e-4');
    await expect
      .element(json)
      .toHaveValue(
        JSON.stringify({ ...paperA, training: { ...paperA.training, learningRate: 1e-4 } }, null, 2),
      );
    await expect.element(page.getByText('changed, was 3e-4')).toBeVisible();
    await expect.element(page.getByText('Differs from paper-a: learning rate 3e-4 → 1e-4.')).toBeVisible();
    await page.getByLabelText('Learning rate', { exact: true }).fill('much');
    await expect.element(page.getByText('Use a number above 0 and up to 1000.')).toBeVisible();
    expect(screen.recipe?.training?.learningRate).toBe(1e-4);
  });

  it('follows the JSON, and stays at the last valid recipe while there is none', async () => {
    const { screen } = await change();
    await json.fill(JSON.stringify({ ...paperA, seeds: [4] }));
    await expect.element(page.getByLabelText('Seeds')).toHaveValue('4');
    await json.fill(JSON.stringify({ ...paperA, sedes: [5] }));
    await expect
      .element(page.getByRole('alert'))
      .toHaveTextContent('sedes: unknown setting (did you mean "seeds"?)');
    await expect.element(page.getByLabelText('Seeds')).toHaveValue('4');
    await expect.element(page.getByLabelText('Seeds')).toBeDisabled();
    await expect.element(cost).toBeDisabled();
    await page.getByRole('button', { name: 'Discard this JSON' }).click();
    await expect.element(page.getByLabelText('Seeds')).toBeEnabled();
    expect(screen.recipe?.seeds).toEqual([4]);
  });

  it('keeps invalid JSON and the form over a reload', async () => {
    await change();
    const text = JSON.stringify({ ...paperA, seeds: 'x' });
    await json.fill(text);
    await expect.element(page.getByRole('alert')).toHaveTextContent('seeds');
    const [kept] = new RecipeDrafts().list;
    expect(kept?.text).toBe(text);
    expect(kept?.recipe?.seeds).toEqual([1]);
  });

  it('changes, copies and deletes arms, with the focus in what changed', async () => {
    const { screen } = await change();
    const first = paperA.arms[0]?.name ?? '';
    await page.getByRole('button', { name: `Duplicate ${first}`, exact: true }).click();
    await expect.element(page.getByLabelText('Name', { exact: true }).last()).toHaveFocus();
    await userEvent.keyboard('hotter');
    await page.getByLabelText('Temperature', { exact: true }).fill('0.5');
    expect(screen.recipe?.arms[1]).toEqual({
      ...paperA.arms[0],
      name: 'hotter',
      loss: expect.stringContaining('temperature=0.5') as string,
    });
    await page.getByRole('button', { name: 'Delete hotter', exact: true }).click();
    const isFocused = () => document.activeElement?.textContent.includes(`Arms (${paperA.arms.length})`);
    await vi.waitFor(() => expect(isFocused()).toBe(true));
    expect(screen.recipe?.arms).toEqual(paperA.arms);
  });

  it('shows losses and rules in words, and names what only the JSON has', async () => {
    await openDraftOf({ ...paperA, filters: { strict: ['share<=0.95'] } });
    await expect
      .element(page.getByText(/^InfoNCE \(multiple negatives ranking\) · temperature 0.05/).first())
      .toBeVisible();
    await page.getByText('Filters', { exact: true }).click();
    await expect
      .element(page.getByText("Keeps passages whose teacher score is at most 0.95 times the positive's"))
      .toBeVisible();
    await page.getByLabelText('Threshold of share').fill('0.9');
    await expect.element(json).toHaveValue(expect.stringContaining('share<=0.9"') as string);
    await expect.element(page.getByText(/^Also set, in the JSON only: .*sources/)).toBeVisible();
  });

  it('asks for another corpus than one that is not here', async () => {
    const { screen } = await openDraftOf({ ...paperA, corpus: { folder: 'elsewhere', dev: null } });
    await expect.element(page.getByText('“elsewhere” is not kept in this browser')).toBeVisible();
    await page.getByRole('combobox', { name: 'Corpus', exact: true }).selectOptions('own-corpus-1');
    expect(screen.recipe?.corpus).toEqual({ folder: 'own-corpus-1', dev: null });
    await expect.element(json).toHaveValue(expect.stringContaining('own-corpus-1') as string);
  });

  it('says how much of it is computed already', async () => {
    const { screen, studio } = await change();
    await cost.click();
    await vi.waitFor(() => expect(screen.runId).toBeDefined());
    const run = studio.keptView(screen.runId ?? '');
    if (run?.opened === undefined) throw new Error('there is no plan');
    const stage = { kind: 'training', label: 'a training', cost: 'training' };
    const stages = [
      { ...stage, key: 'a', stored: false, seconds: 300 },
      { ...stage, key: 'b', stored: true, seconds: 0 },
    ];
    run.opened = { ...run.opened, plan: { ...run.opened.plan, stages, seconds: 300 } };
    const all = paperA.arms.length;
    await expect
      .element(
        page.getByText(`${all - 1} of ${all} trainings are already computed; the rest takes about 5 min.`),
      )
      .toBeVisible();
  });
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
