import otherProgram from 'onnxruntime-web/ort-wasm-simd-threaded.wasm?url';
import { expect, it } from 'vitest';
import { InputError } from '../../../../src/core/errors.ts';
import { TransientGeneratorError, type GeneratorLoadProgress } from '../../../../src/host/generator.ts';
import {
  cachedWebllm,
  openBrowserGenerator,
  webllmModels,
} from '../../../../src/host/browser/generators/open-generator.ts';
import type { WebllmRecord } from '../../../../src/host/browser/generators/webllm-models.ts';
import { describeUnless, itUnless } from '../../../support/skip.ts';

const folder = new URL('fake-model/resolve/main/', import.meta.url).pathname;

/** A record of our own server; its description is there, its weights are not. */
function own(overrides: Partial<WebllmRecord> = {}): WebllmRecord {
  return { model: folder, model_id: 'Own-q4f32_1-MLC', model_lib: '/no-library.wasm', ...overrides };
}

async function loadFailure(record: WebllmRecord): Promise<Error> {
  const generator = openBrowserGenerator({ kind: 'webllm', model: record.model_id, records: [record] });
  try {
    await generator.load();
    throw new Error('it was loaded');
  } catch (error) {
    return error as Error;
  }
}

/** A worker of a browser that lacks something. */
function oddWorker(name: 'no adapter' | 'silent server'): Worker {
  return new Worker(new URL('odd-worker.ts', import.meta.url), { type: 'module', name });
}

const adapter = 'gpu' in navigator ? await navigator.gpu.requestAdapter() : null;
const hasF16 = adapter?.features.has('shader-f16') === true;
const noAdapter = adapter === null ? 'this Chromium has no WebGPU adapter' : undefined;

describeUnless(noAdapter, 'WebLLM without a model', () => {
  it('lists its models, judged for this device, and what is kept of them', async () => {
    const models = await webllmModels();
    expect(models).toHaveLength(161);
    const small = models.find(({ id }) => id === 'Qwen3-0.6B-q4f16_1-MLC');
    expect(small?.needsF16).toBe(true);
    expect(small?.verdict === 'cannot').toBe(!hasF16);
    const withOwn = await webllmModels(undefined, [own({ vram_required_MB: 300 })]);
    expect(withOwn[0]).toMatchObject({ id: 'Own-q4f32_1-MLC', memoryMb: 300 });
    expect(await cachedWebllm()).toEqual([]);
  });

  it('names the nearest model for an unknown id', async () => {
    const error = await openBrowserGenerator({ kind: 'webllm', model: 'Qwen3-1.7B-q4f32-MLC' })
      .load()
      .catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(InputError);
    expect(String(error)).toMatch(
      /WebLLM has no model "Qwen3-1\.7B-q4f32-MLC"\. Did you mean Qwen3-1\.7B-q4f32_1-MLC\?/,
    );
  });

  it('says which file a server does not have', async () => {
    const error = await loadFailure(own({ model: '/missing/resolve/main/' }));
    expect(error).toBeInstanceOf(InputError);
    expect(error.message).toMatch(
      /^Own-q4f32_1-MLC: localhost:\d+ responded with status 404 for http.*\/missing\/resolve\/main\/mlc-chat-config\.json\. /,
    );
  });

  it('refuses a description whose hash is wrong, deletes it, and takes the right one', async () => {
    const wrong = await loadFailure(own({ integrity: { config: `sha256-${btoa('0'.repeat(32))}` } }));
    expect(wrong).toBeInstanceOf(InputError);
    expect(wrong.message).toMatch(
      /^Own-q4f32_1-MLC: .*mlc-chat-config\.json does not match the hash in the record; its hash is sha256-/,
    );
    const cache = await caches.open('webllm/config');
    const kept = (await cache.keys()).map(({ url }) => url);
    expect(kept.filter((url) => url.includes('fake-model'))).toEqual([]);
    const [, hash = ''] = /its hash is (sha256-[^ ]+)\. /.exec(wrong.message) ?? [];
    const right = await loadFailure(own({ integrity: { config: hash } }));
    // It gets as far as the program, which is not there.
    expect(right.message).toMatch(/compiled library/);
  });

  it('says that a library is none, or one for something else', async () => {
    const none = await loadFailure(own({ model_lib: `${folder}mlc-chat-config.json` }));
    expect(none.message).toMatch(/the address of the model's compiled library returns something else\. Fix/);
    const other = await loadFailure(own({ model_lib: otherProgram }));
    expect(other.message).toMatch(/the model's compiled library does not match this version of WebLLM/);
    expect(other.message).toMatch(/compiled for WebLLM 0\.2\.86/);
  });

  it('says that a server sends its page in place of the description', async () => {
    const error = await loadFailure(own({ model: '/no-such-folder/resolve/main/' }));
    expect(error).toBeInstanceOf(InputError);
    expect(error.message).toMatch(/the server sent something other than the model's description/);
  });

  itUnless(
    hasF16 ? 'this GPU has 16-bit arithmetic' : undefined,
    'says that a model needs f16, where there is none',
    async () => {
      const error = await openBrowserGenerator({ kind: 'webllm', model: 'gemma3-1b-it-q4f16_1-MLC' })
        .load()
        .catch((thrown: unknown) => thrown);
      expect(error).toBeInstanceOf(InputError);
      expect(String(error)).toMatch(
        /gemma3-1b-it-q4f16_1-MLC cannot run here: .*does not support 16-bit arithmetic \(shader-f16\)/,
      );
    },
  );

  it('says that there is no GPU, and what needs none', async () => {
    const error = await openBrowserGenerator(
      { kind: 'webllm', model: 'Qwen3-0.6B-q4f32_1-MLC' },
      { start: () => oddWorker('no adapter') },
    )
      .load()
      .catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(InputError);
    expect(String(error)).toMatch(
      /the browser offers no GPU for WebGPU\. .*a GGUF model, which needs no GPU/,
    );
  });

  it('does not wait for a worker that was killed', async () => {
    let worker: Worker | undefined;
    const generator = openBrowserGenerator(
      { kind: 'webllm', model: 'Own-q4f32_1-MLC', records: [own()] },
      { start: () => (worker = oddWorker('silent server')) },
    );
    const progress: GeneratorLoadProgress[] = [];
    const loading = generator.load({
      onProgress: (heard) => {
        progress.push(heard);
        // As the browser does it: nobody is told.
        setTimeout(() => worker?.terminate(), 100);
      },
    });
    await expect(loading).rejects.toThrow(TransientGeneratorError);
    await expect(loading).rejects.toThrow(/the browser terminated it, possibly for lack of memory/);
    expect(progress[0]).toEqual({ phase: 'download' });
  });

  it('ends a load that is canceled, and one that says nothing for too long', async () => {
    const open = (loadSilenceMs: number) =>
      openBrowserGenerator(
        { kind: 'webllm', model: 'Own-q4f32_1-MLC', records: [own()] },
        { start: () => oddWorker('silent server'), loadSilenceMs },
      );
    const abort = new AbortController();
    const canceled = open(60_000).load({
      signal: abort.signal,
      onProgress: () => abort.abort(new Error('not this one')),
    });
    await expect(canceled).rejects.toThrow('not this one');
    await expect(open(3000).load()).rejects.toThrow(/it did not respond for 3 s/);
  });
});
