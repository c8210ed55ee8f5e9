/** A project on the screen for own data: its steps, their addresses and what is remembered of them. */
import { describe, expect, it, vi } from 'vitest';
import { page } from 'vitest/browser';
import { render } from 'vitest-browser-svelte';
import { InputError } from '../../src/core/errors.ts';
import OwnDataPage from '../../src/studio/pages/OwnDataPage.svelte';
import type { KeptItem } from '../../src/studio/protocol.ts';
import { Projects } from '../../src/studio/state/project.svelte.ts';
import { Route } from '../../src/studio/state/route.svelte.ts';
import { Studio } from '../../src/studio/state/studio.svelte.ts';
import type { StudioClient } from '../../src/studio/state/studio-client.ts';
import { kept, keptCorpus, runs } from '../e2e/canned-run.ts';
import { cannedClient } from './canned-client.ts';

const judged = {
  ...keptCorpus,
  counts: {
    passages: 2239,
    queries: 325,
    splits: { test: { queries: 25, judgments: 30 }, train: { queries: 300, judgments: 300 } },
  },
};

/** A visit: what an earlier one left in the browser is still there. */
async function visit(hash: string, own: Partial<StudioClient> = {}, projects = new Projects()) {
  location.hash = hash;
  const client = cannedClient({ kept: () => Promise.resolve([judged, ...kept.slice(1)]), ...own });
  const studio = new Studio(() => Promise.resolve(client));
  await studio.open();
  const screen = await render(OwnDataPage, { studio, route: new Route(), projects });
  return { studio, leave: () => screen.unmount() };
}

const steps = page.getByRole('navigation', { name: 'Steps' });
const step = (name: string) => steps.getByRole('link', { name: new RegExp(`^\\d ${name}`) });
const heading = (name: string) => page.getByRole('heading', { level: 2, name, exact: true });

it('begins with the kept projects: what they hold, what was made with them', async () => {
  localStorage.clear();
  const own = runs.filter(({ recipe }) => recipe.corpus.folder === judged.id);
  const finished = own.map((run) => ({ ...run, runId: 'own-2', state: 'finished', best: 0.5748 }) as const);
  await visit('#own-data', { runs: () => Promise.resolve([...runs, ...finished]) });
  const card = page.getByRole('list', { name: 'Your projects' }).getByRole('listitem').first();
  await expect.element(card).toHaveTextContent('2,239 passages, 325 queries');
  await expect.element(card).toHaveTextContent('2 trainings, best 0.575 · 2.0 MB');
  await card.getByRole('link', { name: 'Open own corpus' }).click();
  await expect.element(heading('Data')).toHaveFocus();
  await expect.element(step('Results')).toHaveTextContent('2 trainings, best 0.575');
});

it('says what is taken of what people have', async () => {
  await visit('#own-data');
  for (const [answer, taken] of [
    ['Texts only', /Texts become passages/],
    ['Texts and questions', /fifth of the questions becomes the test/],
    ['A benchmark', /with its own splits/],
    ['Training lists', /become a project of their own passages/],
  ] as const) {
    await page.getByRole('radio', { name: answer }).click();
    await expect.element(page.getByText(taken)).toBeVisible();
  }
});

it('has an address for each step, whose heading gets the focus', async () => {
  localStorage.clear();
  await visit('#own-data/own-corpus-1/results');
  await expect.element(step('Results')).toHaveAttribute('aria-current', 'step');
  await expect
    .element(page.getByRole('link', { name: 'own corpus' }))
    .toHaveAttribute('href', '#results/own-1');
  for (const name of ['Train', 'Write and check', 'Data', 'Results']) {
    await step(name).click();
    await expect.element(heading(name)).toHaveFocus();
    await expect.element(step(name)).toHaveAttribute('aria-current', 'step');
  }
  await expect.element(step('Write and check')).toHaveTextContent('Skipped: it has judgments');
  history.back();
  await expect.element(heading('Data')).toHaveFocus();
});

it('keeps the choices of each project, and the step, for the next visit', async () => {
  localStorage.clear();
  const other = { ...judged, id: 'other-1', name: 'other' };
  const own = { kept: () => Promise.resolve([judged, other]) };
  const first = await visit('#own-data/own-corpus-1/train', own);
  await page.getByLabelText('Start from').selectOptions('pico');
  await page.getByLabelText('Loss', { exact: true }).selectOptions('kl');
  await page.getByLabelText('Epochs').fill('7');
  await first.leave();

  const second = await visit('#own-data', own);
  await page.getByRole('link', { name: 'Open other' }).click();
  await step('Train').click();
  await expect.element(page.getByLabelText('Start from')).toHaveValue('nano');
  await page.getByRole('link', { name: 'All projects' }).click();
  // Where the user was.
  await page.getByRole('link', { name: 'Open own corpus' }).click();
  await expect.element(heading('Train')).toHaveFocus();
  await expect.element(page.getByLabelText('Start from')).toHaveValue('pico');
  await expect.element(page.getByLabelText('Loss', { exact: true })).toHaveValue('kl');
  await expect.element(page.getByLabelText('Epochs')).toHaveValue(7);
  await second.leave();
});

it('works on after the user has looked at another screen', async () => {
  localStorage.clear();
  const projects = new Projects();
  const { leave } = await visit('#own-data/own-corpus-1/train', {}, projects);
  await expect.element(page.getByText('choose a teacher model')).not.toBeInTheDocument();
  await leave();
  await visit('#own-data/own-corpus-1/train', {}, projects);
  await page.getByLabelText('Loss', { exact: true }).selectOptions('kl');
  await expect.element(page.getByText('choose a teacher model')).toBeVisible();
  await expect.element(step('Train')).toHaveTextContent('Choices are missing');
});

