/** Language models in a page that is built and served as the studio's is: its own files alone, under its own policy. */
import { gzipSync } from 'node:zlib';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type Page } from 'playwright';
import { build } from 'vite';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { servePage } from '../../scripts/serve-page.mjs';
import { tinyLlama } from '../support/gguf.ts';
import type { GenerationPage } from './generation-page/main.ts';
import { describeUnless } from '../support/skip.ts';
import { testBrowser } from '../support/built-page.ts';
import { noChromium } from '../support/chromium-process.ts';

let folder: string;
const browser = testBrowser();
let server: Awaited<ReturnType<typeof servePage>>;

/** A page that keeps what it asked for and what it complained of. */
async function open(): Promise<{ page: Page; requests: URL[]; complaints: string[] }> {
  const page = await browser.newPage();
  const requests: URL[] = [];
  const complaints: string[] = [];
  page.on('request', (request) => requests.push(new URL(request.url())));
  page.on('console', (message) => {
    if (message.type() === 'error') complaints.push(message.text());
  });
  await page.goto(server.address);
  return { page, requests, complaints };
}

describeUnless(noChromium, 'a built page with language models', () => {
  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'generation-page-'));
    await build({
      configFile: false,
      root: fileURLToPath(new URL('generation-page', import.meta.url)),
      base: './',
      logLevel: 'error',
      worker: { format: 'es' },
      build: { outDir: folder, emptyOutDir: true, target: 'es2023', reportCompressedSize: false },
    });
    server = await servePage(folder);
  });

  afterAll(async () => {
    await server.close();
    rmSync(folder, { recursive: true, force: true });
  });

  it('loads neither library before it is used', async () => {
    const sizes = new Map(
      readdirSync(join(folder, 'assets')).map((name) => [
        name.replace(/-[\w-]{8}\./, '.'),
        gzipSync(readFileSync(join(folder, 'assets', name))).length,
      ]),
    );
    const { page, requests } = await open();
    const scripts = requests.filter(({ pathname }) => pathname.endsWith('.js'));
    expect(scripts).toHaveLength(1);
    expect(sizes.get('index.js')).toBeLessThan(10_000);
    expect(sizes.get('generation.js')).toBeLessThan(20_000);
    await page.close();
  });

  it('runs llama.cpp from its own server', async () => {
    const { page, requests, complaints } = await open();
    const model = Buffer.from(await tinyLlama({ seed: 1 }).arrayBuffer()).toString('base64');
    const text = await page.evaluate(async (base64) => {
      const { openBrowserGenerator } = globalThis as unknown as GenerationPage;
      const blob = await (await fetch(`data:application/octet-stream;base64,${base64}`)).blob();
      const generator = openBrowserGenerator({ kind: 'wllama', model: blob, contextTokens: 256 });
      const { text } = await generator.generate({
        id: 'one',
        messages: [{ role: 'user', content: 'Write.' }],
        schema: { type: 'object', properties: { label: { enum: [3] } }, required: ['label'] },
        sampling: { maxTokens: 60 },
        seed: 1,
      });
      await generator.unload();
      return text;
    }, model);
    expect(JSON.parse(text)).toEqual({ label: 3 });
    expect(foreign(requests)).toEqual([]);
    expect(complaints).toEqual([]);
    await page.close();
  });

  it('runs WebLLM from its own server, as far as there is a model', async () => {
    const { page, requests, complaints } = await open();
    const [count, message] = await page.evaluate(async () => {
      const { openBrowserGenerator, webllmModels } = globalThis as unknown as GenerationPage;
      const models = await webllmModels();
      const record = {
        model: '/none/resolve/main/',
        model_id: 'None-q4f32_1-MLC',
        model_lib: '/none.wasm',
      };
      const generator = openBrowserGenerator({ kind: 'webllm', model: record.model_id, records: [record] });
      const error: unknown = await generator.load().catch((thrown: unknown) => thrown);
      return [models.length, String(error)] as const;
    });
    expect(count).toBe(161);
    expect(message).toMatch(
      /127\.0\.0\.1:\d+ responded with status 404 for .*mlc-chat-config\.json|offers no GPU/,
    );
    expect(foreign(requests)).toEqual([]);
    expect(complaints.filter((text) => !text.includes('404'))).toEqual([]);
    await page.close();
  });
});

/** Requests of other servers. */
function foreign(requests: readonly URL[]): string[] {
  return requests
    .filter(({ protocol, href }) => /^https?:$/.test(protocol) && !href.startsWith(server.address))
    .map(({ href }) => href);
}
