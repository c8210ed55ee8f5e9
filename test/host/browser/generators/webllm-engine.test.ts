import type { ChatCompletionChunk } from '@mlc-ai/web-llm';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { InputError } from '../../../../src/core/errors.ts';
import { TransientGeneratorError, type GenerationRequest } from '../../../../src/host/generator.ts';
import type { Engine } from '../../../../src/host/browser/generators/engine.ts';
import { looksBroken, openWebllm } from '../../../../src/host/browser/generators/webllm-engine.ts';
import {
  explainWebllmLoad,
  explainWebllmReply,
} from '../../../../src/host/browser/generators/webllm-errors.ts';

/** Stands for the library: what it is asked, and what it answers. */
const library = vi.hoisted(() => ({
  requests: [] as Record<string, unknown>[],
  loads: [] as unknown[][],
  replies: [] as (() => AsyncIterable<object>)[],
  interruptions: 0,
  unloads: 0,
}));

vi.mock('@mlc-ai/web-llm', () => ({
  prebuiltAppConfig: {
    model_list: ['Qwen3-1.7B-q4f32_1-MLC', 'Llama-3.2-1B-Instruct-q4f32_1-MLC'].map((model_id) => ({
      model: `https://models.test/${model_id}`,
      model_id,
      model_lib: 'https://models.test/library.wasm',
    })),
  },
  MLCEngine: class {
    reload(...load: unknown[]) {
      library.loads.push(load);
      return Promise.resolve();
    }
    unload() {
      library.unloads++;
      return Promise.resolve();
    }
    interruptGenerate() {
      library.interruptions++;
      return Promise.resolve();
    }
    chatCompletion(request: Record<string, unknown>) {
      library.requests.push(request);
      return Promise.resolve((library.replies.shift() ?? writes(['red, green']))());
    }
  },
}));

type Finish = ChatCompletionChunk['choices'][number]['finish_reason'];

function writes(parts: readonly string[], finish: Finish = 'stop') {
  return async function* (): AsyncIterable<object> {
    for (const content of parts)
      yield await Promise.resolve({ choices: [{ delta: { content }, finish_reason: null }] });
    yield { choices: [{ delta: {}, finish_reason: finish }] };
    yield { choices: [], usage: { prompt_tokens: 9, completion_tokens: parts.length } };
  };
}

function fails(error: Error) {
  return async function* (): AsyncIterable<object> {
    yield await Promise.resolve({ choices: [{ delta: { content: 'x' }, finish_reason: null }] });
    throw error;
  };
}

beforeEach(() => {
  library.requests.length = 0;
  library.loads.length = 0;
  library.replies.length = 0;
  library.interruptions = 0;
  library.unloads = 0;
  const limits = {
    maxBufferSize: 2 ** 31,
    maxStorageBufferBindingSize: 2 ** 31,
    maxStorageBuffersPerShaderStage: 10,
    maxComputeWorkgroupStorageSize: 32768,
  };
  const adapter = { features: new Set(['subgroups']), limits, info: { isFallbackAdapter: false } };
  vi.stubGlobal('navigator', { userAgent: 'test', gpu: { requestAdapter: () => Promise.resolve(adapter) } });
  vi.stubGlobal('location', { origin: 'https://page.test' });
});
afterEach(() => vi.unstubAllGlobals());

function open(model = 'Qwen3-1.7B-q4f32_1-MLC', contextTokens?: number): Promise<Engine> {
  return openWebllm({ kind: 'webllm', model, contextTokens }, () => undefined);
}

const request: GenerationRequest = {
  id: 'one',
  messages: [{ role: 'user', content: 'Write.' }],
  schema: { type: 'object', properties: { label: { type: 'integer' } } },
  sampling: { maxTokens: 50, temperature: 0.7, topP: 0.9, topK: 20, stop: ['###'] },
  seed: 11,
};

const options = () => ({ signal: new AbortController().signal, onToken: () => undefined });

/** An error as the library throws it. */
function named(name: string, message: string): Error {
  return Object.assign(new Error(message), { name });
}

