import { svelte } from '@sveltejs/vite-plugin-svelte';
import { readdirSync } from 'node:fs';
import { join, relative } from 'node:path';
import { defineConfig, type Plugin } from 'vite';
import {
  bundlerOptions,
  isolationHeaders,
  notToBundleAhead,
  onnxRuntimeCondition,
} from './scripts/vite-shared.mjs';
import manifest from './package.json' with { type: 'json' };

/** Lists the files of each model that comes with the page: a server of files tells nobody what it has. */
const modelListing: Plugin = {
  name: 'model-listing',
  generateBundle() {
    for (const model of readdirSync('public/models')) {
      const folder = join('public/models', model);
      const paths = readdirSync(folder, { recursive: true, withFileTypes: true })
        .filter((entry) => entry.isFile())
        .map(({ parentPath, name }) => relative(folder, join(parentPath, name)).replaceAll('\\', '/'))
        .sort();
      this.emitFile({
        type: 'asset',
        fileName: `models/${model}/files.json`,
        source: JSON.stringify(paths),
      });
    }
  },
};

/** The scripts that the demo's training loads, by the beginnings of their names. */
const trainingScripts = [
  ...['training', 'page-train', 'page-search', 'ort.wasm.min', 'LiveTraining', 'RaceChart', 'LineChart'],
  ...['RunResults', 'PushedDown', 'SecondAct', 'DemoDoors', 'Term'],
];

/** Lists their sizes, so that the page can say how much a training loads. */
const trainingListing: Plugin = {
  name: 'training-listing',
  generateBundle: {
    order: 'post',
    handler(_, bundle) {
      const sizes = Object.values(bundle).flatMap((file) => {
        const name = file.fileName.replace(/^assets\//, '');
        if (!trainingScripts.some((script) => name.startsWith(`${script}-`))) return [];
        const content = file.type === 'chunk' ? file.code : file.source;
        return [[file.fileName, Buffer.byteLength(content)] as const];
      });
      const source = JSON.stringify(Object.fromEntries(sizes));
      this.emitFile({ type: 'asset', fileName: 'training-files.json', source });
    },
  },
};

/** The page: `npx vite` serves it while it is worked on, scripts/build-page.mjs builds it into dist/page. */
export default defineConfig({
  // Addresses relative to the page, so that it may lie in any folder of a site.
  base: './',
  plugins: [svelte(), modelListing, trainingListing],
  define: { __STUDIO_VERSION__: JSON.stringify(manifest.version) },
  resolve: { conditions: [onnxRuntimeCondition, 'module', 'browser', 'development|production'] },
  optimizeDeps: { exclude: notToBundleAhead, rolldownOptions: bundlerOptions },
  worker: { format: 'es', rolldownOptions: bundlerOptions },
  server: { headers: isolationHeaders },
  build: {
    outDir: 'dist/page',
    emptyOutDir: true,
    target: 'es2023',
    // ONNX Runtime's WASM is as large as it is; scripts and styles have a test of their own.
    chunkSizeWarningLimit: 2000,
    reportCompressedSize: false,
    rolldownOptions: bundlerOptions,
  },
});
