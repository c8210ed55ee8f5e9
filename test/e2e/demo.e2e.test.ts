/** The first minute of the demo, as a visitor without a GPU and without a network sees it: started, and stopped. */
import { expect, it } from 'vitest';
import { servedPage, testBrowser } from '../support/built-page.ts';
import { noChromium } from '../support/chromium-process.ts';
import { describeUnless } from '../support/skip.ts';

describeUnless(noChromium, 'the demo', () => {
  const server = servedPage();
  // Without the switch for WebGPU in software: Chromium offers no GPU then.
  const browser = testBrowser(['--no-sandbox']);

  it('begins to train at the press of a button, asks nobody else and for no missing file, and can be canceled', async () => {
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
    await page.getByRole('button', { name: 'Cancel' }).click();
    await page.getByRole('heading', { name: 'Canceled' }).waitFor();
    expect(foreign).toEqual([]);
    expect(missing).toEqual([]);
    await page.close();
  });
});
