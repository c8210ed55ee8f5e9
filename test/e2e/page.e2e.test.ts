/** The built page in a browser: what a visitor meets before and after a training. */
import { gzipSync } from 'node:zlib';
import axe from 'axe-core';
import { type Page } from 'playwright';
import { describe, expect, it } from 'vitest';
import { demoRecipe } from '../../src/studio/demo-recipe.ts';
import { comparison } from './canned-comparison.ts';
import { answers, opened, report, runs } from './canned-run.ts';
import { plan, replies, servedRun } from './canned-writing.ts';
import { installFakeWorker } from './fake-worker.ts';
import { describeUnless } from '../support/skip.ts';
import { servedPage, testBrowser } from '../support/built-page.ts';
import { noChromium } from '../support/chromium-process.ts';

const themes = ['light', 'dark'] as const;
const widths = [1280, 360] as const;
const looks = themes.flatMap((theme) => widths.map((width) => ({ theme, width })));
const height = 900;

/** Of three trainings, which make a plot, with what is said of their data. */
const [first] = report.arms;
const scores = (...tenths: readonly number[]) => ({ low: -0.05, high: 0.85, counts: tenths });
const scored = {
  teacher: scores(20, 40, 60, 50, 40, 20, 8, 2, 0, 0),
  positives: scores(0, 0, 0, 1, 4, 8, 12, 14, 7, 2),
};
const planned = {
  openRun: { ...opened, plan },
  run: {
    state: 'finished',
    report: {
      ...report,
      arms: [...report.arms, { ...first, name: 'third', filters: 'strict' }],
      tables: [
        {
          title: 'Planted positives found by the rules',
          note: 'How to read it.',
          rows: [
            ['lists', 'rules', 'planted dropped', 'recall', 'precision', 'true negatives lost'],
            ['lists of bm25, strict', 'share<=0.95', '30 of 48', '0.625', '0.750', '0.034'],
          ],
          words: 2,
        },
        {
          title: 'Source diagnostics',
          rows: [
            ['source', 'passages', 'Jaccard query', 'cosine query'],
            ['bm25', '240', '0.100', '0.400'],
            ['written', '240', '0.100', '0.400'],
          ],
          words: 1,
        },
        {
          title: 'Teacher scores',
          rows: [
            ['source', 'passages', '−0.05 to 0.04', '0.04 to 0.13', '0.13 to 0.22'],
            ['bm25', 'negatives', '8 %', '17 %', '25 %'],
          ],
          words: 2,
          scores: ['bm25', 'written'].map((source) => ({ source, ...scored })),
        },
      ],
    },
  },
};

/** A verdict with a strip of queries. */
const ndcg = (values: readonly number[]) => ({ ndcg_cut_10: [values] });
const judged = {
  runs: [],
  run: {
    state: 'finished',
    report: {
      ...report,
      results: {
        ...report.results,
        perQuery: {
          queries: ['q', 'q1', 'q2'],
          systems: {
            untrained: ndcg([0.2, 0.5, 0.6]),
            contrastive: ndcg([0.4, 0.5, 0.3]),
            listwise: ndcg([0.9, 0.5, 0.5]),
          },
        },
      },
    },
  },
};

/** As WebLLM lists its own. */
const languageModels = [
  {
    model_id: 'Qwen3-0.6B-q4f32_1-MLC',
    model: 'https://huggingface.co/mlc-ai/Qwen3-0.6B-q4f32_1-MLC',
    model_lib: '/no-library.wasm',
    vram_required_MB: 1924.98,
  },
];

/** The address of what is kept. */
const project = 'own-data/own-corpus-1';

const server = servedPage();
const browser = testBrowser();

