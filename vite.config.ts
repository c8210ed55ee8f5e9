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

/** The page: `npx vite` serves it while it is worked on, scripts/build-page.mjs builds it into dist/page. */
export default defineConfig({
  // Addresses relative to the page, so that it may lie in any folder of a site.
  base: './',
  plugins: [svelte(), modelListing],
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
