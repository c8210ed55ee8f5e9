// @ts-check
/**
 * `npm run build && node bench/page-demo.mjs [--runs 3]`: in a fresh profile each time (nothing cached), what the first
 * load takes, until when a typed query is answered, and from the press of the demo's button to its table beside the
 * estimate on it; also the tasks that held the page's main thread for above 50 ms, by phase, with what the longest did.
 * `--first` stops before the press. `--zip FILE` keeps the listwise model of the last run. `--trace FILE` keeps the
 * trace of the last run.
 */
import { writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { gzipSync } from 'node:zlib';
import { chromium } from 'playwright';
import { buildPageIfStale, pageFolder } from '../scripts/build-page.mjs';
import { chromiumArguments, testChromium } from '../scripts/chromium.mjs';
import { builtHost } from '../scripts/webgpu.mjs';
import { servePage } from '../scripts/serve-page.mjs';
import { categories, longTasks, phaseLines } from './long-tasks.mjs';

const { values } = parseArgs({
  options: {
    runs: { type: 'string', default: '3' },
    first: { type: 'boolean' },
    gpu: { type: 'boolean' },
    zip: { type: 'string' },
    trace: { type: 'string' },
  },
});

/** Runs in the page: marks where the phases begin. */
const markPhases = `
  performance.mark('load');
  addEventListener('click', ({ target }) => {
    if (target.closest('button')?.textContent.includes('Train both')) performance.mark('start');
  }, true);
  const marked = new Set();
  const mark = (name, isThere) => {
    if (marked.has(name) || !isThere) return;
    marked.add(name);
    performance.mark(name);
  };
  new MutationObserver(() => {
    mark('training', document.querySelector('[aria-label="Contrastive"]'));
    mark('verdict', document.querySelector('[aria-label="Results"]'));
  }).observe(document, { subtree: true, childList: true });
`;
const phases = ['load', 'start', 'training', 'verdict'];

if (!buildPageIfStale()) throw new Error('The page could not be built.');
const { findChromium } = await builtHost();
const executablePath = testChromium(findChromium());
if (executablePath === undefined) throw new Error('There is no Chromium.');
const server = await servePage(pageFolder);
try {
  for (let run = 1; run <= Number(values.runs); run++) {
    const browser = await chromium.launch({
      executablePath,
      args: values.gpu ? chromiumArguments() : ['--no-sandbox'],
    });
    const page = await browser.newPage({ viewport: { width: 1280, height: 900 } });
    page.setDefaultTimeout(600_000);
    await page.addInitScript({ content: markPhases });
    await browser.startTracing(page, { categories });
    /** @type {Map<string, Promise<number>>} */
    const sizes = new Map();
    page.on('response', (response) => {
      const path = response.url().slice(server.address.length);
      sizes.set(
        path,
        response.body().then(
          (body) => gzipSync(body).length,
          () => 0,
        ),
      );
    });
    await page.goto(server.address);
    await page.getByLabel('Your query').fill('how do bees make honey');
    await page.getByLabel('Your query').press('Enter');
    await page.getByText('Best ten for “how do bees make honey”').waitFor();
    const answered = await page.evaluate('performance.now()');
    await page.getByRole('region', { name: 'Untrained encoder' }).getByRole('listitem').nth(9).waitFor();
    const both = await page.evaluate('performance.now()');
    const button = page.getByRole('button', { name: 'Train both now' });
    await button.getByText('on this computer').waitFor();
    await page.waitForLoadState('networkidle');
    /** @param {RegExp} pattern */
    const kilobytes = async (pattern) => {
      const found = [...sizes].filter(([path]) => pattern.test(path)).map(([, size]) => size);
      return `${((await Promise.all(found)).reduce((sum, size) => sum + size, 0) / 1000).toFixed(1)} KB`;
    };
    const paint = await page.evaluate("performance.getEntriesByName('first-contentful-paint')[0]?.startTime");
    /** @param {unknown} time */
    const inSeconds = (time) => `${(Number(time) / 1000).toFixed(2)} s`;
    console.log(
      `run ${run}, gzipped: page ${await kilobytes(/^$|^assets\/(?!demo-).*\.(js|css)$/)}, search worker ` +
        `${await kilobytes(/^assets\/demo-/)}, corpus and queries ${await kilobytes(/^demo\//)}, encoder ${await kilobytes(/^models\//)}`,
    );
    console.log(
      `run ${run}: first paint ${inSeconds(paint)}, typed query answered by BM25 ${inSeconds(answered)}, by the encoder ` +
        `${inSeconds(both)}`,
    );
    console.log(`run ${run}: the button says "${(await button.innerText()).replace(/\s+/g, ' ')}"`);
    const tellTasks = async () => {
      const trace = await browser.stopTracing();
      if (values.trace !== undefined) writeFileSync(values.trace, trace);
      for (const line of phaseLines(longTasks(trace, phases), phases)) console.log(`run ${run}, ${line}`);
    };
    if (values.first) {
      await tellTasks();
      await browser.close();
      continue;
    }
    const pressed = performance.now();
    await button.click();
    let said = '';
    const watch = setInterval(() => {
      void page
        .locator('[role=status], progress')
        .allTextContents()
        .then((texts) => {
          const now = texts.join(' ').trim();
          if (now !== said && process.env.VERBOSE)
            console.log(`${((performance.now() - pressed) / 1000).toFixed(1)} ${now}`);
          said = now;
        })
        .catch(() => undefined);
    }, 500);
    await page.getByRole('region', { name: 'Results of all systems' }).first().waitFor();
    const seconds = (performance.now() - pressed) / 1000;
    clearInterval(watch);
    console.log(`run ${run}: ${seconds.toFixed(1)} s from press to table`);
    await page.getByRole('heading', { name: /^The second act/ }).waitFor();
    await page.waitForTimeout(1000);
    await tellTasks();
    if (values.zip !== undefined) {
      const download = page.waitForEvent('download');
      await page.getByRole('button', { name: 'Model “listwise” (zip)' }).click();
      await (await download).saveAs(values.zip);
    }
    await browser.close();
  }
} finally {
  await server.close();
}