async function open(
  screen: string,
  finishes = true,
  own: Readonly<Record<string, unknown>> = {},
): Promise<Page> {
  const page = await browser.newPage({
    viewport: { width: widths[0], height },
    colorScheme: themes[0],
    reducedMotion: 'reduce',
    // So that axe can be put into a page that runs nothing but its own.
    bypassCSP: true,
  });
  // A machine may be busy with other things.
  page.setDefaultTimeout(60_000);
  await installFakeWorker(page, { ...answers, ...own }, { finishes, events: replies });
  await page.goto(`${server.address}#${screen}`, { waitUntil: 'domcontentloaded' });
  await page.getByRole('heading', { level: 1 }).waitFor();
  return page;
}

/** What axe finds wrong in each look, with the elements, and whether the page is wider than its window. */
async function complaints(page: Page): Promise<string[]> {
  await page.evaluate(axe.source);
  const all: string[] = [];
  for (const { theme, width } of looks) {
    await page.emulateMedia({ colorScheme: theme });
    await page.setViewportSize({ width, height });
    const found = await page.evaluate(async () => {
      // What fits itself to the width, does so in the frames after it.
      for (let frame = 0; frame < 2; frame++) await new Promise(requestAnimationFrame);
      const { axe: checker } = globalThis as unknown as {
        axe: { run(): Promise<{ violations: { id: string; nodes: { html: string }[] }[] }> };
      };
      const { violations } = await checker.run();
      const lines = violations.flatMap(({ id, nodes }) => nodes.map(({ html }) => `${id}: ${html}`));
      const overflow = document.documentElement.scrollWidth - innerWidth;
      return overflow > 0 ? [...lines, `the page is ${overflow} px wider than its window`] : lines;
    });
    all.push(...found.map((complaint) => `${theme}, ${width} px: ${complaint}`));
  }
  await page.emulateMedia({ colorScheme: themes[0] });
  await page.setViewportSize({ width: widths[0], height });
  return all;
}

/** Runs in the page: as if it had been closed in the middle of a run. */
function leaveUnfinished(runId: string): void {
  localStorage.setItem('retriever-studio.unfinished', runId);
}

