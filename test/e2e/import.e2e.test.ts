/** The built page with its own worker: files that people have become a corpus, by mouse, keyboard and on a phone. */
import axe from 'axe-core';
import { strToU8, zipSync } from 'fflate';
import type { Page } from 'playwright';
import { expect, it } from 'vitest';
import { servedPage, testBrowser } from '../support/built-page.ts';
import { noChromium } from '../support/chromium-process.ts';
import { describeUnless } from '../support/skip.ts';

const foods = ['bread', 'cheese', 'milk', 'salt', 'flour', 'oil', 'rice'];
const paragraphs = foods
  .map((food, i) => `The ${food} is kept on shelf ${i}, behind the door that leads to the yard.`)
  .join('\n\n');
const table = `Nr,Asked,Reply\n${foods.map((food, i) => `${i},Where is ${food}?,${food} is on shelf ${i}.`).join('\n')}\n`;

const file = (name: string, content: string | Uint8Array) => ({
  ...{ name, mimeType: 'application/octet-stream' },
  buffer: Buffer.from(content),
});

describeUnless(noChromium, 'files of any kind on the screen for own data', () => {
  const server = servedPage();
  const browser = testBrowser();

  async function open(width = 1280): Promise<Page> {
    const page = await browser.newPage({
      viewport: { width, height: 900 },
      reducedMotion: 'reduce',
      // So that axe can be put into a page that runs nothing but its own.
      bypassCSP: true,
    });
    page.setDefaultTimeout(100_000);
    await page.goto(`${server.address}#own-data`);
    return page;
  }

  const choose = (page: Page, ...files: readonly ReturnType<typeof file>[]) =>
    page.getByLabel(/^Choose files/).setInputFiles([...files]);
  /** Drops a file on the page, beside any place for it. */
  const dropOn = (page: Page, { name, buffer }: ReturnType<typeof file>) =>
    page.evaluate(
      ([name, text]) => {
        const transfer = new DataTransfer();
        transfer.items.add(new File([text], name));
        const dropped = { bubbles: true, cancelable: true, dataTransfer: transfer };
        document.querySelector('h1')?.dispatchEvent(new DragEvent('drop', dropped));
      },
      [name, buffer.toString()] as const,
    );
  const next = (page: Page, step: string) => page.getByRole('link', { name: `Next: ${step}` });
  const heading = (page: Page, name: string | RegExp) => page.getByRole('heading', { name });
  const importButton = (page: Page) => page.getByRole('button', { name: 'Import', exact: true });
  const focused = (page: Page) => page.evaluate(() => document.activeElement?.textContent);

  it('become a corpus: a table with its columns, Markdown and text in a zip, pasted text', async () => {
    const page = await open();
    await choose(page, file('shelf.csv', table));
    await heading(page, 'Texts: shelf').waitFor();
    expect(await focused(page)).toBe('Texts: shelf');
    expect(await page.getByRole('row').count()).toBe(6);
    await page.getByLabel('Question or query').selectOption({ label: 'Asked' });
    await heading(page, 'Texts and questions: shelf').waitFor();
    // What was chosen keeps the focus; the rows say what they are read as.
    expect(await page.getByRole('columnheader', { name: /Asked/ }).innerText()).toContain('query');
    await importButton(page).click();
    await heading(page, 'Imported: shelf').waitFor();
    await page.getByText('BM25 nDCG@10').waitFor();
    expect(await focused(page)).toBe('Data');
    await page.getByRole('navigation', { name: 'Steps' }).getByText('7 passages, 7 queries').waitFor();

    // Dropped in a project, they become another one.
    await dropOn(page, file('extra.txt', paragraphs));
    await heading(page, 'Texts: extra').waitFor();
    await page.getByRole('button', { name: 'Not these files' }).click();
    const notes = zipSync({ 'a.md': strToU8('# Bread\n\nIt rises.\n'), 'b.txt': strToU8(paragraphs) });
    await choose(page, file('notes.zip', notes));
    await heading(page, 'Texts: notes').waitFor();
    await importButton(page).click();
    await heading(page, 'Imported: notes').waitFor();
    await page.getByText('of 8 texts').waitFor();

    await page.getByRole('link', { name: 'All projects' }).click();
    await page.getByText('Paste text instead').click();
    await page.getByLabel('Text', { exact: true }).fill('One line.\nAnother line.');
    await page.getByRole('button', { name: 'Look at it' }).click();
    await heading(page, 'Texts: Pasted text').waitFor();
    await page.getByRole('button', { name: 'Not these files' }).click();
    await heading(page, 'Texts: Pasted text').waitFor({ state: 'detached' });
    await page.close();
  });

  it('of texts alone are searched, and trained on once queries were made of them, by keyboard', async () => {
    const page = await open();
    await choose(page, file('shelf.txt', paragraphs));
    await heading(page, 'Texts: shelf').waitFor();
    await importButton(page).press('Enter');
    await next(page, 'Write and check').press('Enter');
    await heading(page, 'What you can do with shelf').waitFor();
    expect(await focused(page)).toBe('Write and check');
    await page.getByLabel('Search it by keywords (BM25)').fill('salt');
    await page.getByLabel('Search it by keywords (BM25)').press('Enter');
    await page.getByRole('list', { name: 'Found passages' }).getByText('The salt is kept').waitFor();
    await page.getByRole('button', { name: 'Make queries' }).press('Enter');
    await heading(page, 'shelf with extracted queries').waitFor();
    await expect.poll(() => focused(page)).toBe('Write and check');
    await page.getByRole('navigation', { name: 'Steps' }).getByText('7 queries were made').waitFor();
    await next(page, 'Train').press('Enter');
    await page.getByRole('button', { name: 'Train', exact: true }).waitFor();
    expect(await page.getByText('Still missing').count()).toBe(0);
    expect(await page.getByRole('button', { name: 'Train', exact: true }).isEnabled()).toBe(true);
    await page.close();
  });

  it('that are broken are refused in one message, and what was there stays', async () => {
    const page = await open();
    await choose(page, file('shelf.txt', paragraphs));
    await heading(page, 'Texts: shelf').waitFor();
    await choose(page, file('broken.jsonl', '{"text": "one"}\n{"text": "two'));
    const alert = page.getByRole('alert');
    await alert.waitFor();
    expect(await alert.innerText()).toMatch(/broken\.jsonl, line 2: .*What you can do: /s);
    expect(await heading(page, 'Texts: shelf').count()).toBe(1);
    await importButton(page).click();
    await heading(page, 'Imported: shelf').waitFor();
    expect(await alert.count()).toBe(0);
    await page.close();
  });

  it('are not imported when that is canceled, and can be imported then', async () => {
    const page = await open();
    const words = (i: number): string =>
      Array.from({ length: 60 }, (_, j) => `word${(i * 31 + j * j * 7) % 4999}`).join(' ');
    const large = Array.from({ length: 60_000 }, (_, i) => `Text ${i} of ${words(i)}`).join('\n');
    await choose(page, file('large.txt', large));
    await importButton(page).click();
    await page.getByRole('progressbar', { name: 'Importing large' }).waitFor();
    await page.getByRole('button', { name: 'Cancel' }).click();
    await importButton(page).waitFor();
    expect(await heading(page, 'Your projects').count()).toBe(0);
    await page.close();
  });

  it('are shown without barriers, in both themes, on a phone too', async () => {
    const page = await open();
    const complaints = async (what: string): Promise<string[]> => {
      await page.evaluate(axe.source);
      const all: string[] = [];
      for (const width of [1280, 360]) {
        for (const colorScheme of ['light', 'dark'] as const) {
          await page.emulateMedia({ colorScheme });
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
          all.push(...found.map((complaint) => `${what}, ${colorScheme}, ${width} px: ${complaint}`));
        }
      }
      return all;
    };
    await page.getByText('Paste text instead').click();
    await choose(
      page,
      file('shelf.csv', table),
      file('notes.md', '# Bread\n\nIt rises.\n'),
      file('x.txt', paragraphs),
    );
    await heading(page, 'Texts: shelf and 2 more').waitFor();
    const found = await complaints('preview');
    await importButton(page).click();
    await heading(page, 'Imported: shelf and 2 more').waitFor();
    found.push(...(await complaints('imported')));
    await next(page, 'Write and check').click();
    await heading(page, /^What you can do with/).waitFor();
    await page.getByLabel('Search it by keywords (BM25)').fill('shelf');
    await page.getByRole('button', { name: 'Search', exact: true }).click();
    await page.getByRole('list', { name: 'Found passages' }).waitFor();
    found.push(...(await complaints('searched')));
    expect(found).toEqual([]);
    await page.close();
  });
});
