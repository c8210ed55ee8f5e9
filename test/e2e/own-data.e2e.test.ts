/** The built page with its own worker, store and WASM: a dropped corpus is trained on, from the file to the results. */
import { expect, it } from 'vitest';
import { servedPage, testBrowser } from '../support/built-page.ts';
import { noChromium } from '../support/chromium-process.ts';
import { describeUnless } from '../support/skip.ts';
import { beirZip } from './beir-zip.ts';

describeUnless(noChromium, 'a short training on dropped data', () => {
  const server = servedPage();
  const browser = testBrowser();

  it('goes from a dropped zip to results that are there after a reload', async () => {
    const page = await browser.newPage();
    page.setDefaultTimeout(100_000);
    await page.goto(`${server.address}#own-data`);
    await page
      .getByLabel(/^Choose files/)
      .setInputFiles({ name: 'small.zip', mimeType: 'application/zip', buffer: beirZip() });
    await page.getByRole('heading', { name: 'Data', exact: true }).waitFor();
    await page.getByRole('link', { name: 'Next: Train' }).click();
    await page.getByLabel('Epochs').fill('1');
    await page.getByLabel('Batch size').fill('10');
    await page.getByRole('button', { name: 'Train', exact: true }).click();
    const table = page.getByRole('region', { name: 'Results of all systems' });
    await table.waitFor();
    const rows = await table.getByRole('rowheader').allInnerTexts();
    for (const system of [/BM25/, /untrained/i, /infonce/i]) {
      expect(rows.filter((row) => system.test(row))).toHaveLength(1);
    }
    const shown = await table.innerText();
    await page.goto(`${server.address}#results`);
    await page.reload();
    await page.getByRole('link', { name: /^Open/ }).click();
    await table.waitFor();
    expect(await table.innerText()).toBe(shown);
    // What a project says of it: the best of its trained encoders.
    const best = await table.getByRole('row', { name: /infonce/i }).innerText();
    await page.goto(`${server.address}#own-data`);
    const card = page.getByRole('list', { name: 'Your projects' }).getByRole('listitem');
    await card.getByText('240 passages, 80 queries').waitFor();
    const said = /1 training, best (\d\.\d{3})/.exec(await card.innerText())?.[1];
    expect(best).toContain(said);
    await page.close();
  });
});
