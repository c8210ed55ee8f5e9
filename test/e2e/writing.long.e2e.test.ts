/**
 * The whole way in the built page, without a line of JSON: texts alone, queries that a server writes for them, review,
 * candidates and rules, a training, results above the untrained encoder, the trained model as a file.
 */
import axe from 'axe-core';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { unzipSync } from 'fflate';
import type { Page } from 'playwright';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { servedPage, testBrowser } from '../support/built-page.ts';
import { noChromium } from '../support/chromium-process.ts';
import { describeUnless } from '../support/skip.ts';

const things = [
  ...['pump', 'ladder', 'printer', 'trolley', 'freezer', 'projector', 'generator', 'piano', 'sewing machine'],
  ...[
    'tent',
    'drill',
    'telescope',
    'kettle',
    'bicycle',
    'camera',
    'loom',
    'scale',
    'lantern',
    'vacuum cleaner',
  ],
  ...['chainsaw', 'wheelbarrow', 'microscope', 'stretcher', 'dehumidifier', 'easel'],
];
const places = [
  'cellar',
  'attic',
  'garage',
  'library',
  'kitchen',
  'courtyard',
  'workshop',
  'chapel',
  'office',
  'barn',
];
const syllables = ['bor', 'vik', 'zan', 'tul', 'mep', 'gax', 'rin', 'dol', 'fes', 'wub'];
const at = (i: number): string => syllables[i % syllables.length] ?? '';
/** A house calls its things and places by names that no encoder knows. */
const nameOf = (i: number): string => `${at(i)}${at(3 * i + Math.floor(i / 10) + 1)}`;
const texts = things.flatMap((thing) =>
  places.map(
    (place) => `The ${thing} stands in the ${place}, and whoever needs it signs the list beside the door.`,
  ),
);
/** What was written for a text. */
const recorded = new Map(
  texts.map((text, i) => [
    text,
    `who has the ${nameOf(Math.floor(i / places.length))} of the ${nameOf(40 + (i % places.length))} house`,
  ]),
);

const queries = 220;
const testQueries = 40;
const hang = 200_000;
const minute = 60_000;

