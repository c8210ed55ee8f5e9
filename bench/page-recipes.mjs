// @ts-check
/**
 * `node bench/page-recipes.mjs [--recipes paper-a,paper-b,paper-c] [--runs 1] [--gpu] [--pictures FOLDER]`: the papers'
 * recipes at the size of a tab, with what a model wrote replayed, in the built page. For each, in a fresh profile
 * (nothing cached): the time that the page foretells, the time from the press of Start to the table, the longest that
 * the main thread was held meanwhile, and whether the table has a row for every system. `VERBOSE=1` prints what the page
 * says on the way. Ends with 1 where a recipe has no whole table.
 */
import { mkdirSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { chromium } from 'playwright';
import { buildPageIfStale, pageFolder } from '../scripts/build-page.mjs';
import { chromiumArguments, testChromium } from '../scripts/chromium.mjs';
import { servePage } from '../scripts/serve-page.mjs';
import { builtHost } from '../scripts/webgpu.mjs';

const { values } = parseArgs({
  options: {
    recipes: { type: 'string', default: 'paper-a,paper-b,paper-c' },
    runs: { type: 'string', default: '1' },
    gpu: { type: 'boolean' },
    pictures: { type: 'string' },
  },
});

/** Milliseconds that a recipe may take. */
const longest = 3_600_000;

/** Runs in the page: the milliseconds of every task above 50 ms. */
const watchLongTasks = `
  globalThis.longTasks = [];
  new PerformanceObserver((list) => {
    for (const { duration } of list.getEntries()) longTasks.push(Math.round(duration));
  }).observe({ type: 'longtask', buffered: true });
`;

/** @typedef {{ readonly name: string, readonly arms: readonly { readonly name: string }[] }} Recipe */

/** @param {string} id a file's name without its ending */
async function readRecipe(id) {
  const text = await readFile(new URL(`../recipes/${id}.json`, import.meta.url), 'utf8');
  return /** @type {Recipe} */ (JSON.parse(text));
}

/**
 * @param {import('playwright').Page} page
 * @param {string} id of the recipe and its run, in the names of pictures
 */
async function takePictures(page, id) {
  if (values.pictures === undefined) return;
  mkdirSync(values.pictures, { recursive: true });
  for (const colorScheme of /** @type {const} */ (['light', 'dark'])) {
    for (const width of [1280, 360]) {
      await page.emulateMedia({ colorScheme });
      await page.setViewportSize({ width, height: 800 });
      await page.waitForTimeout(300);
      const path = join(values.pictures, `${id}-${colorScheme}-${String(width)}.png`);
      await page.screenshot({ path, fullPage: true });
    }
  }
}

/**
 * Prints what the page says, while it changes.
 * @param {import('playwright').Page} page
 * @param {number} pressed
 */
function follow(page, pressed) {
  let said = '';
  const timer = setInterval(() => {
    void page
      .getByRole('region', { name: 'Training' })
      .locator('.progress')
      .allInnerTexts()
      .then((texts) => {
        const now = texts.join(' ').replace(/\s+/g, ' ').trim();
        if (now !== said) console.log(`${((performance.now() - pressed) / 1000).toFixed(1)} ${now}`);
        said = now;
      })
      .catch(() => undefined);
  }, 1000);
  return () => clearInterval(timer);
}

/**
 * @param {string} address
 * @param {string} executablePath
 * @param {string} id
 * @param {number} run
 * @returns whether the table has all rows
 */
async function measure(address, executablePath, id, run) {
  const recipe = await readRecipe(id);
  const browser = await chromium.launch({
    executablePath,
    args: values.gpu ? chromiumArguments() : ['--no-sandbox'],
  });
  try {
    const page = await browser.newPage({ viewport: { width: 1280, height: 900 } });
    page.setDefaultTimeout(longest);
    await page.addInitScript({ content: watchLongTasks });
    await page.goto(`${address}#recipes`);
    await page.getByLabel('Recipe', { exact: true }).selectOption(id);
    await page.getByRole('button', { name: 'See what it will cost' }).click();
    const foretold = await page
      .locator('dt', { hasText: /^Time$/ })
      .locator('+ dd')
      .innerText();
    const steps = await page.getByText(/^Its \d+ steps/).innerText();
    const before = await page.evaluate('longTasks.length');
    const pressed = performance.now();
    await page.getByRole('button', { name: 'Start', exact: true }).click();
    const unfollow = process.env.VERBOSE ? follow(page, pressed) : () => undefined;
    const table = page.getByRole('region', { name: 'Results of all systems' });
    const failure = page.getByRole('region', { name: 'Training' }).getByRole('alert');
    await table.or(failure).first().waitFor();
    const seconds = (performance.now() - pressed) / 1000;
    unfollow();
    if (await failure.isVisible()) {
      console.log(`${id}, run ${String(run)}: no table. ${(await failure.innerText()).replace(/\s+/g, ' ')}`);
      return false;
    }
    const tasks = /** @type {number[]} */ (await page.evaluate(`longTasks.slice(${String(before)})`));
    // A row's loss stands behind its name.
    const rows = await table
      .locator('tbody th')
      .evaluateAll((cells) => cells.map((cell) => (cell.firstChild?.textContent ?? '').trim().toLowerCase()));
    const missing = recipe.arms.filter(({ name }) => !rows.includes(name.toLowerCase()));
    console.log(
      `${id}, run ${String(run)}: ${seconds.toFixed(1)} s from press to table; foretold: ` +
        `${foretold.split('\n')[0] ?? ''} (${steps}); longest task of the main thread: ` +
        `${String(Math.max(0, ...tasks))} ms (${String(tasks.length)} above 50 ms); ${String(rows.length)} rows, ` +
        (missing.length === 0 ? 'all there' : `missing: ${missing.map(({ name }) => name).join(', ')}`),
    );
    await takePictures(page, `${id}-${String(run)}`);
    return missing.length === 0;
  } finally {
    await browser.close();
  }
}

if (!buildPageIfStale()) throw new Error('The page could not be built.');
const { findChromium } = await builtHost();
const executablePath = testChromium(findChromium());
if (executablePath === undefined) throw new Error('There is no Chromium.');
const server = await servePage(pageFolder);
try {
  for (const id of values.recipes.split(',')) {
    for (let run = 1; run <= Number(values.runs); run++) {
      if (!(await measure(server.address, executablePath, id, run))) process.exitCode = 1;
    }
  }
} finally {
  await server.close();
}
