// @ts-check
/**
 * Times one encoder layer, forward and backward, in Chromium: the studio beside its peers. How the peers are
 * installed: README.md beside this file.
 *
 * `node bench/layer/run.mjs --peers DIR [--threads 1,2] [--sizes 128,384] [--systems studio.split,…]
 * [--artifacts DIR]` measures; `--export DIR` writes the forward graphs for training-artifacts.py instead.
 */
import { createReadStream, mkdirSync, mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { extname, join, normalize } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { chromium } from 'playwright';
import { createServer } from 'vite';
import { chromiumArguments, testChromium } from '../../scripts/chromium.mjs';
import { isolationHeaders, notToBundleAhead, onnxRuntimeCondition } from '../../scripts/vite-shared.mjs';
import { builtHost } from '../../scripts/webgpu.mjs';

const titles = {
  'studio.split': 'Retriever Studio, two graphs as in a training',
  'studio.whole': 'Retriever Studio, one graph',
  'onnxruntime.split': 'onnxruntime-web 1.19.2, our two graphs',
  'onnxruntime.whole': 'onnxruntime-web 1.19.2, our one graph',
  'training.own': 'onnxruntime-web 1.19.2, its training API',
  'tensorflow.plain': 'TensorFlow.js 4.22.0',
  'tensorflow.transposes': 'TensorFlow.js 4.22.0, product with a gradient by hand',
  'jax.jit': 'jax-js 0.1.25',
};
const { values } = parseArgs({
  options: {
    peers: { type: 'string' },
    threads: { type: 'string', default: '1,2' },
    sizes: { type: 'string', default: '128,384' },
    systems: { type: 'string' },
    artifacts: { type: 'string' },
    export: { type: 'string' },
    rounds: { type: 'string', default: '5' },
  },
});
const systems =
  values.systems?.split(',') ??
  Object.keys(titles).filter((system) => values.artifacts !== undefined || system !== 'training.own');
/** @param {string} list */
const numbers = (list) => list.split(',').map(Number);

/** @type {Readonly<Record<string, string>>} */
const contentTypes = {
  '.js': 'text/javascript',
  '.mjs': 'text/javascript',
  '.wasm': 'application/wasm',
};

/**
 * A plug-in that serves the files of a folder as they are.
 * @param {string} prefix
 * @param {string} folder
 * @returns {import('vite').Plugin}
 */
function folderAt(prefix, folder) {
  return {
    name: `folder-at-${prefix}`,
    configureServer: ({ middlewares }) => {
      middlewares.use(prefix, (request, response, next) => {
        const path = join(folder, normalize(new URL(request.url ?? '/', 'http://x').pathname));
        if (statSync(path, { throwIfNoEntry: false })?.isFile() !== true) return next();
        for (const [name, value] of Object.entries(isolationHeaders)) response.setHeader(name, value);
        response.setHeader('content-type', contentTypes[extname(path)] ?? 'application/octet-stream');
        createReadStream(path).pipe(response);
      });
    },
  };
}

/** @type {import('vite').Plugin} */
const emptyPage = {
  name: 'empty-page',
  configureServer: ({ middlewares }) => {
    middlewares.use('/page', (_, response) => {
      for (const [name, value] of Object.entries(isolationHeaders)) response.setHeader(name, value);
      response.setHeader('content-type', 'text/html');
      response.end(
        '<!doctype html><script type="module">import * as layer from "/bench/layer/page.ts";' +
          'globalThis.layer = layer;</script>',
      );
    });
  },
};

const cacheDir = mkdtempSync(join(tmpdir(), 'layer-'));
const server = await createServer({
  configFile: false,
  root: fileURLToPath(new URL('../..', import.meta.url)),
  cacheDir,
  appType: 'custom',
  logLevel: 'error',
  resolve: { conditions: [onnxRuntimeCondition, 'module', 'browser', 'development|production'] },
  optimizeDeps: { exclude: notToBundleAhead, noDiscovery: true },
  server: { host: '127.0.0.1', port: 0, headers: isolationHeaders, hmr: false, watch: null },
  plugins: [
    emptyPage,
    ...(values.peers === undefined ? [] : [folderAt('/peers', join(values.peers, 'node_modules'))]),
    ...(values.artifacts === undefined ? [] : [folderAt('/artifacts', values.artifacts)]),
  ],
});
try {
  if (values.export !== undefined) await exportForward(values.export);
  else if (values.peers === undefined)
    throw new Error('--peers DIR names the folder with the peers (README.md)');
  else await measureAll();
} finally {
  await server.close();
  rmSync(cacheDir, { recursive: true, force: true });
}

/** @param {string} folder */
async function exportForward(folder) {
  const { forwardForTraining } = await server.ssrLoadModule('/bench/layer/graphs.ts');
  const { problemOf } = await server.ssrLoadModule('/bench/layer/problem.ts');
  mkdirSync(folder, { recursive: true });
  for (const size of numbers(values.sizes)) {
    writeFileSync(join(folder, `forward-${size}.onnx`), forwardForTraining(problemOf(size)));
  }
}

async function measureAll() {
  await server.listen();
  const address = server.httpServer?.address();
  if (typeof address !== 'object' || address === null) throw new Error('the server has no address');
  const executablePath = testChromium((await builtHost()).findChromium());
  if (executablePath === undefined) throw new Error('There is no Chromium.');
  for (const size of numbers(values.sizes)) {
    for (const threads of numbers(values.threads)) {
      // A browser for each setting: nothing of the one before is left running.
      const browser = await chromium.launch({ executablePath, args: chromiumArguments() });
      try {
        const page = await browser.newPage();
        page.on('console', (message) => {
          if (process.env.VERBOSE) console.log(`  ${message.text()}`);
        });
        const session = await browser.newBrowserCDPSession();
        await page.exposeFunction('processorSeconds', async () => {
          const { processInfo } = await session.send('SystemInfo.getProcessInfo');
          const renderers = processInfo.filter(({ type }) => type === 'renderer');
          return renderers.reduce((sum, { cpuTime }) => sum + cpuTime, 0);
        });
        await page.goto(`http://127.0.0.1:${address.port}/page`);
        await page.waitForFunction('globalThis.layer !== undefined');
        const plan = {
          hidden: size,
          threads,
          systems,
          artifacts: `/artifacts/${size}/`,
          warmUp: 5,
          rounds: Number(values.rounds),
          stepsOfRound: 3,
        };
        /** @type {Awaited<ReturnType<typeof import('./page.ts').measure>>} */
        const measured = await page.evaluate(`layer.measure(${JSON.stringify(plan)})`);
        console.log(`\nWidth ${size}, ${threads} ${threads === 1 ? 'thread' : 'threads'}\n`);
        console.log(table(measured));
      } finally {
        await browser.close();
      }
    }
  }
}

/** @param {Awaited<ReturnType<typeof import('./page.ts').measure>>} measured */
function table({ operations, rows }) {
  /** @param {readonly number[]} times */
  const median = (times) => times.toSorted((a, b) => a - b)[Math.floor(times.length / 2)] ?? NaN;
  const ours = rows[0];
  const lines = [
    '| system | ms a step, median | best | times ours | processor ms a step | times ours | GFLOP per processor second | loss: difference | gradients: largest difference |',
    '| --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: |',
  ];
  for (const row of rows) {
    const { system, failed, milliseconds, processor, lossDifference, gradientDifference, gradientName } = row;
    const title = titles[/** @type {keyof titles} */ (system)] ?? system;
    if (failed !== undefined) {
      lines.push(`| ${title} | ${failed.replaceAll(/\s+/g, ' ').slice(0, 300)} |`);
      continue;
    }
    const middle = median(milliseconds);
    const agrees = lossDifference < 1e-3 && gradientDifference < 1e-3;
    const cells = [
      title,
      middle.toFixed(1),
      Math.min(...milliseconds).toFixed(1),
      (middle / median(ours?.milliseconds ?? [])).toFixed(2),
      processor.toFixed(1),
      (processor / (ours?.processor ?? NaN)).toFixed(2),
      (operations / processor / 1e6).toFixed(1),
      lossDifference.toExponential(1),
      `${gradientDifference.toExponential(1)}${agrees ? '' : ` WRONG (${gradientName})`}`,
    ];
    lines.push(`| ${cells.join(' | ')} |`);
  }
  return lines.join('\n');
}
