/** The list of benchmarks and what BM25 finds, on a worker that computes nothing. */
import { expect, it, vi } from 'vitest';
import { page, userEvent } from 'vitest/browser';
import { render } from 'vitest-browser-svelte';
import { InputError } from '../../src/core/errors.ts';
import { benchmarks } from '../../src/import/benchmarks.ts';
import type { DatasetChoice, DatasetFacts, DatasetProgress } from '../../src/studio/benchmark-protocol.ts';
import BenchmarkPicker from '../../src/studio/components/benchmarks/BenchmarkPicker.svelte';
import BaselineFigures from '../../src/studio/components/corpus/BaselineFigures.svelte';
import type { BaselineOutcome, ImportOutcome } from '../../src/studio/import-protocol.ts';
import type { KeptItem } from '../../src/studio/protocol.ts';
import { Studio } from '../../src/studio/state/studio.svelte.ts';
import type { StudioClient } from '../../src/studio/state/studio-client.ts';
import { cannedClient } from './canned-client.ts';

const corpus: KeptItem = {
  ...{ id: 'nanobeir-scifact-1', name: 'nanobeir-scifact', bytes: 3e6, kind: 'corpus', listFiles: [] },
  ...{ splits: ['test'], keptAt: '2026-11-29T10:00:00Z' },
};
const facts: DatasetFacts = {
  ...{ id: 'zeta-alpha-ai/NanoSciFact', host: 'huggingface.co', revision: 'c0ffee'.padEnd(40, '0') },
  ...{ files: 3, bytes: 2.5e6, license: 'cc-by-4.0', judgments: undefined },
};
const report = { warnings: [] } as unknown as Extract<ImportOutcome, { state: 'finished' }>['report'];

async function show(own: Partial<StudioClient> = {}, bytes: number | undefined = facts.bytes) {
  const looked: DatasetChoice[] = [];
  const imports: { choice: DatasetChoice; signal: AbortSignal; tell: (progress: DatasetProgress) => void }[] =
    [];
  let finish: (outcome: ImportOutcome) => void = () => undefined;
  let kept: readonly KeptItem[] = [];
  const client = cannedClient({
    kept: () => Promise.resolve(kept),
    lookAtDataset: (choice) => {
      looked.push(choice);
      return Promise.resolve({ state: 'finished', facts: { ...facts, bytes } });
    },
    importDataset: (choice, signal, tell = () => undefined) => {
      imports.push({ choice, signal, tell });
      return new Promise((resolve) => {
        finish = resolve;
        signal.addEventListener('abort', () => resolve({ state: 'canceled' }));
      });
    },
    ...own,
  });
  const studio = new Studio(() => Promise.resolve(client));
  await studio.open();
  const onImported = vi.fn();
  const onUse = vi.fn();
  await render(BenchmarkPicker, { studio, onImported, onUse });
  const end = (): void => {
    kept = [corpus];
    finish({ state: 'finished', item: corpus, report });
  };
  return { looked, imports, onImported, onUse, end, studio };
}

const importButton = page.getByRole('button', { name: 'Import nanobeir-scifact' });

it('lists the benchmarks of the command line with size and license, and asks no host before a press', async () => {
  const { looked } = await show();
  await expect.element(page.getByText(/downloaded from huggingface\.co when you press/)).toBeVisible();
  const rows = page.getByRole('listitem').elements();
  expect(rows).toHaveLength(benchmarks.length);
  const texts = rows.map((row) => row.textContent.replace(/\s+/g, ' '));
  for (const [i, { name, documents, megabytes, license }] of benchmarks.entries()) {
    const text = texts[i] ?? '';
    expect(text).toContain(name);
    if (documents !== null) expect(text).toContain(`${documents.toLocaleString('en')} documents`);
    expect(text).toContain(`about ${megabytes} MB`);
    expect(text).toContain(license ?? 'not known');
  }
  expect(looked).toEqual([]);
});

it('imports a benchmark with one press, in bytes, and hands it on', async () => {
  const { looked, imports, onImported, onUse, end } = await show();
  await importButton.click();
  await vi.waitFor(() => expect(imports).toHaveLength(1));
  expect(looked).toEqual([{ dataset: 'nanobeir-scifact', hub: 'https://huggingface.co/' }]);
  await expect.element(page.getByRole('heading', { name: 'Importing nanobeir-scifact' })).toHaveFocus();
  await expect.element(page.getByText(/3 files, 2\.5 MB, from huggingface\.co/)).toBeVisible();
  imports[0]?.tell({ kind: 'download', file: 'corpus', bytes: 1e6, totalBytes: 2.5e6 });
  await expect.element(page.getByText('1.0 MB of 2.5 MB downloaded.')).toBeVisible();
  await expect.element(page.getByRole('button', { name: 'Import nanobeir-nq' })).toBeDisabled();
  end();
  await vi.waitFor(() => expect(onImported).toHaveBeenCalledWith(expect.objectContaining({ item: corpus })));
  await expect.element(page.getByText('nanobeir-scifact is kept in this browser.')).toBeVisible();
  await page.getByRole('button', { name: /^Use nanobeir-scifact/ }).click();
  expect(onUse).toHaveBeenCalledWith(corpus);
});

