/**
 * The same weights in the studio's graphs and in transformers.js give the same vectors and logits in a browser's
 * worker too, and the library asks for nothing that the user has not named.
 */
import { afterEach, describe, expect, it } from 'vitest';
import type {
  Comparison,
  LibraryAnswer,
  LibraryRequest,
  ScenarioInput,
  ScenarioName,
  ScenarioResult,
} from './library-worker.ts';

afterEach(() => caches.delete('retriever-studio/models'));

type Answer<Name extends ScenarioName> = Omit<LibraryAnswer, 'result'> & {
  readonly result?: ScenarioResult<Name>;
};

async function inWorker<Name extends ScenarioName>(
  name: Name,
  ...input: ScenarioInput<Name>
): Promise<Answer<Name>> {
  const worker = new Worker(new URL('library-worker.ts', import.meta.url), { type: 'module' });
  try {
    const answer = await new Promise<LibraryAnswer>((resolve, reject) => {
      worker.onmessage = ({ data }: MessageEvent<LibraryAnswer>) => resolve(data);
      worker.onerror = ({ message }) => reject(new Error(`the worker failed: ${message}`));
      worker.postMessage({ name, input } satisfies LibraryRequest);
    });
    // Whatever it did: all of it came from here.
    expect(answer.fetched.length).toBeGreaterThan(0);
    expect(answer.fetched.filter((address) => !address.startsWith(`${location.origin}/`))).toEqual([]);
    return answer as Answer<Name>;
  } finally {
    worker.terminate();
  }
}

async function resultOf<Name extends ScenarioName>(
  name: Name,
  ...input: ScenarioInput<Name>
): Promise<ScenarioResult<Name> & Pick<LibraryAnswer, 'fetched'>> {
  const { result, error, fetched } = await inWorker(name, ...input);
  if (result === undefined) throw new Error(error?.message ?? 'no answer');
  return { ...result, fetched };
}

function expectSame({ difference, spread }: Comparison): void {
  expect(difference).toBeLessThan(1e-4);
  // Equal for a reason: the values differ among themselves.
  expect(spread).toBeGreaterThan(0.01);
}

describe('transformers.js in a worker', () => {
  it.each([
    ['tiny-bert', 1],
    ['tiny-distilbert', 2],
    ['tiny-cross-encoder', 2],
  ] as const)("computes what the studio's own graphs do: %s, %i threads", async (model, threads) => {
    const { comparisons, turns, fetched } = await resultOf('compare', { model, threads });
    comparisons.forEach(expectSame);
    expect(turns).toBeGreaterThan(0);
    // One ONNX Runtime for both, whose WASM lies with the page.
    expect(fetched.filter((address) => new URL(address).pathname.endsWith('.wasm'))).toEqual([
      expect.stringMatching(/ort-wasm-simd-threaded\.wasm$/),
    ]);
  });

  it("runs an architecture that the studio's graphs do not know, from a dropped folder", async () => {
    const { architecture, comparison } = await resultOf('foreign');
    expect(architecture).toBe('roberta');
    expectSame(comparison);
  });

  it('takes a model from the cache the second time', async () => {
    const { hashes, dimensions, requests } = await resultOf('again');
    expect(requests[0]).toBeGreaterThan(4);
    expect(requests.slice(1)).toEqual([0, 0]);
    expect(new Set(hashes).size).toBe(1);
    expect(dimensions).toEqual([16, 16, 16]);
  });

  it.each(['onnx/model.onnx', 'tokenizer_config.json'])('says that %s is missing', async (path) => {
    const { error } = await inWorker('missing', { path });
    expect(error).toMatchObject({
      isInput: true,
      message: expect.stringMatching(
        new RegExp(`org/model/${path}: transformers\\.js needs this file, and it is missing\\. Use a model`),
      ) as string,
    });
  });

  it.each(['onnx/model.onnx', 'onnx/model.onnx_data'])('passes on why %s can not be read', async (path) => {
    const { error } = await inWorker('lost', { path });
    expect(error).toEqual({
      isInput: true,
      message: `org/model/${path}: hub.test answers 404. Try again later.`,
    });
  });

  it('refuses a broken graph with one line', async () => {
    const { error } = await inWorker('broken');
    expect(error?.isInput).toBe(true);
    expect(error?.message).toMatch(/^org\/model: transformers\.js can not run the model: [^\n]+$/);
  });
});
