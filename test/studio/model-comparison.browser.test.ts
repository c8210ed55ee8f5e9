/** Encoders that are compared on the screen for own data, by a worker that computes nothing. */
import { expect, it, vi } from 'vitest';
import { page } from 'vitest/browser';
import { render } from 'vitest-browser-svelte';
import { InputError } from '../../src/core/errors.ts';
import OwnDataPage from '../../src/studio/pages/OwnDataPage.svelte';
import type { ComparisonEvent, ComparisonOutcome } from '../../src/studio/protocol.ts';
import { Projects } from '../../src/studio/state/project.svelte.ts';
import { Route } from '../../src/studio/state/route.svelte.ts';
import { Studio } from '../../src/studio/state/studio.svelte.ts';
import type { StudioClient } from '../../src/studio/state/studio-client.ts';
import { comparison } from '../e2e/canned-comparison.ts';
import { kept, keptCorpus } from '../e2e/canned-run.ts';
import { cannedClient } from './canned-client.ts';

type Ask = Parameters<StudioClient['compareModels']>;

/** The screen with its corpus chosen, and a comparison that does what the test tells it to. */
async function open() {
  let asked: Ask[0] | undefined;
  let tell: (event: ComparisonEvent) => void = () => undefined;
  let signal: AbortSignal | undefined;
  let end: { resolve: (outcome: ComparisonOutcome) => void; reject: (error: Error) => void } | undefined;
  const client = cannedClient({
    compareModels: (choices, onEvent, given) => {
      asked = choices;
      tell = onEvent;
      signal = given;
      return new Promise((resolve, reject) => (end = { resolve, reject }));
    },
  });
  localStorage.clear();
  location.hash = '#own-data/own-corpus-1/train';
  const studio = new Studio(() => Promise.resolve(client));
  await studio.open();
  const projects = new Projects();
  await render(OwnDataPage, { studio, route: new Route(), projects });
  return {
    ownData: projects.of(keptCorpus, kept).ownData,
    asked: () => asked,
    tell: (event: ComparisonEvent) => tell(event),
    isCanceled: () => signal?.aborted === true,
    finish: (outcome: ComparisonOutcome) => end?.resolve(outcome),
    fail: (error: Error) => end?.reject(error),
    compare: async () => {
      await compare.click();
      await vi.waitFor(() => expect(end).toBeDefined());
    },
  };
}

const compare = page.getByRole('button', { name: 'Compare', exact: true });
const table = page.getByRole('region', { name: 'Compared encoders' });
const systems = (): string[] =>
  table
    .getByRole('rowheader')
    .elements()
    .map((each) => each.textContent.replace(/Use this one.*|Training starts here/s, '').trim());

it('compares the chosen encoders on the queries that are reported on', async () => {
  const { asked, ...screen } = await open();
  await page.getByLabelText('Another encoder of the Hugging Face hub').fill('org/model');
  await page.getByRole('button', { name: 'Add' }).click();
  await page.getByRole('checkbox', { name: /^nano/ }).click();
  await screen.compare();
  expect(asked()).toEqual({
    corpus: { folder: 'own-corpus-1', split: 'test' },
    models: ['pico', 'org/model'],
    encoding: { queryMaxLength: 64, passageMaxLength: 192 },
  });
  await expect.element(page.getByRole('button', { name: 'Train', exact: true })).toBeDisabled();
});

it('says what it does, how long it takes and what is left out, and can be canceled', async () => {
  const screen = await open();
  await screen.compare();
  screen.tell({
    kind: 'progress',
    label: 'search with nano',
    done: 30,
    total: 120,
    secondsLeft: { expected: 40, least: 30, most: 60 },
  });
  screen.tell({
    kind: 'failed',
    failed: { model: 'org/model', problem: 'there is no such model', remedy: 'Use another' },
  });
  await expect.element(page.getByText('search with nano: 25 %; 30 to 60 s left')).toBeVisible();
  await expect
    .element(page.getByText('org/model is left out: there is no such model. Use another.'))
    .toBeVisible();
  await page.getByRole('button', { name: 'Cancel the comparison' }).click();
  expect(screen.isCanceled()).toBe(true);
  await expect.element(page.getByRole('button', { name: 'Cancel the comparison' })).toBeDisabled();
  screen.finish({ state: 'canceled' });
  await expect.element(page.getByText('Canceled. Compare again to resume.')).toBeVisible();
});

it('shows a table that sorts by each column, and proposes a start', async () => {
  const screen = await open();
  await screen.compare();
  screen.finish({ state: 'finished', comparison });
  await expect.element(table).toBeVisible();
  expect(systems()).toEqual([
    'pico + BM25',
    'org/large',
    'pico',
    'Keyword search (BM25)',
    'nano + BM25',
    'nano',
    'org/large + BM25',
  ]);
  const header = table.getByRole('columnheader', { name: /^Passages/ });
  await header.getByRole('button').click();
  expect(systems().slice(0, 3)).toEqual(['pico', 'nano', 'org/large']);
  await expect.element(header).toHaveAttribute('aria-sort', 'descending');
  await header.getByRole('button').click();
  expect(systems().slice(0, 3)).toEqual(['org/large', 'nano', 'pico']);
  await expect.element(header).toHaveAttribute('aria-sort', 'ascending');
  await expect
    .element(table.getByRole('row', { name: /^pico Use/ }))
    .toHaveTextContent(/0\.532 0\.502 to 0\.562.*\+0\.006 no difference shown, p 1\.0000.*3\.6 M/);
  await expect
    .element(page.getByText(/^Start from pico: its nDCG@10 \(0\.532\) is not significantly below/))
    .toBeVisible();
});

it('starts the training from the encoder that is chosen in the table', async () => {
  const screen = await open();
  await screen.compare();
  screen.finish({ state: 'finished', comparison });
  await expect.element(table.getByText('Training starts here')).toBeVisible();
  await table.getByRole('button', { name: 'Use this one: pico' }).click();
  await expect.element(page.getByLabelText('Start from')).toHaveValue('pico');
  expect(screen.ownData.encoder).toBe('pico');
  await table.getByRole('button', { name: 'Use this one: org/large' }).click();
  await expect.element(page.getByLabelText('Its name on the hub')).toHaveValue('org/large');
  await page.getByLabelText('Start from').selectOptions('nano');
  expect(screen.ownData.encoder).toBe('nano');
  // Another encoding gives other figures.
  screen.ownData.encoding = { ...screen.ownData.encoding, passageMaxLength: 96 };
  await expect.element(table).not.toBeInTheDocument();
});

it('says in place why the encoders cannot be compared', async () => {
  const screen = await open();
  await screen.compare();
  screen.fail(
    new InputError('contains no judgments', { file: 'qrels/test.tsv', remedy: 'Use another split' }),
  );
  await expect.element(page.getByRole('alert')).toHaveTextContent('qrels/test.tsv: contains no judgments.');
  await expect.element(compare).toBeEnabled();
});