describeUnless(noChromium, 'from texts alone to a trained encoder', () => {
  const served = servedPage();
  const browser = testBrowser();
  let model: Server;
  let address: string;
  let asked = 0;

  beforeAll(async () => {
    model = createServer((request, response) => {
      response.setHeader('access-control-allow-origin', request.headers.origin ?? '*');
      response.setHeader('access-control-allow-headers', 'authorization, content-type');
      response.setHeader('access-control-allow-private-network', 'true');
      if (request.method === 'OPTIONS') {
        response.end();
        return;
      }
      response.setHeader('content-type', 'application/json');
      if (request.url === '/v1/models') {
        response.end(JSON.stringify({ data: [{ id: 'replaying-model' }, { id: 'other-model' }] }));
        return;
      }
      let body = '';
      request.on('data', (part: Buffer) => (body += part.toString()));
      request.on('end', () => {
        asked++;
        const { messages } = JSON.parse(body) as { messages: { content: string }[] };
        const passage = /Target Passage: (.*)\n\w+:$/.exec(messages.at(-1)?.content ?? '')?.[1] ?? '';
        // The third reply is too long.
        const content = asked === 3 ? 'why '.repeat(30) : (recorded.get(passage) ?? 'What is it about?');
        const choices = [{ message: { role: 'assistant', content }, finish_reason: 'stop' }];
        response.end(JSON.stringify({ choices, usage: { prompt_tokens: 300, completion_tokens: 12 } }));
      });
    });
    model.listen(0, '127.0.0.1');
    await once(model, 'listening');
    address = `http://127.0.0.1:${(model.address() as AddressInfo).port}/v1`;
  });

  afterAll(() => {
    model.closeAllConnections();
    model.close();
  });

  /** What axe finds on the screen as it is, and how much too wide it is, on a wide screen and on a phone. */
  async function complaints(page: Page): Promise<string[]> {
    await page.evaluate(axe.source);
    const all: string[] = [];
    for (const width of [360, 1280]) {
      await page.setViewportSize({ width, height: 900 });
      const found = await page.evaluate(async () => {
        const { axe: checker } = globalThis as unknown as {
          axe: { run(): Promise<{ violations: { id: string; nodes: { html: string }[] }[] }> };
        };
        const { violations } = await checker.run();
        const overflow = document.documentElement.scrollWidth - innerWidth;
        return [
          ...violations.flatMap(({ id, nodes }) => nodes.map(({ html }) => `${id}: ${html}`)),
          ...(overflow > 0 ? [`${overflow} px too wide`] : []),
        ];
      });
      all.push(...found.map((each) => `${width} px: ${each}`));
    }
    return all;
  }

  it(
    'raises nDCG@10 on queries for passages that were never trained on',
    async () => {
      const page = await browser.newPage({
        viewport: { width: 1280, height: 900 },
        reducedMotion: 'reduce',
        bypassCSP: true,
      });
      page.setDefaultTimeout(minute);
      const button = (name: string | RegExp) =>
        page.getByRole('button', typeof name === 'string' ? { name, exact: true } : { name });
      const heading = (name: string) => page.getByRole('heading', { name, exact: true });
      await page.goto(`${served.address}#own-data`);
      await page.getByLabel(/^Choose files/).setInputFiles({
        ...{ name: 'everyday.txt', mimeType: 'text/plain' },
        buffer: Buffer.from(texts.join('\n\n')),
      });
      await button('Import').click();
      await page.getByRole('link', { name: 'Next: Write and check' }).click();

      // Who writes: a server, whose models are listed.
      await page.getByRole('radio', { name: /^A server/ }).check();
      await page.getByLabel('Address').fill(address);
      await button('Connect').click();
      await page.getByText('Connected: 2 models.').waitFor();
      expect(await page.getByLabel('Model', { exact: true }).inputValue()).toBe('replaying-model');

      // One prompt, edited: a wrong place is named with its line, and what is sent is shown.
      const chosen = page.getByRole('checkbox', { checked: true });
      while ((await chosen.count()) > 0) await chosen.first().uncheck();
      await page.getByRole('checkbox', { name: /^Questions one query/ }).check();
      await page.getByText('Edit a prompt, and see what is sent').click();
      const request = page.getByLabel('Request', { exact: true });
      const original = await request.inputValue();
      await request.fill(`${original}\n{{pasage}}`);
      await page
        .getByText(/line \d+: \{\{pasage\}\} is not among the slots/)
        .first()
        .waitFor();
      expect(await button('Write the queries').isDisabled()).toBe(true);
      await button('As it came').click();
      expect(await request.inputValue()).toBe(original);

      // A trial tells what the writing will take.
      await button('Random passage').click();
      await button('Try the prompt').click();
      await page.getByText('1 query; 0 left out').waitFor();
      await page.getByLabel('Queries', { exact: true }).fill(String(queries));
      await page.getByLabel('Test queries').fill(String(testQueries));
      await page.getByText('180 passages to train on, 40 to test on').waitFor();
      expect(await page.getByText('Try one passage to see').count()).toBe(0);
      const found = await complaints(page);

      await button('Write the queries').click();
      await button('Pause').click();
      await page.getByText(/^Paused\. \d+ of 220 requests/).waitFor();
      await button('Resume').click();
      await heading('Review').waitFor({ timeout: hang });
      await page.getByText('accepted, 1 reply rejected.').waitFor();

      // Review by keys: the first is rejected, the second edited.
      const rows = page.getByRole('list', { name: 'Written queries' }).getByRole('listitem');
      const first = await rows.nth(0).getByRole('strong').innerText();
      await rows
        .nth(0)
        .getByRole('button', { name: /^Accept/ })
        .focus();
      await page.keyboard.press('r');
      await rows.nth(0).getByText('rejected').waitFor();
      await page.keyboard.press('e');
      await page.getByLabel('Query', { exact: true }).fill('in my own words');
      await page.keyboard.press('Enter');
      await rows.nth(1).getByText('edited').waitFor();
      await page.keyboard.press('a');
      await rows.nth(2).getByText('accepted', { exact: true }).waitFor();
      found.push(...(await complaints(page)));
      await button('Use these queries').click();
      await heading('everyday with written queries').waitFor();

      // Candidates, rules with live counts, labels by one key.
      for (const label of ['Encoder that searches', 'Teacher']) {
        await page.getByLabel(label, { exact: true }).selectOption('pico');
      }
      await button('Find candidates').click();
      const drops = page.getByText(/^Drops \d+ of \d+: the teacher scores it more than/);
      await drops.waitFor({ timeout: hang });
      const before = await drops.innerText();
      await page.getByLabel("Most of the positive's score: threshold").fill('0.5');
      await expect.poll(() => drops.innerText(), { timeout: hang }).not.toBe(before);
      await page.getByText('1: same topic').focus();
      await page.keyboard.press('3');
      await page.getByText(/^1 of \d+ labeled$/).waitFor();
      await page.keyboard.press('0');
      await page.getByText(/^2 of \d+ labeled$/).waitFor();
      const labels = page.waitForEvent('download');
      await button('Download labels (TSV)').click();
      const lines = readFileSync(await (await labels).path(), 'utf8')
        .trim()
        .split('\n');
      expect(lines).toHaveLength(3);
      expect(lines[0]).toBe('query-id\tcorpus-id\tscore');
      found.push(...(await complaints(page)));
      expect(found).toEqual([]);
      expect(await page.getByRole('option', { name: first }).count()).toBe(0);
      await button('Use these candidates').click();
      await page.getByText('“Train” uses them.').waitFor({ timeout: 2 * minute });

      await page.getByRole('link', { name: 'Next: Train' }).click();
      await page.getByLabel('Start from').selectOption('pico');
      await page.getByLabel('Epochs').fill('30');
      await page.getByLabel('Batch size').fill('30');
      await button('Train').click();
      const table = page.getByRole('region', { name: 'Results of all systems' });
      await table.waitFor({ timeout: hang });
      const value = async (system: RegExp): Promise<number> => {
        const row = table.getByRole('row').filter({ has: page.getByRole('rowheader', { name: system }) });
        // The settings of a loss, in the header of the row, have fractions too.
        const cells = await row.getByRole('cell').allInnerTexts();
        return Number(/^0\.\d+/.exec(cells.find((cell) => /^0\.\d+/.test(cell)) ?? '')?.[0]);
      };
      const [untrained, trained] = [await value(/untrained/i), await value(/infonce/i)];
      console.log(`nDCG@10: untrained ${untrained}, trained ${trained}`);
      expect(trained).toBeGreaterThan(untrained + 0.3);

      const download = page.waitForEvent('download');
      await button(/^Model .*\(zip\)/).click();
      const files = unzipSync(new Uint8Array(readFileSync(await (await download).path())));
      expect(Object.keys(files).some((path) => path.endsWith('model.safetensors'))).toBe(true);
      await page.close();
    },
    2 * hang,
  );
});
