// @ts-check
/** What every Vite build and server of the project needs, the tests' and the page's. */

/** Threads in WASM need shared memory, which browsers give to pages isolated by these headers alone. */
export const isolationHeaders = {
  'Cross-Origin-Opener-Policy': 'same-origin',
  'Cross-Origin-Embedder-Policy': 'require-corp',
  'Cross-Origin-Resource-Policy': 'same-origin',
};

/**
 * ONNX Runtime's entry that loads its WASM and glue from the addresses we give (src/host/browser/onnx-files.ts),
 * in place of the one with the glue inside, which looks for both beside itself.
 */
export const onnxRuntimeCondition = 'onnxruntime-web-use-extern-wasm';

/** How long plugins took helps nobody who builds or tests the page. */
export const bundlerOptions = { checks: { bundlerTimings: false } };

/**
 * Left as they are: Vite would move ONNX Runtime's entry away from what it loads, and the libraries of language models
 * are one file each already.
 */
export const notToBundleAhead = [
  'onnxruntime-web',
  '@huggingface/transformers',
  '@mlc-ai/web-llm',
  '@wllama/wllama',
];
