/** The page in headless Chromium on the same GPU: the demo from its button to its table, and training steps. */
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { servePage } from '../../../scripts/serve-page.mjs';
import type { StepsAnswer, StepsRequest } from '../page/protocol.ts';
import { startBrowser, type Page } from './browser.ts';
import { attempt, small } from './part.ts';

/** Where the second archive was unpacked: beside the folder of the studio. */
const place = (path: string): string => fileURLToPath(new URL(`../../../../${path}`, import.meta.url));
process.env.FONTCONFIG_FILE = place('chromium/fonts.conf');
process.env.LD_LIBRARY_PATH = [place('chromium/lib'), process.env.LD_LIBRARY_PATH].filter(Boolean).join(':');
const gpu = small
  ? ['--enable-unsafe-webgpu', '--use-webgpu-adapter=swiftshader']
  : [
      '--enable-unsafe-webgpu',
      '--enable-features=Vulkan',
      '--use-angle=vulkan',
      '--disable-vulkan-surface',
      '--ignore-gpu-blocklist',
    ];

/** Waits for an expression to be true; while a page loads, it may not be there to be asked. */
async function until(page: Page, expression: string): Promise<void> {
  const isTrue = (): Promise<unknown> => page.evaluate(expression).catch(() => false);
  while ((await isTrue()) !== true) await sleep(100);
}

const server = await servePage(place('page'));
async function inPage<T>(
  path: string,
  args: readonly string[],
  work: (page: Page) => Promise<T>,
): Promise<T> {
  const browser = startBrowser(place('chromium/chromium'), args);
  try {
    return await work(await browser.open(server.address + path));
  } finally {
    await browser.close();
  }
}

const request: StepsRequest = small
  ? {
      shape: 'tiny',
      work: { pairs: 4, queryTokens: 8, passageTokens: 8, tokensPerMicroBatch: 'auto' },
      limits: { warmup: 1, mostSteps: 1, milliseconds: 0 },
    }
  : {
      shape: 'MiniLM-L6',
      work: { pairs: 128, queryTokens: 32, passageTokens: 128, tokensPerMicroBatch: 'auto' },
      limits: { warmup: 2, mostSteps: 50, milliseconds: 8000 },
    };
const { pairs, queryTokens, passageTokens } = request.work;
const label = `MiniLM-L6 training step in the page, ${pairs} pairs, auto micro-batches`;
await attempt(label, 'WebGPU in Chromium', async () => {
  const answer = (await inPage('bench/gpu/page/steps.html', gpu, async (page) => {
    await until(page, `typeof trainSteps === 'function'`);
    return page.evaluate(`trainSteps(${JSON.stringify(request)})`);
  })) as StepsAnswer;
  if ('failed' in answer) throw new Error(answer.failed);
  return {
    value: answer.steps.meanMilliseconds,
    unit: 'ms',
    note:
      `${answer.adapter}; ${pairs} pairs of ${queryTokens} + ${passageTokens} tokens; ` +
      `${answer.steps.microBatches}; random weights of ${small ? 'a tiny shape' : 'its shape'}, fp32`,
    detail: { ...answer.steps },
  };
});
// In software WebGPU the demo would take an hour; without WebGPU it runs in WASM, here to its first steps.
const demo = small
  ? {
      what: 'the demo, from Train to its first steps',
      on: 'WASM in Chromium',
      args: [],
      end: `/: step \\d/.test(document.body.innerText)`,
    }
  : {
      what: 'the demo, from Train to the table',
      on: 'WebGPU in Chromium',
      args: gpu,
      end: `document.querySelector('[aria-label="Results of all systems"]') !== null`,
    };
await attempt(demo.what, demo.on, async () => {
  const seconds = await inPage('', demo.args, async (page) => {
    const button = `[...document.querySelectorAll('button')].find((each) => each.textContent.includes('Train both now'))`;
    await until(page, `${button} !== undefined && !${button}.disabled`);
    const start = performance.now();
    await page.evaluate(`${button}.click()`);
    await until(page, demo.end);
    return (performance.now() - start) / 1000;
  });
  return { value: seconds, unit: 's', note: 'two students of the demo corpus' };
});
await server.close();
