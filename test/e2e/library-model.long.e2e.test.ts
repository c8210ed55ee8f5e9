/** A recipe in the built page whose teacher is a model on the hub that transformers.js runs. */
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Page } from 'playwright';
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { RecipeInput } from '../../src/pipeline/schema.ts';
import { asRoberta, crossEncoderFolder } from '../support/library-models.ts';
import { describeUnless } from '../support/skip.ts';
import { servedPage, testBrowser } from '../support/built-page.ts';
import { noChromium } from '../support/chromium-process.ts';
import { pasteRecipe } from './paste-recipe.ts';

const commit = '0123456789abcdef0123456789abcdef01234567';

const recipe: RecipeInput = {
  version: 1,
  name: 'taught by RoBERTa',
  corpus: { builtIn: 'demo', dev: null },
  encoder: { model: 'nano', queryMaxLength: 16, passageMaxLength: 16 },
  sources: {
    found: { kind: 'mined', retrievers: [{ kind: 'bm25' }], negatives: 3 },
  },
  teacher: { from: 'cross-encoder', model: 'org/teacher' },
  training: { batches: { batchSize: 2 }, maxSteps: 1 },
  arms: [{ name: 'taught', source: 'found', loss: 'kl' }],
  evaluation: { samples: 1000, depth: 10 },
};

describeUnless(noChromium, 'a model of transformers.js in the built page', () => {
  const server = servedPage();
  const browser = testBrowser();
  let folder: string;
  let model: string;
  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'studio-library-model-'));
    model = asRoberta(await crossEncoderFolder(folder, 'bert'));
  });
  afterAll(() => rmSync(folder, { recursive: true }));

  /** Answers for the hub. */
  async function serveHub(page: Page): Promise<void> {
    const headers = { 'access-control-allow-origin': '*' };
    const paths = readdirSync(model, { recursive: true, encoding: 'utf8' })
      .filter((path) => statSync(join(model, path)).isFile())
      .map((path) => path.replaceAll('\\', '/'));
    const listing = { sha: commit, siblings: paths.map((rfilename) => ({ rfilename })) };
    await page.context().route('https://huggingface.co/**', (route) => {
      const { pathname } = new URL(route.request().url());
      if (pathname === '/api/models/org/teacher/revision/main')
        return route.fulfill({ headers, json: listing });
      const path = pathname.replace(`/org/teacher/resolve/${commit}/`, '');
      if (!paths.includes(path)) return route.fulfill({ headers, status: 404 });
      return route.fulfill({ headers, body: readFileSync(join(model, path)) });
    });
  }

  it('teaches: the library and its WASM come from the page, the model from the hub', async () => {
    const page = await browser.newPage();
    page.setDefaultTimeout(100_000);
    await serveHub(page);
    const [own, foreign, complaints]: string[][] = [[], [], []];
    page.on('request', (request) => {
      const url = request.url();
      if (/^https?:/.test(url)) (url.startsWith(server.address) ? own : foreign)?.push(url);
    });
    page.on('console', (message) => {
      if (message.type() === 'error') complaints?.push(message.text());
    });
    await page.goto(`${server.address}#recipes`);
    await pasteRecipe(page, recipe);
    await page.getByRole('button', { name: 'See what it will cost' }).click();
    await page.getByRole('button', { name: 'Start', exact: true }).click();
    await page.getByRole('row', { name: /^Taught Listwise KL/ }).waitFor();
    expect(own?.filter((url) => url.includes('/assets/transformers'))).toHaveLength(1);
    expect(own?.some((url) => url.endsWith('.wasm'))).toBe(true);
    // No weights that the studio's own graphs would need.
    const asked = foreign?.map((url) => url.replace('https://huggingface.co/', ''));
    const listed = 'api/models/org/teacher/revision/main?blobs=true';
    const files = ['config.json', 'onnx/model.onnx', 'tokenizer.json', 'tokenizer_config.json'];
    expect([...new Set(asked)].sort()).toEqual(
      [listed, ...files.map((path) => `org/teacher/resolve/${commit}/${path}`)].sort(),
    );
    expect(complaints).toEqual([]);
    await page.close();
  });
});
