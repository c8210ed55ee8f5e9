/** The built page with its own worker and a hub on this machine: one press from a benchmark to what BM25 finds in it. */
import { readFile } from 'node:fs/promises';
import axe from 'axe-core';
import type { Page } from 'playwright';
import { expect, it } from 'vitest';
import { servedPage, testBrowser } from '../support/built-page.ts';
import { noChromium } from '../support/chromium-process.ts';
import { DatasetHub, type DatasetFixture } from '../support/dataset-hub.ts';
import { describeUnless } from '../support/skip.ts';

const lines = (records: readonly object[]): string =>
  records.map((record) => `${JSON.stringify(record)}\n`).join('');
const things = ['bread', 'cheese', 'milk', 'salt', 'flour', 'oil', 'rice', 'honey'];
const set: DatasetFixture = {
  license: 'cc-by-4.0',
  files: {
    'corpus.jsonl': lines(
      Array.from({ length: 400 }, (_, i) => ({
        ...{ _id: `d${i}`, title: i % 5 === 0 ? `Shelf ${i}` : '' },
        text: `The ${things[i % things.length] ?? ''} of shelf ${i} is kept behind the door that leads to the yard, where it stays cool.`,
      })),
    ),
    'queries.jsonl': lines(
      things.map((thing, i) => ({ _id: `q${i}`, text: `where is the ${thing} of shelf ${i}` })),
    ),
  },
};
const qrels: DatasetFixture = {
  files: {
    'test.tsv': `query-id\tcorpus-id\tscore\n${things.map((_, i) => `q${i}\td${i}\t${1 + (i % 3)}\n`).join('')}`,
  },
};

describeUnless(noChromium, 'a benchmark of a hub', () => {
  const server = servedPage();
  const browser = testBrowser();

  async function open(width: number, hub: DatasetHub): Promise<{ page: Page; foreign: string[] }> {
    const page = await browser.newPage({
      viewport: { width, height: 900 },
      reducedMotion: 'reduce',
      bypassCSP: true,
    });
    page.setDefaultTimeout(60_000);
    const foreign: string[] = [];
    page.on('request', (request) => {
      if (!request.url().startsWith(server.address) && /^https?:/.test(request.url()))
        foreign.push(request.url());
    });
    await page.goto(`${server.address}#own-data`);
    await page.getByRole('radio', { name: 'A benchmark' }).check();
    await page.getByText('Another hub').click();
    await page.getByLabel('Address of the hub or of a mirror').fill(`${hub.address}/`);
    return { page, foreign };
  }

  const lookUp = async (page: Page, id: string): Promise<void> => {
    await page.getByLabel('Another data set').fill(id);
    await page.getByRole('button', { name: 'Look up' }).click();
  };

  it('is kept with one press, measured at once, shown, searched, and packed again', async () => {
    const hub = await DatasetHub.start({ 'org/shelves': set, 'org/shelves-qrels': qrels });
    const { page, foreign } = await open(1280, hub);
    expect(foreign).toEqual([]);
    await lookUp(page, 'org/shelves');
    await page.getByRole('heading', { name: 'Download org/shelves?' }).waitFor();
    expect(hub.requests.filter((path) => path.startsWith('/datasets'))).toEqual([]);
    await page.getByRole('button', { name: /^Download \d+ kB/ }).click();

    await page.getByRole('heading', { level: 2, name: 'Data' }).waitFor();
    await page.getByText('BM25 Recall@100').waitFor();
    await page.getByText('8 test queries', { exact: true }).waitFor();
    await page
      .getByText(
        /^From 127\.0\.0\.1:\d+: org\/shelves at c0ffee000000 \(license on the hub: cc-by-4\.0\), org\/shelves-qrels/,
      )
      .waitFor();
    await page.getByText('400 documents', { exact: true }).waitFor();
    await page.getByLabel('Search', { exact: true }).fill('honey shelf 7');
    await page.getByRole('button', { name: 'Search', exact: true }).click();
    await page.getByRole('option', { name: /^d7 score/ }).click();
    await page.getByRole('heading', { name: 'd7', exact: true }).waitFor();
    await page.getByLabel('Show', { exact: true }).selectOption('Queries and judgments: test');
    await page.getByRole('option', { name: /^q4 1 relevant, 1 judged/ }).click();
    await page.getByRole('option', { name: /^d4 grade 2: relevant/ }).waitFor();

    await page.evaluate(axe.source);
    const violations = await page.evaluate(async () => {
      const { axe: checker } = globalThis as unknown as {
        axe: { run(): Promise<{ violations: { id: string; nodes: { html: string }[] }[] }> };
      };
      const found = await checker.run();
      return found.violations.flatMap(({ id, nodes }) => nodes.map(({ html }) => `${id}: ${html}`));
    });
    expect(violations).toEqual([]);

    const downloading = page.waitForEvent('download');
    await page.getByRole('button', { name: 'Download as a BEIR zip' }).click();
    const download = await downloading;
    expect(download.suggestedFilename()).toBe('shelves.zip');
    const zip = await readFile(await download.path());
    await page.getByRole('link', { name: 'All projects' }).click();
    const ids = async (): Promise<string[]> => {
      const links = page.getByRole('link', { name: 'Open shelves' });
      await links.first().waitFor();
      return links.evaluateAll((all) => all.map((link) => link.getAttribute('href') ?? ''));
    };
    const before = await ids();
    await page
      .getByLabel(/^Choose files/)
      .setInputFiles([{ name: 'shelves.zip', mimeType: 'application/zip', buffer: zip }]);
    await page.getByRole('heading', { level: 2, name: 'Data' }).waitFor();
    await page.getByRole('link', { name: 'All projects' }).click();
    // The same files are the same corpus.
    expect(await ids()).toEqual(before);
    expect(foreign.every((url) => url.startsWith(hub.address))).toBe(true);
    await page.close();
  });

  it('that is not there is told of in one message, on a phone, too', async () => {
    const hub = await DatasetHub.start({
      'org/gated': { ...set, refusal: { status: 403, code: 'GatedRepo' } },
    });
    const { page } = await open(360, hub);
    await lookUp(page, 'org/nobody');
    await page
      .getByRole('alert')
      .getByText(/org\/nobody: .* has no such data set, or it is private/)
      .waitFor();
    await lookUp(page, 'org/gated');
    await page
      .getByRole('alert')
      .getByText(/does not grant everybody access/)
      .waitFor();
    await page
      .getByRole('alert')
      .getByText(/Accept its terms at .*, download its files there and drop them/)
      .waitFor();
    expect(await page.getByRole('alert').count()).toBe(1);
    expect(await page.evaluate(() => document.documentElement.scrollWidth - innerWidth)).toBeLessThanOrEqual(
      0,
    );
    await page.close();
  });
});
