// @ts-check
/**
 * `npm run screenshots`: pictures of every screen, light and dark, wide and 360 px, into docs/screenshots/. The demo is
 * trained for real first, in a profile of its own.
 */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { chromium } from 'playwright';
import { buildPageIfStale, pageFolder } from './build-page.mjs';
import { chromiumArguments, testChromium } from './chromium.mjs';
import { servePage } from './serve-page.mjs';
import { builtHost } from './webgpu.mjs';

const folder = fileURLToPath(new URL('../docs/screenshots/', import.meta.url));
mkdirSync(folder, { recursive: true });
if (!buildPageIfStale()) throw new Error('The page could not be built.');
const { findChromium } = await builtHost();
const executablePath = testChromium(findChromium());
if (executablePath === undefined) throw new Error('There is no Chromium.');
const server = await servePage(pageFolder);
const profile = mkdtempSync(join(tmpdir(), 'screenshots-'));
const context = await chromium.launchPersistentContext(profile, {
  executablePath,
  args: chromiumArguments().filter((argument) => !argument.includes('webgpu')),
  reducedMotion: 'reduce',
});
try {
  const page = await context.newPage();
  page.setDefaultTimeout(300_000);

  const encoder = await context.newPage();
  /**
   * A third of the bytes of a PNG.
   * @param {Buffer} png
   */
  const webp = async (png) => {
    const text = await encoder.evaluate(`(async () => {
      const bitmap = await createImageBitmap(await (await fetch('data:image/png;base64,${png.toString('base64')}')).blob());
      const canvas = new OffscreenCanvas(bitmap.width, bitmap.height);
      canvas.getContext('2d').drawImage(bitmap, 0, 0);
      const bytes = await (await canvas.convertToBlob({ type: 'image/webp', quality: 0.6 })).arrayBuffer();
      return btoa(Array.from(new Uint8Array(bytes), (byte) => String.fromCharCode(byte)).join(''));
    })()`);
    return Buffer.from(String(text), 'base64');
  };

  /** @param {string} name */
  const picture = async (name) => {
    for (const colorScheme of /** @type {const} */ (['light', 'dark'])) {
      for (const width of [1280, 360]) {
        await page.emulateMedia({ colorScheme });
        await page.setViewportSize({ width, height: 800 });
        await page.waitForTimeout(300);
        const png = await page.screenshot({ fullPage: true });
        writeFileSync(join(folder, `${name}-${colorScheme}-${width}.webp`), await webp(png));
      }
    }
  };

  await page.goto(`${server.address}#demo`);
  await page.getByRole('button', { name: 'Train both now' }).waitFor();
  await picture('demo');
  await page.getByRole('button', { name: 'Train both now' }).click();
  await page
    .getByText(/step \d+ of/)
    .first()
    .waitFor();
  await page.getByRole('button', { name: 'Pause' }).click();
  await page.getByRole('heading', { name: 'Paused' }).waitFor();
  await picture('training');
  await page.getByRole('button', { name: 'Resume' }).click();
  await page.getByRole('region', { name: 'Results of all systems' }).waitFor();
  await page.getByRole('button', { name: 'Take a test query' }).click();
  await page.getByRole('listitem').nth(10).waitFor();
  await picture('demo-results');
  await page.goto(`${server.address}#own-data`);
  await page.getByRole('heading', { name: 'What do you have?' }).waitFor();
  await picture('own-data');
  await page.goto(`${server.address}#recipes`);
  await page.getByText(/^Trains on the/).waitFor();
  await page.getByRole('button', { name: 'See what it will cost' }).click();
  await page.getByText('Requests to language models').waitFor();
  await picture('recipes');
  await page.goto(`${server.address}#results`);
  await page.getByRole('link', { name: /^Open/ }).first().waitFor();
  await picture('results');
} finally {
  await context.close();
  await server.close();
  rmSync(profile, { recursive: true, force: true });
}
