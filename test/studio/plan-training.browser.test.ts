/** From a dropped corpus to a running training, on the real worker: what the user has to decide, and what is planned. */
import { strToU8, zipSync } from 'fflate';
import { expect, it, onTestFinished, vi } from 'vitest';
import { page } from 'vitest/browser';
import { render } from 'vitest-browser-svelte';
import OwnDataPage from '../../src/studio/pages/OwnDataPage.svelte';
import { Projects } from '../../src/studio/state/project.svelte.ts';
import { Route } from '../../src/studio/state/route.svelte.ts';
import { Studio } from '../../src/studio/state/studio.svelte.ts';
import { openClient } from './small-run.ts';

/** As NFCorpus is, in little: many relevant passages for each train query, more than five minutes have room for. */
function corpus(): File {
  const words = ['water', 'river', 'heart', 'cell', 'study', 'diet', 'protein', 'risk', 'wave', 'coast'];
  const text = (i: number, length: number): string =>
    Array.from({ length }, (_, k) => words[(i * 7 + k * (i % 5) + k) % words.length]).join(' ');
  const lines = (records: readonly object[]): string =>
    records.map((record) => `${JSON.stringify(record)}\n`).join('');
  const judged = (from: number, to: number, each: number): string =>
    [
      'query-id\tcorpus-id\tscore',
      ...Array.from({ length: to - from }, (_, q) => q + from).flatMap((q) =>
        Array.from({ length: each }, (_, i) => `q${q}\td${(q * 13 + i * 7) % 300}\t1`),
      ),
      '',
    ].join('\n');
  const files = {
    'corpus.jsonl': lines(
      Array.from({ length: 300 }, (_, i) => ({ _id: `d${i}`, title: `Title ${i}`, text: text(i, 60) })),
    ),
    'queries.jsonl': lines(Array.from({ length: 200 }, (_, q) => ({ _id: `q${q}`, text: text(q, 4) }))),
    'qrels/train.tsv': judged(0, 150, 20),
    'qrels/test.tsv': judged(150, 200, 3),
  };
  return new File(
    [zipSync(Object.fromEntries(Object.entries(files).map(([path, each]) => [path, strToU8(each)])))],
    'many-judgments.zip',
  );
}

it('takes a corpus with judgments to a running training in three decisions or fewer, and follows each change', async () => {
  localStorage.clear();
  location.hash = '#own-data';
  const client = await openClient();
  const studio = new Studio(() => Promise.resolve(client));
  await studio.open();
  await render(OwnDataPage, { studio, route: new Route(), projects: new Projects() });
  let decisions = 0;
  for (const kind of ['click', 'change', 'drop'] as const) {
    const count = (event: Event): void => {
      const target = event.target as HTMLElement;
      // A press on a control, a choice, a typed value or a drop.
      if (kind !== 'click' || target.closest('button, a, summary') !== null) decisions++;
    };
    document.addEventListener(kind, count, { capture: true });
    onTestFinished(() => document.removeEventListener(kind, count, { capture: true }));
  }

  const transfer = new DataTransfer();
  transfer.items.add(corpus());
  window.dispatchEvent(new DragEvent('drop', { dataTransfer: transfer, bubbles: true, cancelable: true }));
  decisions++;
  const steps = page.getByRole('navigation', { name: 'Steps' });
  await steps.getByRole('link', { name: /Train/ }).click();
  const train = page.getByRole('button', { name: 'Train', exact: true });
  await expect.element(train, { timeout: 30_000 }).toBeEnabled();
  await expect.element(page.getByText('Chosen for this data:')).toBeVisible();
  await expect.element(page.getByText(/train queries, [\d,]+ judged pairs: [\d,]+ steps of/)).toBeVisible();
  await train.click();
  await vi.waitFor(
    () => expect(studio.active?.recipe.training?.batches?.batchSize).toBeGreaterThan(0),
    10_000,
  );
  expect(decisions).toBeLessThanOrEqual(3);
  await vi.waitFor(() => expect(location.hash).toMatch(/^#results\/own-/), 10_000);
  studio.active?.cancel();
  await vi.waitFor(() => expect(studio.active).toBeUndefined(), 30_000);
});

it('plans anew with each change, and answers an older question with nothing', async () => {
  const client = await openClient();
  const item = await client.keep(corpus());
  const facts = await client.dataFacts({
    ...{ corpusId: item.id, encoder: 'pico', testSplit: 'test' },
  });
  expect(facts).toMatchObject({ passages: 300, train: { queries: 150, pairs: 3000 }, test: { queries: 50 } });
  const recipe = (epochs: number) => ({
    ...{ version: 1, name: 'planned', corpus: { folder: item.id }, encoder: { model: 'pico' } },
    sources: { lists: { kind: 'mined', retrievers: [{ kind: 'bm25' }] } },
    training: { epochs, batches: { negatives: 2 } },
    arms: [{ name: 'a', source: 'lists', loss: 'infonce' }],
  });
  const plan = (epochs: number) =>
    client.planTraining(recipe(epochs) as never, { steps: 20 }, new AbortController().signal);
  const [older, newer] = await Promise.all([plan(1), plan(2)]);
  expect(older).toBeNull();
  expect(newer).toMatchObject({ isTimed: true, within: { steps: 20, training: { maxSteps: 20 } } });
  const started = performance.now();
  const again = await plan(4);
  expect(again?.steps).toBe(2 * (newer?.steps ?? 0));
  console.info(`planned anew in ${Math.round(performance.now() - started)} ms`);
});

it('says of a query whose words the encoder does not know that it is of another language', async () => {
  const client = await openClient();
  const item = await client.keep(corpus());
  const recipe = {
    ...{ version: 1, name: 'searched', corpus: { folder: item.id }, encoder: { model: 'pico' } },
    sources: { lists: { kind: 'mined', retrievers: [{ kind: 'bm25' }] } },
    arms: [{ name: 'a', source: 'lists', loss: 'infonce' }],
  };
  await client.openRun('searched', recipe as never);
  const foreignTo = async (query: string) => (await client.search('searched', query, ['bm25'])).foreignTo;
  expect(await foreignTo('Warum zieht sich das Wasser vor einem Erdbeben zurück')).toBe('pico');
  expect(await foreignTo('why does the water leave the beach')).toBeUndefined();
  // One word tells of no language.
  expect(await foreignTo('Wellental')).toBeUndefined();
});
