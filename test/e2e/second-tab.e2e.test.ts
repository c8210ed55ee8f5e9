/** The built page in two tabs of one browser: what the second says of a training that the first runs. */
import { chromium, type Browser, type BrowserContext, type Page } from 'playwright';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { buildPageIfStale, pageFolder } from '../../scripts/build-page.mjs';
import { chromiumArguments, testChromium } from '../../scripts/chromium.mjs';
import { servePage } from '../../scripts/serve-page.mjs';
import { findChromium } from '../../src/host/node/machine.ts';
import { answers, runs } from './canned-run.ts';
import { installFakeWorker } from './fake-worker.ts';

const executablePath = testChromium(findChromium());
const name = `two tabs${executablePath === undefined ? ' (skipped: there is no Chromium)' : ''}`;
const sentence = 'This training runs in another tab of this browser.';
const [demo, own] = runs.map((run) => ({ ...run, state: 'begun' }));

let browser: Browser;
let context: BrowserContext;
let server: Awaited<ReturnType<typeof servePage>>;

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
  await page.getByText('step 9 of 18').waitFor();
  return page;
}

const asked = (page: Page, call: string): Promise<unknown> =>
  page.evaluate(`asked.filter((each) => each.call === '${call}').length`);

describe.skipIf(executablePath === undefined)(name, () => {
  beforeAll(async () => {
    expect(buildPageIfStale()).toBe(true);
    server = await servePage(pageFolder);
    browser = await chromium.launch({ executablePath: executablePath ?? '', args: chromiumArguments() });
  });

  beforeEach(async () => {
    context = await browser.newContext();
    return () => context.close();
  });

  afterAll(async () => {
    await browser.close();
    await server.close();
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
    await second.getByText('step 9 of 18').waitFor();
    expect(await asked(second, 'run')).toBe(1);
    expect(await second.getByText(sentence).count()).toBe(0);
  });
});
