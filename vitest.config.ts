import { svelte } from '@sveltejs/vite-plugin-svelte';
import { playwright } from '@vitest/browser-playwright';
import type { Plugin } from 'vite';
import { defineConfig, type TestProjectInlineConfiguration } from 'vitest/config';
import { fileURLToPath } from 'node:url';
import { chromiumArguments, testChromium } from './scripts/chromium.mjs';
import { filesOfSuite, suiteVariable } from './scripts/test-suites.mjs';
import {
  bundlerOptions,
  isolationHeaders,
  notToBundleAhead,
  onnxRuntimeCondition,
} from './scripts/vite-shared.mjs';
import { hubForTests } from './test/support/hub-plugin.ts';
import { findChromium } from './src/host/node/machine.ts';

const studioData = process.env.STUDIO_DATA ?? fileURLToPath(new URL('../shared/data', import.meta.url));
const webgpuTests = 'test/**/*.webgpu.test.ts';
const browserTests = 'test/**/*.browser.test.ts';
/** Measurements in Chromium, asked for by BROWSER_BENCH=1. */
const browserBenches = process.env.BROWSER_BENCH === '1' ? ['bench/**/*.browser.bench.ts'] : [];

const inNode: TestProjectInlineConfiguration[] = [
  {
    extends: true,
    test: { name: 'node', ...filesOfSuite('test/**/*.test.ts', [webgpuTests, browserTests]) },
  },
  {
    // Node too, but with a GPU: the machine's own or the software one that comes with Chromium.
    extends: true,
    test: {
      name: 'webgpu',
      ...filesOfSuite(webgpuTests),
      globalSetup: 'test/support/webgpu-device.ts',
      setupFiles: 'test/support/webgpu-proof.ts',
    },
  },
];

/** Where Vite has no file it sends its page; below this address it says so, as other servers do. */
const missingFiles: Plugin = {
  name: 'missing-files',
  configureServer: ({ middlewares }) => {
    middlewares.use('/missing/', (_, response) => {
      response.statusCode = 404;
      response.end();
    });
  },
};

/**
 * A file in the browser may lose the GPU of them all. (Said of the browser alone: said of the project, its files would
 * wait for all others.)
 */
const oneFileAtATime = { fileParallelism: false };

/** Without a Chromium the project is left out, and `npm test` says so. */
function inChromium(): TestProjectInlineConfiguration[] {
  const executablePath = testChromium(findChromium());
  if (executablePath === undefined) return [];
  const inBrowser = filesOfSuite(browserTests);
  return [
    {
      extends: true,
      plugins: [svelte(), missingFiles, hubForTests],
      define: { __STUDIO_VERSION__: JSON.stringify('test') },
      resolve: {
        conditions: [onnxRuntimeCondition, 'module', 'browser', 'development|production'],
        // The helpers of the tests read the committed files alike in Node and here.
        alias: { 'node:fs': fileURLToPath(new URL('test/support/browser/files.ts', import.meta.url)) },
      },
      optimizeDeps: {
        exclude: notToBundleAhead,
        rolldownOptions: bundlerOptions,
        // What only workers import is found late, and the tests would start anew.
        include: ['fflate', 'idb', 'papaparse', 'stemmer', 'valibot', '@huggingface/tokenizers'],
      },
      worker: { format: 'es', rolldownOptions: bundlerOptions },
      // Real data that may not be in the repository, for the tests that look for it.
      server: { headers: isolationHeaders, fs: { allow: ['.', studioData] } },
      test: {
        name: 'browser',
        env: { STUDIO_DATA: studioData },
        ...inBrowser,
        include: [...inBrowser.include, ...browserBenches],
        setupFiles: 'test/support/browser/proof.ts',
        browser: {
          enabled: true,
          headless: true,
          ...oneFileAtATime,
          screenshotFailures: false,
          provider: playwright({ launchOptions: { executablePath, args: chromiumArguments() } }),
          instances: [{ browser: 'chromium' }],
        },
      },
    },
  ];
}

/**
 * In Node; the browser has files of its own under way beside these. Most files of the default suite wait for processes and
 * disks, or compute on one core. Those of the long suite keep every core busy by themselves, and only fight for them.
 */
const filesAtOnce = process.env[suiteVariable] === 'long' ? { fileParallelism: false } : { maxWorkers: 2 };

export default defineConfig({
  test: {
    ...filesAtOnce,
    pool: 'forks',
    testTimeout: 120_000,
    hookTimeout: 120_000,
    projects: [...inNode, ...inChromium()],
  },
});