it('begins anew with choices that cannot be read, and with what is no longer kept', async () => {
  localStorage.clear();
  const choices = { encoder: 'gone-12345678', loss: 'gone', seed: 9, lists: { kind: 'kept-file', id: 'x' } };
  localStorage.setItem('retriever-studio.project.own-corpus-1.choices', JSON.stringify(choices));
  const { leave } = await visit('#own-data/own-corpus-1/train');
  await expect.element(page.getByLabelText('Start from')).toHaveValue('nano');
  await expect.element(page.getByLabelText('Training lists')).toHaveValue('mined');
  await expect.element(page.getByLabelText('Seed')).toHaveValue(9);
  await leave();
  localStorage.setItem('retriever-studio.project.own-corpus-1.choices', '{');
  await visit('#own-data/own-corpus-1/train');
  await vi.waitFor(() => expect(page.getByLabelText('Start from').elements()).toHaveLength(1));
});

it('says so where there is no such project', async () => {
  await visit('#own-data/gone-12345678/train');
  await expect.element(page.getByText('There is no project of this name in this browser.')).toBeVisible();
});

describe('what is dropped', () => {
  const item = (name: string, kind: KeptItem['kind']): KeptItem => ({
    ...{ id: `${name}-1`, name, kind, bytes: 1000, splits: [], listFiles: [], keptAt: '' },
  });
  const mini = item('MiniLM', 'model');
  const lists = item('lists', 'lists');

  /** A worker that keeps what is dropped by its name, and refuses what is broken. */
  function keeping(...known: readonly KeptItem[]): Partial<StudioClient> {
    const now: KeptItem[] = [judged];
    return {
      kept: () => Promise.resolve([...now]),
      previewImport: (items) =>
        items.some((each) => each instanceof File && each.name === 'broken')
          ? Promise.reject(new InputError('is empty', { file: 'broken', remedy: 'Use another' }))
          : Promise.resolve({ ready: items.map((_, i) => i), preview: undefined }),
      keep: (dropped) => {
        const found = known.find(({ name }) => dropped instanceof File && dropped.name === name);
        if (found === undefined)
          return Promise.reject(new InputError('is no corpus', { remedy: 'Use another' }));
        now.push(found);
        return Promise.resolve(found);
      },
    };
  }

  function drop(...names: readonly string[]): void {
    const dataTransfer = new DataTransfer();
    for (const name of names) dataTransfer.items.add(new File(['text'], name));
    document
      .querySelector('h1')
      ?.dispatchEvent(new DragEvent('drop', { bubbles: true, cancelable: true, dataTransfer }));
  }

  it('as an encoder becomes student or teacher when the user says so', async () => {
    localStorage.clear();
    await visit('#own-data/own-corpus-1/train', keeping(mini));
    drop('MiniLM');
    await page.getByRole('button', { name: 'Use as teacher : MiniLM' }).click();
    await expect.element(page.getByText('It is the teacher of this project')).toBeVisible();
    await expect.element(page.getByLabelText('Start from')).toHaveValue('nano');
    await page.getByRole('button', { name: 'Use as student : MiniLM' }).click();
    await expect.element(page.getByLabelText('Start from')).toHaveValue('MiniLM-1');
    await expect.element(page.getByText('A model learns nothing from itself.')).toBeVisible();
  });

  it('as lists is compared with the corpus before it is used', async () => {
    localStorage.clear();
    await visit('#own-data/own-corpus-1/train', keeping(lists));
    drop('lists');
    await expect
      .element(page.getByText(/20 lists\. 3 of 40 passages are in this corpus\. The lists may be/))
      .toBeVisible();
    await expect.element(page.getByLabelText('Training lists')).toHaveValue('mined');
    await page.getByRole('button', { name: 'Use these lists' }).click();
    await expect.element(page.getByLabelText('Training lists')).toHaveValue('kept:lists-1');
  });

  it('as lists alone becomes a project that trains on them', async () => {
    localStorage.clear();
    const made = { ...judged, id: 'lists-2', name: 'lists', listFiles: ['lists.jsonl'] };
    const own = keeping(lists);
    const all = own.kept;
    await visit('#own-data', {
      ...own,
      kept: async () => [...((await all?.()) ?? []), made],
      corpusOfLists: () => Promise.resolve(made),
    });
    drop('lists');
    // The lists can be used so later, too.
    await page.getByRole('button', { name: 'Close' }).click();
    const row = page.getByRole('list', { name: 'Also kept in this browser' });
    await row.getByRole('button', { name: 'Make a project of them' }).click();
    await expect.element(heading('Data')).toHaveFocus();
    await step('Train').click();
    await expect.element(page.getByLabelText('Training lists')).toHaveValue('corpus:lists.jsonl');
  });

  it('together is told of in one list, and one that is broken keeps no other out', async () => {
    localStorage.clear();
    await visit('#own-data', keeping(mini, lists));
    drop('MiniLM', 'broken', 'lists', 'unknown');
    const rows = page.getByRole('region', { name: 'Just dropped' }).getByRole('listitem');
    await vi.waitFor(() => expect(rows.elements()).toHaveLength(2));
    await expect.element(rows.nth(0)).toHaveTextContent('MiniLM Encoder.');
    await expect.element(rows.nth(1)).toHaveTextContent('lists Training lists.');
    const alerts = page.getByRole('alert');
    await expect.element(alerts.nth(0)).toHaveTextContent('broken: is empty.');
    await expect.element(alerts.nth(1)).toHaveTextContent('unknown');
  });
});
