/** The demo under bad conditions that take a training to show: lost connections, a full disk, a small phone. */
import { expect, it, onTestFinished } from 'vitest';
import type { Page } from 'playwright';
import { servedPage, testBrowser } from '../support/built-page.ts';
import { noChromium, startChromium, type ChromiumProcess } from '../support/chromium-process.ts';
import { temporaryFolder } from '../support/cli.ts';
import { faultyServer } from '../support/faulty-server.ts';
import { describeUnless } from '../support/skip.ts';

const hang = 900_000;

describeUnless(noChromium, 'the demo', () => {
  const server = servedPage();
  const browser = testBrowser(['--no-sandbox']);

  async function open(address: string): Promise<Page> {
    const page = await browser.newPage({ viewport: { width: 360, height: 740 } });
    onTestFinished(() => page.close());
    page.setDefaultTimeout(hang);
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
      const profile = temporaryFolder();
      const visit = async (chromium: ChromiumProcess): Promise<Page> => {
        const page = await chromium.newPage();
        await page.setViewportSize({ width: 360, height: 740 });
        page.setDefaultTimeout(hang);
        await page.addInitScript(() => Object.defineProperty(navigator, 'deviceMemory', { value: 2 }));
        await page.goto(`${server.address}#demo`);
        return page;
      };
      const before = await startChromium(profile);
      const first = await visit(before);
      await first.getByRole('button', { name: 'Train both now' }).click();
      await first
        .getByText(/step \d{3} of/)
        .first()
        .waitFor();
      await first.getByRole('button', { name: 'Stop' }).click();
      await first.getByRole('heading', { name: 'Stopped' }).waitFor();
      const { usage = 0 } = await first.evaluate(() => navigator.storage.estimate());
      await before.kill();
      // Another process: Chromium remembers for a while how much room an open database had.
      const page = await visit(await startChromium(profile));
      const browsing = await page.context().newCDPSession(page);
      const { origin } = new URL(server.address);
      const allow = (quotaSize: number) =>
        browsing.send('Storage.overrideQuotaForOrigin', { origin, quotaSize });
      await allow(usage + 100_000);
      await page.getByRole('button', { name: 'Train both now' }).click();
      await failed(page, /storage for this page is full/);
      await allow(1e9);
      await page.getByRole('button', { name: 'Resume' }).click();
      await page
        .getByText(/resumed from step [1-9]/)
        .first()
        .waitFor();
      await page.getByRole('region', { name: 'Results of all systems' }).waitFor();
      const widths = () => [document.documentElement.scrollWidth, document.documentElement.clientWidth];
      const [scrolled, shown] = await page.evaluate(widths);
      expect(scrolled).toBe(shown);
    },
    hang,
  );
});
