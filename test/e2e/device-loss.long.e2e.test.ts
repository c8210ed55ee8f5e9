/**
 * The GPU process of the browser is crashed during trainings on WebGPU: the page goes on by itself, with the same bits.
 * In software, shaders are compiled again after each crash, which takes minutes: GPU_LOSSES=5 asks for it.
 */
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { unzipSync } from 'fflate';
import { chromium, type Page } from 'playwright';
import { expect } from 'vitest';
import { buildPageIfStale, pageFolder } from '../../scripts/build-page.mjs';
import { chromiumArguments } from '../../scripts/chromium.mjs';
import { servePage } from '../../scripts/serve-page.mjs';
import { RandomStream } from '../../src/core/random.ts';
import { chromiumPath, noChromium } from '../support/chromium-process.ts';
import { temporaryFolder } from '../support/cli.ts';
import { itUnless } from '../support/skip.ts';
import { beirZip } from './beir-zip.ts';
import { chooseContrastive } from './training-form.ts';

const LOSSES = Number(process.env.GPU_LOSSES ?? 0);
const notAsked =
  LOSSES > 0
    ? undefined
    : 'takes up to 20 minutes in software, and a browser test loses a device too; GPU_LOSSES=5 asks for it';
const hang = 3_000_000;

/** @returns the hash of the trained weights */
async function train(address: string, losses: number): Promise<string> {
  const browser = await chromium.launch({
    executablePath: chromiumPath ?? '',
    // A browser gives up its GPU after a few crashes within minutes, as these are.
    args: [
      ...chromiumArguments(),
      '--disable-gpu-process-crash-limit',
      '--disable-domain-blocking-for-3d-apis',
    ],
  });
  try {
    const page = await browser.newPage();
    page.setDefaultTimeout(hang);
    await page.goto(`${address}#own-data`);
    await page
      .getByLabel(/^Choose files/)
      .setInputFiles({ name: 'small.zip', mimeType: 'application/zip', buffer: beirZip() });
    await page.getByRole('heading', { name: 'Data', exact: true }).waitFor();
    await page.getByRole('link', { name: 'Next: Train' }).click();
    await chooseContrastive(page, 10, 2);
    await page.getByLabel('Negatives', { exact: true }).fill('1');
    await page.getByLabel('Train on').selectOption('webgpu');
    await page.getByText('Trains on the graphics processor').waitFor();
    await page.getByRole('button', { name: 'Train', exact: true }).click();

    const random = new RandomStream(20261121, 'GPU losses');
    const browserSession = await browser.newBrowserCDPSession();
    for (let loss = 0; loss < losses; loss++) {
      await page
        .getByText(/step \d+ of/)
        .first()
        .waitFor();
      await sleep(random.uniform() * 3000);
      const told = await notices(page);
      await browserSession.send('Browser.crashGpuProcess').catch(() => undefined);
      while ((await notices(page)) === told) await sleep(200);
    }
    await page.getByRole('region', { name: 'Results of all systems' }).waitFor();
    const download = page.waitForEvent('download');
    await page.getByRole('button', { name: 'Model “infonce” (zip)' }).click();
    const file = join(temporaryFolder(), 'model.zip');
    await (await download).saveAs(file);
    const files = unzipSync(new Uint8Array(readFileSync(file)));
    const [, weights] = Object.entries(files).find(([path]) => path.endsWith('/model.safetensors')) ?? [];
    if (weights === undefined) throw new Error('the zip holds no weights');
    return createHash('sha256').update(weights).digest('hex');
  } finally {
    await browser.close();
  }
}

function notices(page: Page): Promise<number> {
  return page.getByText('Going on from the last checkpoint').count();
}

itUnless(
  noChromium ?? notAsked,
  `a training on WebGPU resumes after ${LOSSES} ${LOSSES === 1 ? 'crash' : 'crashes'} of the GPU process, with the same bits`,
  async () => {
    expect(buildPageIfStale()).toBe(true);
    const server = await servePage(pageFolder);
    try {
      const expected = await train(server.address, 0);
      expect(await train(server.address, LOSSES)).toBe(expected);
    } finally {
      await server.close();
    }
  },
  hang,
);
