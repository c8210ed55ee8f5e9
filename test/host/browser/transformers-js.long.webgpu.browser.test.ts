/** The library computes in WASM beside a studio that computes on the GPU. */
import { afterEach, expect, it } from 'vitest';
import { describeOnBrowserGpu } from '../../support/browser/webgpu.ts';
import { expectSame, fetchedWasm, libraryResult } from './library-in-worker.ts';

afterEach(() => caches.delete('retriever-studio/models'));

describeOnBrowserGpu('transformers.js beside WebGPU', () => {
  // The build of ONNX Runtime that the library imports too, and is not to touch.
  it("computes what the studio's own graphs do", async () => {
    const { comparisons, fetched } = await libraryResult('compare', {
      model: 'tiny-cross-encoder',
      runtime: { device: 'webgpu', waiting: 'asyncify' },
      pairs: 20,
    });
    comparisons.forEach(expectSame);
    expect(fetchedWasm(fetched).sort()).toEqual([
      'ort-wasm-simd-threaded.asyncify.wasm',
      'ort-wasm-simd-threaded.wasm',
    ]);
  });
});
