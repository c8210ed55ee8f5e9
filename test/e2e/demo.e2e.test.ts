/** The first minute of the demo, as a visitor without a GPU and without a network sees it: started, and stopped. */
import { expect, it } from 'vitest';
import { servedPage, testBrowser } from '../support/built-page.ts';
import { noChromium } from '../support/chromium-process.ts';
import { describeUnless } from '../support/skip.ts';

describeUnless(noChromium, 'the demo', () => {
  const server = servedPage();
  // Without the switch for WebGPU in software: Chromium offers no GPU then.
  const browser = testBrowser(['--no-sandbox']);

  it('begins to train at the press of a button, asks nobody else and for no missing file, and can be stopped', async () => {
    const page = await browser.newPage();
    page.setDefaultTimeout(100_000);
    const foreign: string[] = [];
    await page.route(
      (url) => !url.href.startsWith(server.address),
      (route) => {
        if (route.request().url().startsWith('http')) foreign.push(route.request().url());
        return route.abort();
      },
    );
    const missing: string[] = [];
    page.on('response', (response) => {
      if (response.status() === 404) missing.push(response.url());
    });
    await page.goto(server.address);
    await page.getByRole('button', { name: 'Train both now' }).click();
    await page.getByText('Trains on the processor').waitFor();
    await page
      .getByText(/step \d+ of/)
      .first()
      .waitFor();
    await page.getByRole('button', { name: 'Stop' }).click();
    await page.getByRole('heading', { name: 'Stopped' }).waitFor();
    expect(foreign).toEqual([]);
    expect(missing).toEqual([]);
    await page.close();
  });

  it('shows what both students find, step by step, for a query that changes while they wait', async () => {
    const page = await browser.newPage({ viewport: { width: 1280, height: 900 } });
    page.setDefaultTimeout(100_000);
    await page.goto(server.address);
    await page.getByRole('button', { name: 'Train both now' }).click();
    await page.getByLabel('Speed').selectOption('Step by step');
    const lists = [
      page.getByRole('region', { name: 'Contrastive' }),
      page.getByRole('region', { name: 'Listwise' }),
    ];
    for (const list of lists) await list.getByRole('listitem').nth(9).waitFor();
    await page.getByRole('img', { name: /^Map of 2239 passages/ }).waitFor();
    const stepShown = async (): Promise<number> =>
      Number(/Step (\d+) of 300/.exec(await page.getByText(/^Step \d+ of 300\./).innerText())?.[1]);
    const before = await stepShown();
    await page.getByRole('button', { name: 'Next step' }).click();
    await page.getByText(new RegExp(`^Step ${before + 1} of 300`)).waitFor();
    await page.getByLabel('Watched query').fill('a wolf note on the cello');
    await page.getByRole('button', { name: 'Watch this one' }).click();
    for (const list of lists) await list.getByText(/wolf/i).first().waitFor();
    expect(await stepShown()).toBe(before + 1);
    await page.getByRole('button', { name: 'Pause' }).click();
    await page.getByRole('heading', { name: 'Paused' }).waitFor();
    await page.getByRole('button', { name: 'Resume' }).click();
    await page.getByRole('button', { name: 'Stop' }).click();
    await page.getByRole('heading', { name: 'Stopped' }).waitFor();
    await page.close();
  });
});
