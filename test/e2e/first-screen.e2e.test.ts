/** The demo before a training, as a visitor meets it: the built page with its own worker and its own files. */
import { createServer, request as httpRequest } from 'node:http';
import { expect, it, onTestFinished } from 'vitest';
import type { Page } from 'playwright';
import { servedPage, testBrowser } from '../support/built-page.ts';
import { noChromium } from '../support/chromium-process.ts';
import { serveUntilEnd } from '../support/local-server.ts';
import { describeUnless } from '../support/skip.ts';

const typed = 'how do bees make honey';
const example = 'Why does bran make whole wheat bread rise less?';

interface OpenOptions {
  readonly width?: number;
  readonly address?: string;
  /** What is done with the page before it is opened. */
  readonly prepare?: (page: Page) => Promise<unknown>;
}

describeUnless(noChromium, 'the demo before a training', () => {
  const server = servedPage();
  const browser = testBrowser(['--no-sandbox']);

  async function open({
    width = 1280,
    address = server.address,
    prepare = () => Promise.resolve(),
  }: OpenOptions = {}): Promise<Page> {
    const page = await browser.newPage({ viewport: { width, height: 800 }, reducedMotion: 'reduce' });
    onTestFinished(() => page.close());
    page.setDefaultTimeout(60_000);
    await prepare(page);
    await page.goto(`${address}#demo`);
    return page;
  }

  const list = (page: Page, name: string) => page.getByRole('region', { name }).getByRole('listitem');
  const ask = async (page: Page, query: string): Promise<void> => {
    await page.getByLabel('Your query').fill(query);
    await page.getByLabel('Your query').press('Enter');
  };

  it('answers examples without a download, says what failed for other queries, and goes on after Retry', async () => {
    let isBlocked = true;
    const page = await open({
      prepare: (page) =>
        page.route(/\/(demo|models)\//, (route) => (isBlocked ? route.abort() : route.continue())),
    });
    await page.getByRole('button', { name: example }).click();
    expect(await list(page, 'Keyword search (BM25)').count()).toBe(10);
    expect(await list(page, 'Untrained encoder').count()).toBe(10);
    await list(page, 'Untrained encoder').getByText('grade 3: answers fully').waitFor();
    await list(page, 'Untrained encoder').getByText('in both lists (rank 1 in the other)').waitFor();
    await ask(page, typed);
    const problem = page.getByRole('alert');
    await problem.getByRole('heading', { name: 'The demo corpus could not be loaded' }).waitFor();
    expect(await problem.count()).toBe(1);
    expect(await problem.innerText()).toMatch(/could not be reached[\s\S]*The example queries still work/);
    isBlocked = false;
    await problem.getByRole('button', { name: 'Retry' }).click();
    await page.getByText(`Best ten for “${typed}” (nobody judged passages for this query)`).waitFor();
    expect(await list(page, 'Keyword search (BM25)').count()).toBe(10);
    await list(page, 'Untrained encoder').nth(9).waitFor();
    expect(await problem.count()).toBe(0);
  });

  it.each([
    ['changed', (body: Buffer) => Buffer.from(body.toString().replace('honey', 'money'))],
    ['cut', (body: Buffer) => body.subarray(0, body.lastIndexOf('\n', body.length - 2) + 1)],
  ])('finds nothing in a corpus that was %s on the way, and says so', async (_, spoil) => {
    const page = await open({
      prepare: (page) =>
        page.route('**/demo/corpus.jsonl', async (route) => {
          const response = await route.fetch();
          await route.fulfill({ body: spoil(await response.body()) });
        }),
    });
    await ask(page, typed);
    const problem = page.getByRole('alert');
    await problem.getByText('Demo/corpus.jsonl').or(problem.getByText('demo/corpus.jsonl')).first().waitFor();
    expect(await problem.innerText()).toMatch(/does not match the hash listed by the page|bytes early/);
    expect(await page.getByText(`Best ten for “${typed}”`).count()).toBe(0);
  });

  it('keeps keyword search where the encoder is damaged', async () => {
    const page = await open({
      prepare: (page) =>
        page.route('**/pico/model.safetensors', async (route) => {
          const body = Buffer.from(await (await route.fetch()).body());
          body[1_000_000] = (body[1_000_000] ?? 0) ^ 1;
          await route.fulfill({ body });
        }),
    });
    await ask(page, typed);
    const problem = page.getByRole('alert');
    await problem.getByRole('heading', { name: 'The untrained encoder could not be loaded' }).waitFor();
    expect(await problem.innerText()).toContain('keyword search still work');
    expect(await list(page, 'Keyword search (BM25)').count()).toBe(10);
    expect(await list(page, 'Untrained encoder').count()).toBe(0);
  });

  it('fetches no encoder where the browser saves data, until it is asked to', async () => {
    const models: string[] = [];
    const page = await open({
      prepare: async (page) => {
        await page.addInitScript(() => {
          Object.defineProperty(navigator, 'connection', { value: { saveData: true } });
        });
        page.on('request', (request) => {
          if (request.url().includes('/models/')) models.push(request.url());
        });
      },
    });
    await ask(page, typed);
    await page.getByText('the encoder (4.0 MB) is loaded when you train').waitFor();
    await page.getByRole('button', { name: /on this computer, 6\.\d MB to load$/ }).waitFor();
    await page.waitForLoadState('networkidle');
    expect(models).toEqual([]);
    await page.getByRole('button', { name: 'Load the encoder (4.0 MB)' }).click();
    await list(page, 'Untrained encoder').nth(9).waitFor();
  });

  it('can be used with the keyboard alone, and shows one list at a time on a phone', async () => {
    const page = await open({ width: 360 });
    await page.getByRole('button', { name: example }).press('Enter');
    expect(await page.getByRole('button', { name: example }).getAttribute('aria-pressed')).toBe('true');
    await list(page, 'Keyword search (BM25)').first().waitFor();
    expect(await page.getByRole('region', { name: 'Untrained encoder' }).count()).toBe(0);
    await page.getByRole('radio', { name: 'Keyword search (BM25)' }).press('ArrowDown');
    await list(page, 'Untrained encoder').first().waitFor();
    expect(await page.getByRole('region', { name: 'Keyword search (BM25)' }).count()).toBe(0);
    // Two lines of each passage, until all is asked for.
    const height = async () => (await list(page, 'Untrained encoder').first().boundingBox())?.height ?? 0;
    const clamped = await height();
    await page.getByRole('button', { name: 'Show passages in full' }).press('Space');
    expect(await height()).toBeGreaterThan(clamped);
    expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBe(360);
  });

  it('states what a training loads, which fetches nothing a second time, whenever it is started', async () => {
    const counting = await countingProxy(server.address);
    const page = await open({ address: counting.address });
    const button = page.getByRole('button', { name: /^Train both now/ });
    await button.getByText(/MB to load/).waitFor();
    // The encoder may be on its way.
    const stated = Number(/([\d.]+) MB to load/.exec(await button.innerText())?.[1]);
    const before = counting.paths();
    await button.click();
    await expect.poll(() => counting.bytes('assets/page-train-'), { timeout: 100_000 }).toBeGreaterThan(0);
    // Until nothing more arrives: files come beside each other.
    let arrived = 0;
    const isQuiet = (): boolean => arrived === (arrived = counting.bytes(''));
    await expect.poll(isQuiet, { interval: 3000, timeout: 100_000 }).toBe(true);
    for (const [file, size] of [
      ['models/pico/model.safetensors', 3_566_840],
      ['models/pico/tokenizer.json', 424_113],
      ['demo/corpus.jsonl', 497_765],
      ['demo/queries.jsonl', 49_201],
      ['demo/qrels/test.tsv', 55_562],
      ['demo/teacher-vectors.safetensors', 1_534_848],
    ] as const) {
      expect([file, counting.bytes(file)]).toEqual([file, size]);
    }
    const encoder = 3_991_145;
    const fresh = counting.paths().filter((path) => !before.includes(path) && !path.startsWith('models/'));
    const megabytes = fresh.reduce((sum, path) => sum + counting.bytes(path), 0) / 1e6;
    expect(Math.abs(megabytes - (stated > 5 ? stated - encoder / 1e6 : stated))).toBeLessThan(0.2);
  });
});

/** A server in front of another that counts the bytes of files that it has sent. */
async function countingProxy(target: string) {
  const sent = new Map<string, number>();
  const proxy = createServer((request, response) => {
    const path = (request.url ?? '/').slice(1);
    const upstream = httpRequest(
      new URL(path, target),
      { method: request.method, headers: { ...request.headers, host: new URL(target).host } },
      (answer) => {
        response.writeHead(answer.statusCode ?? 500, answer.headers);
        answer.on('data', (part: Buffer) => sent.set(path, (sent.get(path) ?? 0) + part.length));
        answer.pipe(response);
      },
    );
    upstream.on('error', () => response.destroy());
    request.pipe(upstream);
  });
  const address = await serveUntilEnd(proxy);
  return {
    address,
    paths: () => [...sent.keys()],
    /** Of all files whose path begins so. */
    bytes: (path: string): number =>
      [...sent].reduce((sum, [each, bytes]) => sum + (each.startsWith(path) ? bytes : 0), 0),
  };
}
