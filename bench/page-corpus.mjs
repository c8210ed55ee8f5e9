// @ts-check
/**
 * `npm run build && node bench/page-corpus.mjs [--rows 100000]`: the page imports that many passages, shows, scrolls,
 * filters and searches them, and keeps, shows and scrolls as many training lists. Prints for each phase its time, the tasks
 * that held the main thread for above 50 ms, and then the most rows that were in the document.
 */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { chromium } from 'playwright';
import { buildPageIfStale, pageFolder } from '../scripts/build-page.mjs';
import { chromiumArguments, testChromium } from '../scripts/chromium.mjs';
import { builtHost } from '../scripts/webgpu.mjs';
import { servePage } from '../scripts/serve-page.mjs';
import { categories, longTasks, phaseLines } from './long-tasks.mjs';

const { values } = parseArgs({ options: { rows: { type: 'string', default: '100000' } } });
const rows = Number(values.rows);

const words = 'sea wood river stone cloud bread salt moon tide root leaf light'.split(' ');
/** @param {number} i @param {number} count */
const textOf = (i, count) =>
  Array.from(
    { length: count },
    (_, j) => `${words[(i * 7 + j * j * 3) % words.length]}${(i * 31 + j * 17) % 997}`,
  ).join(' ');
const folder = mkdtempSync(join(tmpdir(), 'page-corpus-'));
const corpus = join(folder, 'large.csv');
writeFileSync(
  corpus,
  `id,text\n${Array.from({ length: rows }, (_, i) => `d${i},passage ${i} of ${textOf(i, 24)}`).join('\n')}\n`,
);
const lists = join(folder, 'large.jsonl');
writeFileSync(
  lists,
  Array.from({ length: rows }, (_, i) =>
    JSON.stringify({
      query: `which ${textOf(i, 5)}`,
      pos: [`passage ${i} of ${textOf(i, 20)}`],
      neg: [1, 2, 3].map((j) => textOf(i + j, 20)),
    }),
  ).join('\n'),
);

if (!buildPageIfStale()) throw new Error('The page could not be built.');
const { findChromium } = await builtHost();
const executablePath = testChromium(findChromium());
if (executablePath === undefined) throw new Error('There is no Chromium.');
const server = await servePage(pageFolder);
const browser = await chromium.launch({ executablePath, args: chromiumArguments() });
try {
  const page = await browser.newPage({ viewport: { width: 1280, height: 900 } });
  page.setDefaultTimeout(600_000);
  await page.addInitScript(`
    performance.mark('load');
    globalThis.mostRows = 0;
    new MutationObserver(() => {
      globalThis.mostRows = Math.max(globalThis.mostRows, document.querySelectorAll('[role=option]').length);
    }).observe(document, { subtree: true, childList: true });
  `);
  await browser.startTracing(page, { categories });
  await page.goto(`${server.address}#own-data`);
  await page.getByText(/^Choose files/).waitFor();
  /** @type {string[]} */
  const phases = ['load'];
  /** @param {string} name @param {() => Promise<void>} act */
  const phase = async (name, act) => {
    phases.push(name);
    await page.evaluate((mark) => void performance.mark(mark), name);
    const start = performance.now();
    await act();
    console.log(`${name}: ${((performance.now() - start) / 1000).toFixed(1)} s`);
  };
  const count = rows.toLocaleString('en');
  const scroll = () =>
    page.evaluate(`(async () => {
      const list = document.querySelector('[role=listbox]');
      for (let i = 1; i <= 200; i++) {
        list.scrollTop = (list.scrollHeight * i) / 200;
        await new Promise(requestAnimationFrame);
      }
    })()`);
  await phase('preview', async () => {
    await page.getByLabel(/^Choose files/).setInputFiles(corpus);
    await page.getByRole('heading', { name: 'Texts: large' }).waitFor();
  });
  await phase('import', async () => {
    await page.getByRole('checkbox', { name: /^Leave out passages/ }).uncheck();
    await page.getByRole('button', { name: 'Import', exact: true }).click();
    await page.getByRole('heading', { name: 'Imported: large' }).waitFor();
  });
  await phase('show', () => page.getByText(`${count} documents`, { exact: true }).waitFor());
  await phase('scroll', async () => {
    await scroll();
    await page.getByRole('option', { name: new RegExp(`^d${rows - 1}\\b`) }).waitFor();
  });
  await phase('filter', async () => {
    await page.getByLabel('How to search').selectOption('text contains');
    await page.getByLabel('Search', { exact: true }).fill('sea1');
    await page.getByRole('button', { name: 'Search', exact: true }).click();
    await page.getByText(/documents for “sea1”/).waitFor();
  });
  await phase('search', async () => {
    await page.getByLabel('How to search').selectOption('by words (BM25)');
    await page.getByLabel('Search', { exact: true }).fill('passage 4711');
    await page.getByRole('button', { name: 'Search', exact: true }).click();
    await page.getByText(/for “passage 4711”, the best first/).waitFor();
  });
  await phase('lists', async () => {
    await page.getByRole('link', { name: 'All projects' }).click();
    await page.getByLabel(/^Choose files/).setInputFiles(lists);
    await page.getByRole('button', { name: 'Show large.jsonl' }).click();
    await page.getByText(`${count} lists`, { exact: true }).waitFor();
  });
  await phase('scroll lists', async () => {
    await scroll();
    await page.getByText('1 positive, 3 other passages').first().waitFor();
  });
  await phase('cancel', async () => {
    await page.getByLabel('Search', { exact: true }).fill('not there');
    await page.getByRole('button', { name: 'Search', exact: true }).click();
    const cancel = page.getByRole('button', { name: 'Cancel' });
    await cancel.waitFor();
    await page.evaluate(`
      const start = performance.now();
      [...document.querySelectorAll('button')].find((each) => each.textContent === 'Cancel').click();
      requestAnimationFrame(() => (globalThis.canceledAfter = performance.now() - start));
    `);
    await page.getByText('Canceled.').waitFor();
  });
  console.log(`most rows in the document: ${await page.evaluate('mostRows')}`);
  console.log(`the page says “Canceled” after ${Number(await page.evaluate('canceledAfter')).toFixed(0)} ms`);
  const trace = await browser.stopTracing();
  for (const line of phaseLines(longTasks(trace, phases), phases)) console.log(line);
} finally {
  await browser.close();
  await server.close();
  rmSync(folder, { recursive: true });
}