it('asks before it downloads more than it said', async () => {
  const { imports } = await show({}, 90e6);
  await importButton.click();
  await expect.element(page.getByRole('heading', { name: 'Download nanobeir-scifact?' })).toHaveFocus();
  expect(imports).toEqual([]);
  await page.getByRole('button', { name: 'Download 90.0 MB' }).click();
  await vi.waitFor(() => expect(imports).toHaveLength(1));
});

it('shows the size of any other data set before it is downloaded, from the hub that was named', async () => {
  const { looked, imports } = await show();
  await page.getByText('Another hub').click();
  await page.getByLabelText(/^Address of the hub/).fill('http://127.0.0.1:9/');
  await expect.element(page.getByText(/downloaded from 127\.0\.0\.1:9 when you press/)).toBeVisible();
  await page.getByLabelText('Another data set').fill('org/set');
  await userEvent.keyboard('{Enter}');
  await expect.element(page.getByRole('heading', { name: 'Download org/set?' })).toHaveFocus();
  expect(imports).toEqual([]);
  await page.getByRole('button', { name: 'Download 2.5 MB' }).click();
  await vi.waitFor(() =>
    expect(imports[0]?.choice).toEqual({ dataset: 'org/set', hub: 'http://127.0.0.1:9/' }),
  );
  expect(looked).toHaveLength(1);
});

it('can be canceled at every moment, and keeps nothing', async () => {
  const { imports, onImported } = await show();
  await importButton.click();
  await vi.waitFor(() => expect(imports).toHaveLength(1));
  await page.getByRole('button', { name: 'Cancel' }).click();
  await expect.element(page.getByText('Canceled. Nothing of nanobeir-scifact was kept.')).toBeVisible();
  expect(imports[0]?.signal.aborted).toBe(true);
  expect(onImported).not.toHaveBeenCalled();
  await importButton.click();
  await vi.waitFor(() => expect(imports).toHaveLength(2));
});

it('forgets what was kept between the press of Cancel and the end', async () => {
  const forgetKept = vi.fn(() => Promise.resolve());
  const { onImported } = await show({
    forgetKept,
    importDataset: (_, signal) =>
      new Promise((resolve) => {
        signal.addEventListener('abort', () => resolve({ state: 'finished', item: corpus, report }));
      }),
  });
  await importButton.click();
  await expect.element(page.getByRole('heading', { name: 'Importing nanobeir-scifact' })).toBeVisible();
  await expect.element(page.getByText('Downloading …')).toBeVisible();
  await page.getByRole('button', { name: 'Cancel' }).click();
  await vi.waitFor(() => expect(forgetKept).toHaveBeenCalledWith(corpus.id));
  expect(onImported).not.toHaveBeenCalled();
});

it('shows one message with a remedy where a data set cannot be had', async () => {
  await show({
    lookAtDataset: () =>
      Promise.reject(
        new InputError('huggingface.co could not be reached', {
          file: 'org/set',
          remedy: 'Re-run when the connection works',
        }),
      ),
  });
  await importButton.click();
  await expect
    .element(page.getByRole('alert'))
    .toHaveTextContent(
      /org\/set: huggingface\.co could not be reached\. What you can do: Re-run when the connection works\./,
    );
  expect(page.getByRole('alert').elements()).toHaveLength(1);
  await expect.element(importButton).toBeEnabled();
});

it('BM25 is measured as soon as a judged corpus is shown, with its share, and can be canceled', async () => {
  const asked: { signal: AbortSignal; tell: (share: number) => void }[] = [];
  let answer: (outcome: BaselineOutcome) => void = () => undefined;
  const client = cannedClient({
    keywordBaseline: (_, __, signal, tell = () => undefined) => {
      asked.push({ signal, tell });
      return new Promise((resolve) => {
        answer = resolve;
        signal.addEventListener('abort', () => resolve({ state: 'canceled' }));
      });
    },
  });
  const studio = new Studio(() => Promise.resolve(client));
  const { rerender } = await render(BaselineFigures, { corpus, studio });
  await vi.waitFor(() => expect(asked).toHaveLength(1));
  asked[0]?.tell(0.5);
  const bar = page.getByRole('progressbar', { name: 'Measuring BM25' });
  await vi.waitFor(() => expect(bar.element().getAttribute('value')).toBe('0.5'));
  await page.getByRole('button', { name: 'Cancel' }).click();
  await page.getByRole('button', { name: 'Measure BM25' }).click();
  await vi.waitFor(() => expect(asked).toHaveLength(2));
  answer({
    state: 'finished',
    baseline: { split: 'test', queries: 50, metrics: { ndcg_cut_10: 0.6655, recall_100: 0.8821 } },
  });
  await expect.element(page.getByText('0.665')).toBeVisible();
  await expect.element(page.getByText('0.882')).toBeVisible();
  await expect.element(page.getByText('50 test queries')).toBeVisible();

  // Nobody has judged anything: nothing is measured, and nothing shown.
  await rerender({ corpus: { ...corpus, id: 'texts', splits: [] } });
  await expect.element(page.getByText('BM25')).not.toBeInTheDocument();
  expect(asked).toHaveLength(2);
});
