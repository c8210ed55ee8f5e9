import { svelte } from '@sveltejs/vite-plugin-svelte';
import { defineConfig } from 'vite';
import {
  bundlerOptions,
  isolationHeaders,
  notToBundleAhead,
  onnxRuntimeCondition,
} from './scripts/vite-shared.mjs';
import manifest from './package.json' with { type: 'json' };

/** The page: `npx vite` serves it while it is worked on, scripts/build-page.mjs builds it into dist/page. */
export default defineConfig({
  // Addresses relative to the page, so that it may lie in any folder of a site.
  base: './',
  plugins: [svelte()],
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
