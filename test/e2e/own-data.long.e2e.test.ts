/**
 * The built page with its own worker, store and WASM: a dropped corpus is trained on while the browser is killed, and
 * goes on. KILL_TRIALS=10 for more than a sample.
 */
import { createHash } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { unzipSync } from 'fflate';
import type { Page } from 'playwright';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { RandomStream } from '../../src/core/random.ts';
import { noChromium, startChromium } from '../support/chromium-process.ts';
import { beirZip } from './beir-zip.ts';
import { describeUnless } from '../support/skip.ts';
import { servedPage } from '../support/built-page.ts';
import { chooseContrastive } from './training-form.ts';

const TRIALS = Number(process.env.KILL_TRIALS ?? 2);
/** So that most kills meet a training that is under way. */
const epochs = Math.max(20, 8 * TRIALS);
const hang = 900_000;

let folder: string;
const server = servedPage();

async function prepared(page: Page, screen: string): Promise<Page> {
  page.setDefaultTimeout(120_000);
  await page.goto(`${server.address}#${screen}`);
  await page.getByRole('heading', { level: 1 }).waitFor();
  return page;
}

/** Drops the corpus and begins a training of 100 steps or more on WASM. */
async function begin(page: Page): Promise<void> {
  await page
    .getByLabel(/^Choose files/)
    .setInputFiles({ name: 'small.zip', mimeType: 'application/zip', buffer: beirZip() });
  await page.getByRole('heading', { name: 'Data', exact: true }).waitFor();
  await page.getByRole('link', { name: 'Next: Train' }).click();
  await chooseContrastive(page, 10, epochs);
  await page.getByRole('button', { name: 'Train', exact: true }).click();
  await page
    .getByText(/step \d+ of/)
    .first()
    .waitFor();
}

async function finished(page: Page): Promise<void> {
  await page.getByRole('region', { name: 'Results of all systems' }).waitFor({ timeout: hang });
}

/** The hash of the trained weights, as they are downloaded, and the results as the page shows them. */
async function outcome(page: Page): Promise<{ readonly weights: string; readonly table: string }> {
  const download = page.waitForEvent('download');
  await page.getByRole('button', { name: 'Model “infonce” (zip)' }).click();
  const file = join(folder, 'model.zip');
  await (await download).saveAs(file);
  const files = unzipSync(new Uint8Array(readFileSync(file)));
  const [, weights] = Object.entries(files).find(([path]) => path.endsWith('/model.safetensors')) ?? [];
  if (weights === undefined) throw new Error('the zip holds no weights');
  const table = await page.getByRole('region', { name: 'Results of all systems' }).innerText();
  return { weights: createHash('sha256').update(weights).digest('hex'), table };
}

describeUnless(noChromium, 'a training on dropped data', () => {
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'own-data-'));
  });

  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  it(
    `ends with the same bits after ${TRIALS} kills of the browser, a closed tab and a pause`,
    async () => {
      const calm = await startChromium(join(folder, 'calm'));
      const undisturbed = await prepared(await calm.newPage(), 'own-data');
      await begin(undisturbed);
      await finished(undisturbed);
      const expected = await outcome(undisturbed);
      await calm.kill();

      const random = new RandomStream(20261121, 'page kills');
      const profile = join(folder, 'killed');
      const resumedAt: number[] = [];
      for (let trial = 0; trial < TRIALS; trial++) {
        const killed = await startChromium(profile);
        const page = await prepared(await killed.newPage(), trial === 0 ? 'own-data' : 'results');
        if (trial === 0) await begin(page);
        else resumedAt.push(await goOn(page));
        // The first time something has been saved, the others have whatever moment comes.
        if (trial === 0)
          await page
            .getByText(/step [6-9]\d of/)
            .first()
            .waitFor();
        else await sleep(random.uniform() * 20_000);
        await killed.kill();
      }

      const last = await startChromium(profile);
      const closed = await prepared(await last.newPage(), 'results');
      resumedAt.push(await goOn(closed));
      await closed.close();
      const page = await prepared(await last.newPage(), 'results');
      resumedAt.push(await goOn(page));
      if (await page.getByRole('button', { name: 'Pause' }).isVisible()) {
        await page.getByRole('button', { name: 'Pause' }).click();
        await page.getByRole('heading', { name: 'Paused' }).waitFor();
        const share = (): Promise<number> =>
          page.getByRole('progressbar').evaluate((bar: HTMLProgressElement) => bar.value);
        const held = await share();
        await sleep(1000);
        expect(await share()).toBe(held);
        await page.getByRole('button', { name: 'Resume' }).click();
      }
      await finished(page);
      console.log(`killed ${TRIALS} times; the first steps after each opening: ${resumedAt.join(', ')}`);
      expect(resumedAt[0]).toBeGreaterThan(20);
      expect(await outcome(page)).toEqual(expected);
    },
    hang,
  );
});

/** @returns the first step that is seen after it has gone on; 0 where none was left */
async function goOn(page: Page): Promise<number> {
  const notice = page.getByRole('region', { name: 'Unfinished training' });
  const finishedRun = page.getByRole('link', { name: /^Open/ });
  // A browser writes localStorage late, up to a minute: one that was killed may have forgotten to offer it at the top.
  const listed = page.getByRole('link', { name: /^Resume/ });
  await notice.or(finishedRun).or(listed).first().waitFor();
  if (await finishedRun.isVisible()) await finishedRun.click();
  else if (await notice.isVisible()) await notice.getByRole('button', { name: 'Resume' }).click();
  else {
    await listed.click();
    await page.getByRole('button', { name: 'Resume' }).last().click();
  }
  const step = page.getByText(/step \d+ of/).first();
  await step
    .or(page.getByRole('region', { name: 'Results of all systems' }))
    .first()
    .waitFor();
  if (!(await step.isVisible())) return 0;
  return Number(/step (\d+) of/.exec(await step.innerText())?.[1] ?? 0);
}