describe('WebLLM in its worker', () => {
  it('is asked for what the request says, with the schema as a text', async () => {
    const engine = await open('Qwen3-1.7B-q4f32_1-MLC', 1024);
    expect(library.loads).toEqual([['Qwen3-1.7B-q4f32_1-MLC', { context_window_size: 1024 }]]);
    library.replies.push(writes(['{"label"', ': 3}']));
    let tokens = 0;
    const reply = await engine.generate(request, { ...options(), onToken: () => tokens++ });
    expect(reply).toMatchObject({
      text: '{"label": 3}',
      finish: 'stop',
      promptTokens: 9,
      completionTokens: 2,
    });
    expect(tokens).toBe(4);
    expect(library.requests[1]).toEqual({
      messages: request.messages,
      stream: true,
      stream_options: { include_usage: true },
      max_tokens: 50,
      seed: 11,
      temperature: 0.7,
      top_p: 0.9,
      stop: ['###'],
      response_format: { type: 'json_object', schema: JSON.stringify(request.schema) },
      extra_body: { enable_thinking: false },
    });
  });

  it('lets only models that think be told not to', async () => {
    const engine = await open('Llama-3.2-1B-Instruct-q4f32_1-MLC');
    await engine.generate({ id: 'a', messages: [], sampling: { maxTokens: 3 }, seed: 1 }, options());
    expect(library.requests[1]).toEqual({
      messages: [],
      stream: true,
      stream_options: { include_usage: true },
      max_tokens: 3,
      seed: 1,
    });
  });

  it('refuses a model whose first words are garbage, and lets go of it', async () => {
    library.replies.push(writes(['!!!!', '!!!!']));
    await expect(open()).rejects.toThrow(
      /the model produces garbage on this device \("!!!!!!!!"\)\. Choose a smaller model .* delete the model on the page “Own data”/,
    );
    expect(library.unloads).toBe(1);
    expect(['', '  \n', '\uFFFD\uFFFDa', 'aaaaaaaaa'].every(looksBroken)).toBe(true);
    expect(['Red, green and blue.', 'no', '紅色、綠色'].some(looksBroken)).toBe(false);
  });

  it('interrupts a reply with the token after the wish', async () => {
    const engine = await open();
    const abort = new AbortController();
    library.replies.push(writes(['a', 'b', 'c'], 'abort'));
    const reply = engine.generate(request, { signal: abort.signal, onToken: () => abort.abort() });
    await expect(reply).rejects.toThrow(/ended/);
    expect(library.interruptions).toBeGreaterThan(0);
  });

  it('says when a reply was cut', async () => {
    const engine = await open();
    library.replies.push(writes(['a'], 'length'));
    expect((await engine.generate(request, options())).finish).toBe('length');
  });

  it('tells a lost GPU, which is loaded again, from what the user has to change', async () => {
    const engine = await open();
    library.replies.push(fails(named('ModelNotLoadedError', 'Model not loaded before trying to complete')));
    await expect(engine.generate(request, options())).rejects.toThrow(TransientGeneratorError);
    library.replies.push(
      fails(named('ContextWindowSizeExceededError', 'Prompt tokens exceed context window size')),
    );
    const error = await engine.generate(request, options()).catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(InputError);
    expect(String(error)).toMatch(/longer than the model's context/);
  });
});

describe('errors of WebLLM', () => {
  it.each([
    ['Error', 'Unable to find a compatible GPU. This issue might be because', /offers no GPU.*GGUF model/],
    ['WebGPUNotAvailableError', 'WebGPU is not supported', /offers no GPU/],
    ['ShaderF16SupportError', 'This model requires WebGPU extension shader-f16', /shader-f16.*name says f32/],
    [
      'FeatureSupportError',
      'This model requires feature subgroups, which is not yet supported. Bye',
      /feature subgroups/,
    ],
    [
      'Error',
      'Cannot initialize runtime because of requested maxComputeWorkgroupStorageSize exceeds limit. r',
      /limits of this GPU/,
    ],
    [
      'DeviceLostError',
      'The WebGPU device was lost while loading the model.',
      /memory is full.*smaller model/,
    ],
    [
      'LinkError',
      'WebAssembly.instantiate(): Import #3 "env": function import requires a callable',
      /does not match this version.*0\.2\.86/,
    ],
    ['Error', 'Cannot find global function ffi.ModuleGetFunction', /does not match this version/],
    ['SyntaxError', 'Unexpected token <', /something other than the model's description/],
    [
      'UnsupportedTokenizerFilesError',
      'Cannot handle tokenizer files a.model',
      /Cannot handle tokenizer files/,
    ],
    [
      'Error',
      'Something nobody knows',
      /\(Something nobody knows\)\. Re-run; .* delete the model on the page “Own data”/,
    ],
  ])('of a load: %s (%s)', (name, message, expected) => {
    const error = explainWebllmLoad(named(name, message), 'M-q4f16_1-MLC');
    expect(error).toBeInstanceOf(InputError);
    expect(error.message).toMatch(expected);
    expect(error.message).toMatch(/^M-q4f16_1-MLC: /);
  });

  it.each([
    ['GrammarMatcherInitError', 'Failed to initialize the grammar matcher', InputError, /this schema/],
    [
      'RangeError',
      'Make sure 0 < top_p <= 1.',
      InputError,
      /rejected a setting \(Make sure 0 < top_p <= 1\)/,
    ],
    ['SeedTypeError', '`seed` should be an integer', InputError, /rejected a setting/],
    [
      'Error',
      'A valid external Instance reference no longer exists. Device is lost',
      TransientGeneratorError,
      /GPU was lost/,
    ],
    ['Error', 'Something nobody knows', TransientGeneratorError, /Something nobody knows.*loaded again/],
  ])('of a reply: %s (%s)', (name, message, kind, expected) => {
    const error = explainWebllmReply(named(name, message), 'M');
    expect(error).toBeInstanceOf(kind);
    expect(error.message).toMatch(expected);
  });
});
