/** The demo for real, as a visitor without a GPU and without a network sees it: its own worker, WASM and store. */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { env, pipeline } from '@huggingface/transformers';
import { unzipSync } from 'fflate';
import { type Page } from 'playwright';
import { beforeAll, expect, it } from 'vitest';
import { readEncoder } from '../../src/encoders/read-encoder.ts';
import { openModelFiles } from '../../src/host/node/model-files.ts';
import { openRuntime } from '../../src/host/node/runtime.ts';
import { withEmbedder } from '../../src/pipeline/encoder-shelf.ts';
import { noChromium } from '../support/chromium-process.ts';
import { temporaryFolder } from '../support/cli.ts';
import { describeUnless } from '../support/skip.ts';
import { servedPage, testBrowser } from '../support/built-page.ts';

const hang = 900_000;

describeUnless(noChromium, 'the demo', () => {
  const server = servedPage();
  // Without the switch for WebGPU in software: Chromium offers no GPU then.
  const browser = testBrowser(['--no-sandbox']);
  let page: Page;
  const foreign: string[] = [];

  beforeAll(async () => {
    page = await browser.newPage();
    page.setDefaultTimeout(120_000);
    await page.route(
      (url) => !url.href.startsWith(server.address),
      (route) => {
        if (route.request().url().startsWith('http')) foreign.push(route.request().url());
        return route.abort();
      },
    );
    await page.goto(server.address);
  });

  it(
    'trains both students at the press of a button, with curves and a table, and asks nobody else for anything',
    async () => {
      await page.getByRole('button', { name: 'Train both now' }).click();
      await page.getByText('Trains on the processor').waitFor();
      const table = page.getByRole('region', { name: 'Results of all systems' });
      await table.waitFor({ timeout: hang });
      const rows = await table.getByRole('rowheader').allInnerTexts();
      for (const system of [/^Keyword search \(BM25\)/, /^Untrained/, /^Contrastive/, /^Listwise(?! \+)/]) {
        expect(rows.filter((row) => system.test(row))).toHaveLength(1);
      }
      await page.getByText('Training losses').click();
      await page.getByText('The curves as a table').click();
      const points = (await page.getByRole('row').allInnerTexts()).map((row) => row.replace(/\s+/g, ' '));
      for (const arm of ['contrastive', 'listwise']) {
        expect(points.filter((row) => row.startsWith(`${arm} loss 300 `))).toHaveLength(1);
        expect(points.filter((row) => row.startsWith(`${arm} dev nDCG@10 `)).length).toBeGreaterThan(2);
      }
      expect(foreign).toEqual([]);
    },
    hang,
  );

  it('finds the ten best before and after for a typed query', async () => {
    await page.getByLabel('Query', { exact: true }).fill('How can sticky old honey be made runny again?');
    // The best one stands on the right by itself; here the listwise one is to.
    await page.getByLabel('Right', { exact: true }).selectOption('listwise');
    await page.getByRole('button', { name: 'Search', exact: true }).click();
    // The lists of the training have the students' names, too.
    const search = page.getByRole('region', { name: 'Search', exact: true });
    for (const title of [/untrained/i, /listwise/i]) {
      const found = search.getByRole('region', { name: title });
      await found.waitFor();
      expect(await found.getByRole('listitem').count()).toBe(10);
    }
    expect(await search.getByRole('region', { name: /listwise/i }).innerText()).toMatch(/honey/i);
  });

  it('hands out a model that transformers.js opens, with the vectors of the studio', async () => {
    const download = page.waitForEvent('download');
    await page.getByRole('button', { name: 'Model “listwise” (zip)' }).click();
    const folder = temporaryFolder();
    const zip = join(folder, 'model.zip');
    await (await download).saveAs(zip);
    const files = unzipSync(new Uint8Array(readFileSync(zip)));
    for (const [path, bytes] of Object.entries(files)) {
      mkdirSync(join(folder, dirname(path)), { recursive: true });
      writeFileSync(join(folder, path), bytes);
    }
    const [model = ''] = (Object.keys(files)[0] ?? '').split('/');
    const texts = ['why does bread rise', 'Bees dance to tell their sisters where flowers are.'];

    env.allowRemoteModels = false;
    env.localModelPath = folder;
    const embed = await pipeline('feature-extraction', model, { dtype: 'fp32' });
    const output = await embed(texts, { pooling: 'mean', normalize: true });
    const theirs = output.data as Float32Array;
    const runtime = await openRuntime({ device: 'cpu', threads: 2 });
    const encoder = await readEncoder(await openModelFiles().open(join(folder, model)));
    const ours = await withEmbedder(runtime, encoder, (embedder) => embedder.embed(texts, 'passage'));
    await runtime.close();
    expect(ours).toHaveLength(theirs.length);
    const difference = ours.map((value, i) => Math.abs(value - Number(theirs[i])));
    expect(Math.max(...difference)).toBeLessThan(1e-5);
  });

  it(
    'gives the same table where it was stopped at several moments and its tab was closed, and says where it goes on',
    async () => {
      const table = page.getByRole('region', { name: 'Results of all systems' });
      const whole = await table.innerText();
      const browsing = await browser.newContext();
      const tab = async (): Promise<Page> => {
        const next = await browsing.newPage();
        next.setDefaultTimeout(120_000);
        await next.goto(server.address);
        return next;
      };
      let visit = await tab();
      const seconds: string[] = [];
      for (const moment of [0, 0.5, 1, 2, 5]) {
        const start = visit.getByRole('button', { name: /^(Train both now|Resume)/ }).first();
        await start.click();
        await visit.waitForTimeout(1000 * moment);
        const pressed = performance.now();
        await visit.getByRole('button', { name: 'Stop' }).click();
        await visit.getByRole('heading', { name: 'Stopped' }).waitFor();
        seconds.push(`${moment} s: ${((performance.now() - pressed) / 1000).toFixed(1)} s`);
      }
      console.info(`stopped at … within …: ${seconds.join(', ')}`);
      await visit.getByRole('button', { name: 'Resume' }).click();
      await visit
        .getByText(/step [1-9]\d+ of/)
        .first()
        .waitFor();
      const second = await tab();
      await second.getByText('This training runs in another tab of this browser.').first().waitFor();
      // The first goes on meanwhile, in sight.
      const stepShown = async (): Promise<number> =>
        Number(/Step (\d+) of 300/.exec(await visit.getByText(/^Step \d+ of 300\./).innerText())?.[1]);
      const stepBefore = await stepShown();
      await expect.poll(stepShown, { timeout: 100_000 }).toBeGreaterThan(stepBefore);
      await second.close();
      await visit.close();
      visit = await tab();
      const offer = visit.getByRole('region', { name: 'Unfinished training' });
      await offer.getByRole('button', { name: 'Resume' }).click();
      const again = visit.getByRole('region', { name: 'Results of all systems' });
      await again.waitFor({ timeout: hang });
      expect(await again.innerText()).toBe(whole);
      await browsing.close();
    },
    hang,
  );

  it('shows the same table in another visit, from what is stored', async () => {
    const table = page.getByRole('region', { name: 'Results of all systems' });
    const before = await table.innerText();
    await page.goto(`${server.address}#results`);
    await page.reload();
    await page.getByRole('link', { name: /^Open/ }).click();
    await table.waitFor();
    expect(await table.innerText()).toBe(before);
    expect(await page.getByRole('button', { name: 'Compute what is missing' }).count()).toBe(0);
    expect(foreign).toEqual([]);
  });
});
