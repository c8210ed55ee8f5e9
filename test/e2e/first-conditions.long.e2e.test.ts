/** The demo under bad conditions that show at once: what the page says, what still works, and the way on. */
import { expect, it, onTestFinished } from 'vitest';
import type { Page } from 'playwright';
import { servedPage, testBrowser } from '../support/built-page.ts';
import { noChromium } from '../support/chromium-process.ts';
import { faultyServer } from '../support/faulty-server.ts';
import { describeUnless } from '../support/skip.ts';

async function started(page: Page, address: string): Promise<void> {
  onTestFinished(() => page.close());
  page.setDefaultTimeout(100_000);
  await page.goto(`${address}#demo`);
  await page.getByRole('button', { name: 'Train both now' }).click();
}

describeUnless(noChromium, 'the demo', () => {
  const server = servedPage();
  const browser = testBrowser(['--no-sandbox']);

  it('says once that the worker could not be loaded, keeps its search, and trains after Resume', async () => {
    const faulty = await faultyServer(server.address);
    faulty.fault = { paths: /assets\/training-/, kind: 'refuse' };
    const page = await browser.newPage();
    await started(page, faulty.address);
    const problem = page.getByRole('alert');
    await problem.getByRole('heading', { name: 'The training stopped' }).waitFor();
    expect(await problem.count()).toBe(1);
    expect(await problem.innerText()).toContain('its program could not be loaded');
    await page.getByText('What is finished is stored.').waitFor();
    const example = page.getByRole('group', { name: 'Example queries' }).getByRole('button').nth(1);
    await example.click();
    await page.getByText(`Best ten for “${await example.innerText()}”`).waitFor();
    faulty.fault = undefined;
    await page.getByRole('button', { name: 'Resume' }).click();
    await page
      .getByText(/step [1-9]\d* of/)
      .first()
      .waitFor();
    // As it was watched before.
    await page.getByRole('region', { name: 'Listwise' }).getByRole('listitem').nth(9).waitFor();
    expect(await problem.count()).toBe(0);
  });
});

describeUnless(noChromium, 'the demo without SIMD in WebAssembly', () => {
  const server = servedPage();
  const browser = testBrowser(['--no-sandbox', '--js-flags=--no-enable-sse4-1']);

  it('trains, shows what the students learn, and says what does not work', async ({ skip }) => {
    const page = await browser.newPage();
    await started(page, server.address);
    // A function that makes a vector.
    const hasSimd = await page.evaluate(() =>
      WebAssembly.validate(
        Uint8Array.from([
          ...[0, 97, 115, 109, 1, 0, 0, 0, 1, 4, 1, 96, 0, 0, 3, 2, 1, 0],
          ...[10, 9, 1, 7, 0, 65, 0, 253, 15, 26, 11],
        ]),
      ),
    );
    if (hasSimd) skip('the switch takes SIMD from x86 processors only');
    await page.getByText('Transformers such as nano need WebAssembly with SIMD').waitFor();
    await page.getByRole('region', { name: 'Listwise' }).getByRole('listitem').nth(9).waitFor();
    await page
      .getByText(/step [1-9]\d* of/)
      .first()
      .waitFor();
    expect(await page.getByRole('alert').count()).toBe(0);
    expect(await page.getByText('cannot be shown').count()).toBe(0);
  });
});