describeUnless(noChromium, 'the built page', () => {
  it('takes at most 150 KB of HTML, JS and CSS, gzipped, and 200 KB of the demo corpus, from its own server, before a training', async () => {
    const page = await browser.newPage();
    const bodies: { path: string; bytes: number }[] = [];
    const foreign: string[] = [];
    page.on('request', (request) => {
      const { protocol } = new URL(request.url());
      if (protocol.startsWith('http') && !request.url().startsWith(server.address))
        foreign.push(request.url());
    });
    page.on('requestfinished', (request) => {
      void request.response().then(async (response) => {
        const body = await response?.body();
        const path = request.url().slice(server.address.length);
        if (body !== undefined) bodies.push({ path, bytes: gzipSync(body).length });
      });
    });
    await page.goto(server.address);
    await page.getByRole('button', { name: 'Train both now' }).waitFor();
    // By then the worker of the first search is at work, and has what it needs.
    await page.getByLabel('Your query').fill('how do bees make honey');
    await page.getByLabel('Your query').press('Enter');
    await page.getByRole('region', { name: 'Untrained encoder' }).getByRole('listitem').nth(9).waitFor();
    await page.waitForLoadState('networkidle');
    const total = (pattern: RegExp): number =>
      bodies.filter(({ path }) => pattern.test(path)).reduce((sum, { bytes }) => sum + bytes, 0);
    // With the worker of the first search.
    expect(bodies.filter(({ path }) => /^assets\/demo-.*\.js$/.test(path))).toHaveLength(1);
    expect(total(/^$|\.(html|js|css|svg)$/)).toBeLessThan(150_000);
    expect(total(/^demo\//)).toBeLessThan(200_000);
    const needed =
      /^$|^assets\/.*\.(js|css)$|^icon|^training-files\.json$|^demo\/(corpus|queries|qrels)|^models\/pico\//;
    expect(bodies.filter(({ path }) => !needed.test(path))).toEqual([]);
    expect(
      bodies.filter(({ path }) =>
        /\.wasm|onnx|assets\/(training|page-train|ort)|generation|[a-z]-generator|webllm|wllama|gguf|paper|recipe/.test(
          path,
        ),
      ),
    ).toEqual([]);
    expect(foreign).toEqual([]);
    await page.close();
  });

  it('is isolated, so that WASM may use threads, and its policy stops nothing that it does', async () => {
    const page = await browser.newPage();
    const errors: string[] = [];
    page.on('console', (message) => {
      if (message.type() === 'error') errors.push(message.text());
    });
    page.on('pageerror', (error) => errors.push(error.message));
    await page.goto(`${server.address}#recipes/paper-a`);
    expect(await page.evaluate(() => crossOriginIsolated)).toBe(true);
    // The true worker, on the true WASM.
    await page.getByText(/^Trains on the (graphics )?processor with/).waitFor({ timeout: 60_000 });
    expect(errors).toEqual([]);
    await page.close();
  });

  describe('light and dark, 1280 and 360 px wide', () => {
    it('has an accessible screen behind each link of its navigation', async () => {
      const page = await open('');
      const navigation = page.getByRole('navigation', { name: 'Screens' });
      const titles = await navigation.getByRole('link').allInnerTexts();
      expect(titles).toEqual(expect.arrayContaining(['Demo', 'Own data', 'Recipes', 'Results']));
      for (const title of titles) {
        await navigation.getByRole('link', { name: title, exact: true }).click();
        await expect.poll(() => page.title()).toBe(`${title} · Retriever Studio`);
        expect([title, ...(await complaints(page))]).toEqual([title]);
      }
      await page.close();
    });

    it('has an accessible training', async () => {
      const page = await open('demo', false);
      await page.getByRole('button', { name: 'Train both now' }).click();
      await page.getByText('2 trainings at once: step 14 of 36').waitFor();
      await page.getByRole('img', { name: /^nDCG at 10 .* Listwise: from 0.500 at step 5/ }).waitFor();
      await page.getByRole('img', { name: /^Map of 60 passages/ }).waitFor();
      await page.getByRole('region', { name: 'Listwise' }).getByRole('listitem').nth(9).waitFor();
      expect(await complaints(page)).toEqual([]);
      await page.close();
    });

    it('has an accessible verdict and second act, up to a query of its strip, by keyboard alone', async () => {
      const page = await open('demo', true, judged);
      const isFocused = (name: string | RegExp) => async (): Promise<boolean> =>
        page
          .getByRole('button', { name })
          .first()
          .evaluate((button) => button === document.activeElement);
      const tabTo = async (isThere: () => Promise<boolean>): Promise<void> => {
        for (let presses = 0; presses < 60 && !(await isThere()); presses++) await page.keyboard.press('Tab');
        expect(await isThere()).toBe(true);
      };
      await tabTo(isFocused(/^Train both now/));
      await page.keyboard.press('Enter');
      await page.getByRole('heading', { name: /^The second act/ }).waitFor();
      expect(await complaints(page)).toEqual([]);
      await tabTo(isFocused(/^why does bread rise \(better/));
      await page.keyboard.press('ArrowRight');
      expect(await isFocused(/^q1 \(same/)()).toBe(true);
      await page.keyboard.press('Home');
      await page.keyboard.press('Enter');
      await page.getByRole('region', { name: 'Listwise' }).getByRole('listitem').first().waitFor();
      expect(await page.getByLabel('Query', { exact: true }).inputValue()).toBe('why does bread rise');
      expect(await page.evaluate(() => document.activeElement?.getAttribute('type'))).toBe('search');
      expect(await complaints(page)).toEqual([]);
      await page.close();
    });

    it('has an accessible comparison of encoders', async () => {
      const page = await open(`${project}/train`, true, { compareModels: { state: 'finished', comparison } });
      await page.getByRole('button', { name: 'Compare', exact: true }).click();
      await page.getByText('Start from pico').waitFor();
      await page.getByText('How to read this').click();
      expect(await complaints(page)).toEqual([]);
      await page.close();
    });

    it('has a project whose steps are accessible', async () => {
      const page = await open('own-data');
      for (const answer of ['Texts only', 'Texts and questions', 'A benchmark', 'Training lists']) {
        await page.getByRole('radio', { name: answer }).check();
        if (answer === 'A benchmark') await page.getByText('nanobeir-scifact', { exact: true }).waitFor();
        expect([answer, ...(await complaints(page))]).toEqual([answer]);
      }
      await page.getByRole('link', { name: 'Open own corpus' }).click();
      for (const step of ['Data', 'Write and check', 'Train', 'Results']) {
        await page
          .getByRole('navigation', { name: 'Steps' })
          .getByRole('link', { name: new RegExp(`^\\d ${step}`) })
          .click();
        await page.getByRole('heading', { level: 2, name: step, exact: true }).waitFor();
        if (step === 'Data') {
          await page.getByText('BM25 nDCG@10').waitFor();
          await page.getByRole('option', { name: /Salt comes from rivers/ }).click();
          await page.getByRole('heading', { name: 'p1' }).waitFor();
        }
        expect([step, ...(await complaints(page))]).toEqual([step]);
      }
      await page.getByRole('link', { name: 'All projects' }).click();
      await page.getByRole('button', { name: 'Delete own corpus' }).click();
      await page.getByRole('button', { name: 'Undo' }).focus();
      expect(['Undo', ...(await complaints(page))]).toEqual(['Undo']);
      await page.keyboard.press('Enter');
      await page.getByRole('link', { name: 'Open own corpus' }).waitFor();
      await page.close();
    });

    it('has an accessible recipe, from its cost to what is written, filtered and plotted', async () => {
      const page = await open('recipes/paper-a', true, planned);
      await page.getByRole('button', { name: 'See what it will cost' }).click();
      await page.getByText('at most 1,200').waitFor();
      for (const summary of await page.locator('main summary').all()) await summary.click();
      expect(await complaints(page)).toEqual([]);
      await page.getByRole('button', { name: 'Start', exact: true }).click();
      await page.getByRole('img', { name: /^Differences in nDCG@10/ }).waitFor();
      const written = page.getByRole('region', { name: 'What is written' });
      for (const summary of await written.locator('summary').all()) await summary.click();
      await page.getByText('Samples of what they kept and dropped').click();
      const found = page.getByRole('region', { name: 'Planted positives found by the rules' });
      expect(await found.getByRole('row').nth(1).innerText()).toMatch(
        /share<=0.95.*30 of 48.*0.625.*0.750.*0.034/s,
      );
      const looks = page.getByRole('region', { name: 'Source diagnostics' });
      expect(await looks.getByRole('rowheader').allInnerTexts()).toEqual(['bm25', 'written']);
      await page
        .getByRole('img', { name: 'bm25: more negatives score 0.13 to 0.22 than in any other tenth' })
        .waitFor();
      await page.getByText('The scores as a table').click();
      const table = page.getByRole('region', { name: 'Scores by source' });
      expect(await table.getByRole('row').nth(1).innerText()).toMatch(/bm25\s+negatives\s+8 %\s+17 %\s+25 %/);
      expect(await complaints(page)).toEqual([]);
      expect(await page.title()).toBe('Recipes · Retriever Studio');
      await page.close();
    });

    it('has an accessible form of a changed recipe, with its JSON, that a reload keeps', async () => {
      const page = await open('recipes');
      await page.getByRole('button', { name: 'Change paper-c', exact: true }).click();
      const heading = page.getByRole('heading', { level: 1, name: /^Change “Paper C/ });
      await expect.poll(() => heading.evaluate((element) => element === document.activeElement)).toBe(true);
      const json = page.getByLabel('The recipe as JSON');
      await json.waitFor();
      for (const section of ['Encoder', 'Filters', 'Evaluation']) {
        await page.locator('summary').filter({ hasText: section }).first().click();
      }
      for (const summary of await page.getByText(/^(More|Training settings|Add a rule|Title)/).all()) {
        await summary.click();
      }
      await page.getByRole('button', { name: 'Edit combined', exact: true }).click();
      await page.getByLabel('Temperature', { exact: true }).first().fill('0.5');
      await page.getByLabel('Temperature', { exact: true }).last().fill('none');
      await page.getByText('Use a number above 0.', { exact: true }).waitFor();
      expect(await complaints(page)).toEqual([]);
      await page.reload();
      await page.getByText('Differs from paper-c: temperature 0.05 → 0.5 in “combined”.').waitFor();
      await json.fill('{"version": 1, "name": "x", "sedes": []}');
      await page.getByRole('alert').getByText('did you mean "seeds"').waitFor();
      expect(await complaints(page)).toEqual([]);
      await page.getByRole('link', { name: 'All recipes' }).click();
      await page.getByRole('heading', { name: 'Your drafts' }).waitFor();
      expect(await complaints(page)).toEqual([]);
      await page.close();
    });

    it('opens the recipe of a result as a form', async () => {
      const page = await open('results/demo');
      await page.getByRole('button', { name: 'Change this recipe' }).click();
      await page.getByLabel('The recipe as JSON').waitFor();
      await page.getByText('Same as demo.').waitFor();
      expect(await page.title()).toBe('Recipes · Retriever Studio');
      await page.close();
    });

    it.each(['webllm', 'wllama', 'http', 'extract', 'recorded'])(
      'has an accessible choice of %s',
      async (kind) => {
        const page = await open('recipes/paper-a', true, { records: languageModels });
        await page.getByLabel(/What writes as/).selectOption(kind);
        if (kind === 'webllm') {
          // Which, depends on the GPU of whoever runs the test.
          await page.getByText(/Recommended for this device|None of the \d+ models can run here/).waitFor();
        }
        expect(await complaints(page)).toEqual([]);
        await page.close();
      },
    );

    it('has an accessible offer to go on with what a server writes', async () => {
      const page = await open('recipes', true, { runs: [servedRun] });
      await page.evaluate(leaveUnfinished, servedRun.runId);
      await page.reload();
      await page.getByLabel(/^Key for/).waitFor();
      expect(await complaints(page)).toEqual([]);
      await page.close();
    });

    it('has accessible help, with a search and definitions', async () => {
      const page = await open('help/glossary/hard-negative');
      await page.getByText('A passage that is not relevant but scores high.').waitFor();
      expect(await complaints(page)).toEqual([]);
      await page.getByRole('searchbox', { name: 'Search the help' }).fill('temperature');
      await page.getByRole('heading', { name: 'Search results' }).waitFor();
      await page.getByText(/^\d+ sections/).waitFor();
      expect(await complaints(page)).toEqual([]);
      await page.goto(`${server.address}#help/recipes/members`);
      await page.getByRole('heading', { name: 'Members' }).waitFor();
      expect(await complaints(page)).toEqual([]);
      await page.goto(`${server.address}#results/demo`);
      await page.getByRole('button', { name: 'Definition of nDCG@10' }).click();
      await page.getByRole('dialog', { name: 'nDCG@10' }).waitFor();
      expect(await complaints(page)).toEqual([]);
      await page.getByRole('link', { name: /^Glossary/ }).click();
      await page.getByRole('heading', { level: 1, name: 'Glossary' }).waitFor();
      await page.close();
    });

    it('has an accessible panel to judge results in, and a table on the judgments', async () => {
      const page = await open('results/demo');
      await page.getByRole('button', { name: /^Judge \d+ queries yourself/ }).click();
      await page.getByRole('group', { name: 'Passage 1 of 4, no grade' }).waitFor();
      expect(await complaints(page)).toEqual([]);
      for (const grade of ['3', '0', '1', '2']) await page.keyboard.press(grade);
      await page.getByRole('region', { name: 'Results on your judgments' }).waitFor();
      await page.getByRole('button', { name: 'Review the grades' }).click();
      await page.getByRole('group', { name: 'Passage 1 of 4, grade 3' }).waitFor();
      expect(await complaints(page)).toEqual([]);
      await page.close();
    });

    it('has accessible results and search', async () => {
      const page = await open('results/demo');
      await page.getByRole('button', { name: 'Take a test query' }).click();
      await page.getByRole('region', { name: 'Listwise' }).waitFor();
      expect(await complaints(page)).toEqual([]);
      await page.close();
    });
  });

  it('draws curves that a screen reader can read', async () => {
    const page = await open('results/demo');
    const chart = page.getByRole('img', { name: /^nDCG at 10/ });
    expect(await chart.getAttribute('aria-label')).toContain(
      'listwise: from 0.400 at step 0 to 0.480 at step 18',
    );
    await page.getByText('The curves as a table').click();
    await expect(page.getByRole('row', { name: 'listwise dev nDCG@10 18 0.480' }).count()).resolves.toBe(1);
    await page.close();
  });

  it('says in words what a training brought', async () => {
    const page = await open('results/demo');
    const results = page.getByRole('region', { name: 'Results' }).first();
    await results.getByText('nDCG@10: listwise is better than the untrained encoder, +0.090').waitFor();
    await results.getByText('nDCG@10: no difference shown between listwise and contrastive').waitFor();
    await page.close();
  });

  it('shows passages as text, whatever they hold, with judgments and moves in words', async () => {
    const page = await open('results/demo');
    await page.getByRole('button', { name: 'Take a test query' }).click();
    const after = page.getByRole('region', { name: 'Listwise' });
    await after.getByText('<img src=x onerror=').waitFor();
    expect(await page.locator('main img').count()).toBe(0);
    expect(await page.title()).toBe('Results · Retriever Studio');
    await after.getByText('grade 3: answers fully').waitFor();
    expect(await after.getByText('new: was below place 3').count()).toBe(1);
    expect(await after.getByText('down 2, from place 1').count()).toBe(1);
    await page.close();
  });

  it('moves passages to their new places, and not for who asked for no motion', async () => {
    const page = await open('demo', false);
    await page.evaluate(`
      globalThis.moves = [];
      const { animate } = Element.prototype;
      Element.prototype.animate = function (frames, options) {
        const duration = options?.duration ?? options ?? 0;
        if (duration > 0) moves.push(duration);
        return animate.call(this, frames, options);
      };
    `);
    const list = page.getByRole('region', { name: 'Listwise' }).getByRole('listitem');
    const watch = async (query: string, first: string): Promise<unknown> => {
      await page.getByLabel('Watched query').fill(query);
      await page.getByRole('button', { name: 'Watch this one' }).click();
      await list.first().getByText(first).waitFor();
      return page.evaluate('moves.length');
    };
    await page.getByRole('button', { name: 'Train both now' }).click();
    await list.first().getByText('Passage 2 ').waitFor();
    expect(await watch('another', 'Passage 11 ')).toBe(0);
    await page.emulateMedia({ reducedMotion: 'no-preference' });
    expect(await watch('a third', 'Passage 2 ')).toBeGreaterThan(0);
    await page.close();
  });

  it('pauses, resumes and offers to go on after it was closed', async () => {
    const page = await open('demo', false);
    await page.getByRole('button', { name: 'Train both now' }).click();
    await page.getByRole('button', { name: 'Pause' }).click();
    await page.getByRole('status').getByText('Paused').waitFor();
    await page.getByRole('button', { name: 'Resume' }).click();
    await page.getByRole('button', { name: 'Pause' }).waitFor();
    await page.reload();
    const offer = page.getByRole('region', { name: 'Unfinished training' });
    await offer.getByRole('button', { name: 'Resume' }).click();
    await page.getByText('2 trainings at once: step 14 of 36').waitFor();
    expect(await offer.count()).toBe(0);
    // It is watched, as from the start, and shown where it began.
    expect(
      await page.evaluate('asked.filter(({ call }) => call === "run").map(({ ask }) => ask.watch)'),
    ).toEqual([expect.any(String)]);
    await page.getByRole('region', { name: 'Listwise' }).waitFor();
    expect(new URL(page.url()).hash).toBe('#demo');
    await page.close();
  });

  it('opens no training worker at a first visit, and says at the button what a training takes', async () => {
    const page = await open('demo');
    await page
      .getByRole('button', { name: /^Train both now about \d+ to \d+ s on this computer, 2\.\d MB to load$/ })
      .waitFor();
    expect(await page.evaluate("asked.some(({ call }) => call === 'open')")).toBe(false);
    await page.close();
  });

  it('shows the last result after a reload, and trains again with the next seed', async () => {
    const finished = [1, 2].map((seed) => ({
      ...runs[0],
      runId: seed === 1 ? 'demo' : `demo-seed-${seed}`,
      recipe: { ...demoRecipe, seeds: [seed] },
    }));
    const page = await open('demo', true, { runs: finished });
    await page.getByRole('button', { name: 'Train both now' }).click();
    const again = page.getByRole('button', { name: 'Train again (another random order)' });
    await again.click();
    const asked = `asked.filter(({ call }) => call === 'run').map(({ ask }) => ask.runId)`;
    await expect.poll(() => page.evaluate(asked)).toEqual(['demo', 'demo-seed-2']);
    await page.getByRole('region', { name: 'Results' }).first().waitFor();
    await page.reload();
    await page.getByRole('region', { name: 'Results' }).first().waitFor();
    expect(await page.evaluate(asked)).toEqual(['demo-seed-2']);
    await again.click();
    await expect.poll(() => page.evaluate(asked)).toEqual(['demo-seed-2', 'demo-seed-3']);
    await page.close();
  });

  it('is as at a first visit, without an error, where the last result is no longer stored', async () => {
    const page = await open('demo', true, { runs: [] });
    await page.evaluate(() => localStorage.setItem('retriever-studio.finished', 'demo\ndemo-seed-4'));
    await page.reload();
    await page.getByRole('button', { name: 'Train both now' }).waitFor();
    await page.getByRole('region', { name: 'Search before training' }).waitFor();
    expect(await page.getByRole('alert').count()).toBe(0);
    expect(await page.evaluate(() => localStorage.getItem('retriever-studio.finished'))).toBe('demo');
    await page.close();
  });

  it('asks for a key before it goes on, hands it to the worker and keeps it nowhere', async () => {
    const page = await open('demo', false, { runs: [servedRun] });
    await page.evaluate(leaveUnfinished, servedRun.runId);
    await page.reload();
    const offer = page.getByRole('region', { name: 'Unfinished training' });
    await offer.getByLabel('Key for http://127.0.0.1:8000/v1').fill('a-secret-key');
    await offer.getByText('never stored').waitFor();
    await offer.getByRole('button', { name: 'Resume' }).click();
    await page.getByText('2 trainings at once: step 14 of 36').waitFor();
    const access = { writer: { key: 'a-secret-key' } };
    expect(await page.evaluate('asked.filter(({ call }) => call === "run").map(({ ask }) => ask)')).toEqual([
      { runId: servedRun.runId, recipe: servedRun.recipe, access },
    ]);
    expect(await page.evaluate('JSON.stringify([{ ...localStorage }, { ...sessionStorage }])')).not.toContain(
      'a-secret-key',
    );
    await page.reload();
    expect(await offer.getByLabel(/^Key for/).inputValue()).toBe('');
    await page.close();
  });

  it('asks for a key beside Resume among the results too', async () => {
    const page = await open(`results/${servedRun.runId}`, false, { runs: [servedRun] });
    await page.getByLabel(/^Key for/).fill('a-secret-key');
    await page.getByRole('button', { name: 'Resume' }).click();
    await page.getByText('2 trainings at once: step 14 of 36').waitFor();
    expect(await page.evaluate('asked.find(({ call }) => call === "run").ask.access')).toEqual({
      writer: { key: 'a-secret-key' },
    });
    await page.close();
  });

  it('computes nothing of a finished run anew before it is asked to', async () => {
    const stage = { kind: 'training', label: 'training of contrastive, seed 1', key: 'contrastive' };
    const stages = [{ ...stage, stored: false, seconds: 20 }];
    const other = { ...opened, plan: { ...opened.plan, stages, seconds: 20 } };
    const page = await open('results/demo', true, { openRun: other });
    await page.getByText('Nothing runs before you start it').waitFor();
    await page.getByText('Its only step, 0 of them stored').waitFor();
    const runs = 'asked.filter(({ call }) => call === "run").length';
    expect(await page.evaluate(runs)).toBe(0);
    expect(await complaints(page)).toEqual([]);
    await page.getByRole('button', { name: 'Compute what is missing' }).click();
    await page.getByRole('region', { name: 'Results' }).first().waitFor();
    expect(await page.evaluate(runs)).toBe(1);
    await page.close();
  });

  it('computes nothing anew for a search either', async () => {
    const page = await open('results/demo');
    await page.getByRole('region', { name: 'Results' }).first().waitFor();
    // On another device, the worker has no run open, and would train it again.
    const runs = 'asked.filter(({ call }) => call === "run").length';
    expect(await page.evaluate(runs)).toBe(1);
    await page.evaluate(`
      answers.openRun.plan.stages = [{ kind: 'training', label: 'training', key: 'a', stored: false, seconds: 20 }];
    `);
    await page.evaluate("location.hash = '#recipes/paper-a'");
    await page.getByLabel('Train on').selectOption('wasm');
    await page.evaluate("location.hash = '#results/demo'");
    await page.getByLabel('Query', { exact: true }).fill('why does bread rise');
    await page.getByRole('button', { name: 'Search', exact: true }).click();
    await page.getByText('not stored as this device computes it').waitFor();
    expect(await page.evaluate(runs)).toBe(1);
    await page.close();
  });

  it('offers to load a screen again that could not be loaded', async () => {
    const page = await open('demo');
    await page.route('**/OwnDataPage-*.js', (route) => route.abort());
    await page.getByRole('link', { name: 'Own data' }).click();
    await page.getByRole('heading', { name: 'A part of the page could not be loaded' }).waitFor();
    await page.unroute('**/OwnDataPage-*.js');
    await page.getByRole('button', { name: 'Retry' }).click();
    await page.getByRole('heading', { level: 1, name: 'Train on your own data' }).waitFor();
    await page.close();
  });

  it('goes from screen to screen by keyboard, and keeps the chosen colors', async () => {
    const page = await open('demo');
    await page.keyboard.press('Tab');
    await page.keyboard.press('Enter');
    expect(await page.evaluate(() => document.activeElement?.tagName)).toBe('H1');
    await page.getByRole('link', { name: 'Own data' }).focus();
    await page.keyboard.press('Enter');
    await page.getByRole('heading', { level: 1, name: 'Train on your own data' }).waitFor();
    await expect
      .poll(() => page.evaluate(() => document.activeElement?.textContent))
      .toBe('Train on your own data');
    const background = () => page.evaluate(() => getComputedStyle(document.body).backgroundColor);
    const light = await background();
    await page.getByRole('radio', { name: 'Dark' }).press('Space');
    const dark = await background();
    expect(dark).not.toBe(light);
    await page.reload();
    expect(await background()).toBe(dark);
    await page.close();
  });

  it('trains on own data when nothing is missing any more', async () => {
    const page = await open(`${project}/train`, false);
    const start = page.getByRole('button', { name: 'Train', exact: true });
    await page.getByLabel('Loss', { exact: true }).selectOption('kl');
    await page.getByText('choose a teacher model').waitFor();
    expect(await start.isDisabled()).toBe(true);
    await page.getByLabel('Teacher', { exact: true }).selectOption('nano');
    await start.click();
    await page.getByText('2 trainings at once: step 14 of 36').waitFor();
    expect(new URL(page.url()).hash).toMatch(/^#results\/own-own-corpus-/);
    await page.close();
  });
});
