/** The built page in two tabs of one browser: what the second says of a training that the first runs. */
import type { BrowserContext, Page } from 'playwright';
import { beforeEach, expect, it } from 'vitest';
import { servedPage, testBrowser } from '../support/built-page.ts';
import { noChromium } from '../support/chromium-process.ts';
import { describeUnless } from '../support/skip.ts';
import { answers, runs } from './canned-run.ts';
import { installFakeWorker } from './fake-worker.ts';

const sentence = 'This training runs in another tab of this browser.';
const [demo, own] = runs.map((run) => ({ ...run, state: 'begun' }));

const server = servedPage();
const browser = testBrowser();
let context: BrowserContext;

async function tab(screen: string): Promise<Page> {
  const page = await context.newPage();
  page.setDefaultTimeout(60_000);
  await installFakeWorker(page, { ...answers, runs: [demo, own] }, { finishes: false });
  await page.goto(`${server.address}#${screen}`, { waitUntil: 'domcontentloaded' });
  await page.getByRole('heading', { level: 1 }).waitFor();
  return page;
}

/** A tab in which the demo trains. */
async function training(): Promise<Page> {
  const page = await tab('demo');
  await page.getByRole('button', { name: 'Train both now' }).click();
  await page.getByText('2 trainings at once: step 14 of 36').waitFor();
  return page;
}

const asked = (page: Page, call: string): Promise<unknown> =>
  page.evaluate(`asked.filter((each) => each.call === '${call}').length`);

describeUnless(noChromium, 'two tabs', () => {
  beforeEach(async () => {
    context = await browser.newContext();
    return () => context.close();
  });

  it.each(['demo', 'results', 'results/demo'])(
    'say so on the screen %s, offer nothing of it, and start nothing',
    async (screen) => {
      await training();
      const second = await tab(screen);
      await second.getByText(sentence).last().waitFor();
      expect(await second.getByText('not finished when').count()).toBe(0);
      const main = second.locator('main');
      expect(await main.getByRole('button', { name: /^(Resume|Go on|Not now|Delete demo)/ }).count()).toBe(0);
      expect(await main.getByRole('link', { name: /^(Resume|Go on|Open) demo/ }).count()).toBe(0);
      for (const button of await main.getByRole('button', { name: 'Train both now' }).all())
        expect(await button.isDisabled()).toBe(true);
      expect(await asked(second, 'run')).toBe(0);
    },
  );

  it('say so of a training that begins while both are open', async () => {
    const second = await tab('results');
    await second.getByRole('link', { name: 'Resume demo' }).waitFor();
    await training();
    await second.getByText(sentence).last().waitFor();
    expect(await second.getByRole('button', { name: 'Delete demo' }).count()).toBe(0);
    // Another training is none of it.
    expect(await second.getByRole('button', { name: 'Delete own corpus' }).isEnabled()).toBe(true);
  });

  it('offer to resume it in the second when the first is closed', async () => {
    const first = await training();
    const second = await tab('results/demo');
    await second.getByText(sentence).last().waitFor();
    await first.close();
    await second.locator('section').last().getByRole('button', { name: 'Resume' }).click();
    await second.getByText('2 trainings at once: step 14 of 36').waitFor();
    expect(await asked(second, 'run')).toBe(1);
    expect(await second.getByText(sentence).count()).toBe(0);
  });
});
