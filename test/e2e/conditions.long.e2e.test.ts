/** The demo under bad conditions that take a training to show: lost connections, a full disk, a small phone. */
import { expect, it, onTestFinished } from 'vitest';
import type { Page } from 'playwright';
import { servedPage, testBrowser } from '../support/built-page.ts';
import { noChromium } from '../support/chromium-process.ts';
import { faultyServer } from '../support/faulty-server.ts';
import { describeUnless } from '../support/skip.ts';

const hang = 900_000;

describeUnless(noChromium, 'the demo', () => {
  const server = servedPage();
  const browser = testBrowser(['--no-sandbox']);

  async function open(
    address: string,
    prepare: (page: Page) => Promise<unknown> = () => Promise.resolve(),
  ): Promise<Page> {
    const page = await browser.newPage({ viewport: { width: 360, height: 740 } });
    onTestFinished(() => page.close());
    page.setDefaultTimeout(hang);
    await prepare(page);
    await page.goto(`${address}#demo`);
    return page;
  }

  const failed = async (page: Page, words: RegExp): Promise<void> => {
    const problem = page.getByRole('alert');
    await problem.getByText(words).waitFor();
    expect(await problem.count()).toBe(1);
    await page.getByText('What is finished is stored.').waitFor();
    expect(await page.getByText('cannot be shown').count()).toBe(0);
  };
  const trains = (page: Page) =>
    page
      .getByText(/step [1-9]\d* of/)
      .first()
      .waitFor();

  it(
    'says what could not be loaded, refused or cut, goes on after Resume, and so does the second act',
    async () => {
      const faulty = await faultyServer(server.address);
      const page = await open(faulty.address);
      const resume = page.getByRole('button', { name: 'Resume' });
      faulty.fault = { paths: /models\/pico/, kind: 'refuse' };
      await page.getByRole('button', { name: 'Train both now' }).click();
      await failed(page, /pico.* could not be reached/);
      faulty.fault = { paths: /teacher-vectors/, kind: 'cut' };
      await resume.click();
      await failed(page, /teacher-vectors\.safetensors: /);
      // A worker inside the training worker: without it, that trains alone.
      faulty.fault = { paths: /assets\/page-train-/, kind: 'refuse' };
      faulty.struck = 0;
      await resume.click();
      await trains(page);
      expect(faulty.struck).toBeGreaterThan(0);
      faulty.fault = { paths: /models\/nano/, kind: 'cut' };
      await page.getByRole('region', { name: 'Results of all systems' }).waitFor();
      const second = page.getByRole('button', { name: 'Load nano and measure how long it takes here' });
      await second.click();
      await page.getByRole('heading', { name: 'The second act could not be planned' }).waitFor();
      expect(await page.getByRole('alert').innerText()).toMatch(/nano\/.*What you can do/s);
      // What was trained is still there to be searched.
      expect(await page.getByRole('region', { name: 'Results of all systems' }).count()).toBe(1);
      faulty.fault = undefined;
      await second.click();
      await page.getByText(/^Both trainings take/).waitFor();
      expect(await page.getByRole('alert').count()).toBe(0);
    },
    hang,
  );

  it(
    'trains on a phone with little memory, says once that its disk is full, and goes on from its last checkpoint',
    async () => {
      const page = await open(server.address, (page) =>
        page.addInitScript(() => Object.defineProperty(navigator, 'deviceMemory', { value: 2 })),
      );
      const browsing = await page.context().newCDPSession(page);
      const { origin } = new URL(server.address);
      const allow = (quotaSize: number) =>
        browsing.send('Storage.overrideQuotaForOrigin', { origin, quotaSize });
      await page.getByRole('button', { name: 'Train both now' }).click();
      await page
        .getByText(/step \d{3} of/)
        .first()
        .waitFor();
      await allow(100);
      await failed(page, /storage for this page is full/);
      await allow(1e9);
      await page.getByRole('button', { name: 'Resume' }).click();
      await page
        .getByText(/resumed from step [1-9]/)
        .first()
        .waitFor();
      await page.getByRole('region', { name: 'Results of all systems' }).waitFor();
      expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBe(360);
    },
    hang,
  );
});
