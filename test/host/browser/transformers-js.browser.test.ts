/**
 * The same weights in the studio's graphs and in transformers.js give the same vectors and logits in a browser's
 * worker too, and the library asks for nothing that the user has not named.
 */
import { afterEach, describe, expect, it } from 'vitest';
import { expectSame, fetchedWasm, libraryInWorker, libraryResult } from './library-in-worker.ts';

afterEach(() => caches.delete('retriever-studio/models'));

describe('transformers.js in a worker', () => {
  it.each([
    ['tiny-bert', 1],
    ['tiny-distilbert', 2],
    ['tiny-cross-encoder', 2],
  ] as const)("computes what the studio's own graphs do: %s, %i threads", async (model, threads) => {
    const { comparisons, turns, fetched } = await libraryResult('compare', {
      model,
      runtime: { device: 'wasm', threads },
    });
    comparisons.forEach(expectSame);
    expect(turns).toBeGreaterThan(0);
    // One ONNX Runtime for both, whose WASM lies with the page.
    expect(fetchedWasm(fetched)).toEqual(['ort-wasm-simd-threaded.wasm']);
  });

  it("runs an architecture that the studio's graphs do not know, from a dropped folder", async () => {
    const { architecture, comparison } = await libraryResult('foreign');
    expect(architecture).toBe('roberta');
    expectSame(comparison);
  });

  it('takes a model from the cache the second time', async () => {
    const { hashes, dimensions, requests } = await libraryResult('again');
    expect(requests[0]).toBeGreaterThan(4);
    expect(requests.slice(1)).toEqual([0, 0]);
    expect(new Set(hashes).size).toBe(1);
    expect(dimensions).toEqual([16, 16, 16]);
  });

  it.each(['onnx/model.onnx', 'tokenizer_config.json'])('says that %s is missing', async (path) => {
    const { error } = await libraryInWorker('missing', { path });
    expect(error).toMatchObject({
      isInput: true,
      message: expect.stringMatching(
        new RegExp(
          `org/model/${path}: transformers\\.js requires this file, which is missing\\. Use a model`,
        ),
      ) as string,
    });
  });

  it.each(['onnx/model.onnx', 'onnx/model.onnx_data'])('passes on why %s can not be read', async (path) => {
    const { error } = await libraryInWorker('lost', { path });
    expect(error).toEqual({
      isInput: true,
      message: `org/model: the model has no file ${path}. Use a model with this file; its files are listed at https://hub.test/org/model.`,
    });
  });

  it('refuses a broken graph with one line', async () => {
    const { error } = await libraryInWorker('broken');
    expect(error?.isInput).toBe(true);
    expect(error?.message).toMatch(/^org\/model: transformers\.js cannot run the model: [^\n]+$/);
  });
});
