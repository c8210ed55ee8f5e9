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

/** In a built script: `from"./name.js"` or `import"./name.js"`, and not `import("./name.js")`. */
const staticImport = /(?:from|import) ?["']\.\/([\w.-]+\.js)["']/g;

/** Lists their sizes, so that the page can say how much a training loads. */
const trainingListing: Plugin = {
  name: 'training-listing',
  generateBundle: {
    order: 'post',
    handler(_, bundle) {
      const contents = new Map(
        Object.values(bundle).map((file) => [
          file.fileName.replace(/^assets\//, ''),
          {
            path: file.fileName,
            ofWorker: file.type === 'asset',
            content: file.type === 'chunk' ? file.code : file.source,
          },
        ]),
      );
      const sizes = new Map<string, number>();
      const add = (name: string): void => {
        const file = contents.get(name);
        if (file === undefined || sizes.has(file.path)) return;
        sizes.set(file.path, Buffer.byteLength(file.content));
        // What the page's own scripts share was there before; a worker loads its parts anew.
        if (!file.ofWorker || typeof file.content !== 'string') return;
        for (const [, part = ''] of file.content.matchAll(staticImport)) add(part);
      };
      for (const name of contents.keys()) {
        if (trainingScripts.some((script) => name.startsWith(`${script}-`))) add(name);
      }
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
