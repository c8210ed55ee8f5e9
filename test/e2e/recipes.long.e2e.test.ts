/** A recipe in the built page, for real: a language model in the tab writes, its lists are trained on, a table comes. */

import { expect, it } from 'vitest';
import type { RecipeInput } from '../../src/pipeline/schema.ts';
import { tinyLlama } from '../support/gguf.ts';
import { describeUnless } from '../support/skip.ts';
import { servedPage, testBrowser } from '../support/built-page.ts';
import { noChromium } from '../support/chromium-process.ts';
import { pasteRecipe } from './paste-recipe.ts';

const recipe: RecipeInput = {
  version: 1,
  name: 'written in the page',
  corpus: { builtIn: 'demo', dev: null },
  encoder: { model: 'nano', queryMaxLength: 16, passageMaxLength: 16 },
  generators: { writer: { kind: 'wllama', model: 'ORG/NAME/some.gguf' } },
  sources: {
    written: { kind: 'generated', prompts: ['c-titles-several'], of: { passages: { sample: 3 } }, count: 2 },
  },
  filters: { long: ['length>=1'] },
  training: { batches: { batchSize: 2 }, maxSteps: 1 },
  arms: [{ name: 'written', source: 'written', filters: 'long', loss: 'infonce(scope=batch)' }],
  evaluation: { samples: 1000, depth: 10 },
};

const server = servedPage();
const browser = testBrowser();

describeUnless(noChromium, 'a recipe in the built page', () => {
  it('goes from passages to a table with a dropped model, and asks no other server', async () => {
    const page = await browser.newPage();
    page.setDefaultTimeout(100_000);
    const foreign: string[] = [];
    const complaints: string[] = [];
    page.on('request', (request) => {
      const url = request.url();
      if (/^https?:/.test(url) && !url.startsWith(server.address)) foreign.push(url);
    });
    page.on('console', (message) => {
      if (message.type() === 'error') complaints.push(message.text());
    });
    await page.goto(`${server.address}#recipes`);
    await pasteRecipe(page, recipe);
    await page.getByLabel('What writes as').selectOption('wllama');
    const buffer = Buffer.from(await tinyLlama({ seed: 1, contextTokens: 4096 }).arrayBuffer());
    await page
      .getByLabel('Choose a file : Or drop a .gguf file here')
      .setInputFiles({ name: 'tiny.gguf', mimeType: 'application/octet-stream', buffer });
    await page.getByRole('button', { name: 'See what it will cost' }).click();
    await page.getByText('at most 3').waitFor();
    expect(await page.getByRole('region', { name: 'Training' }).count()).toBe(0);

    await page.getByRole('button', { name: 'Start', exact: true }).click();
    await page
      .getByText(/c-titles-several@1/)
      .first()
      .waitFor();
    await page.getByRole('region', { name: 'Results of all systems' }).waitFor();
    await page.getByRole('row', { name: /^Written InfoNCE/ }).waitFor();
    await page.getByRole('region', { name: 'What the filters did' }).getByText('length>=1').first().waitFor();
    expect(foreign).toEqual([]);
    expect(complaints).toEqual([]);
    await page.close();
  });
});
