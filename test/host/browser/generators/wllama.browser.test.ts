import { afterEach, describe, expect, it } from 'vitest';
import { InputError } from '../../../../src/core/errors.ts';
import type { GenerationRequest, GeneratorLoadProgress } from '../../../../src/host/generator.ts';
import type { LocalGenerator } from '../../../../src/host/browser/generators/local-generator.ts';
import { forgetModel, keptModels } from '../../../../src/host/browser/generators/kept-models.ts';
import { openBrowserGenerator } from '../../../../src/host/browser/generators/open-generator.ts';
import type { WllamaModel } from '../../../../src/host/browser/generators/protocol.ts';
import { tinyLlama } from '../../../support/gguf.ts';
import { itUnless } from '../../../support/skip.ts';

const tiny = new File([tinyLlama({ seed: 1 })], 'tiny.gguf');

/** A language model of 264,000 trained weights, where it lies beside the project. */
const stories = `/@fs${import.meta.env.STUDIO_DATA}/llm/stories260K.gguf`;
const { headers: storiesHeaders } = await fetch(stories, { method: 'HEAD' });
const storiesAddress = storiesHeaders.get('content-type')?.startsWith('text/html') ? undefined : stories;

const opened: LocalGenerator[] = [];
afterEach(async () => {
  await Promise.all(opened.splice(0).map((generator) => generator.unload()));
});

function open(model: WllamaModel['model'], options: Partial<WllamaModel> = {}): LocalGenerator {
  const generator = openBrowserGenerator({ kind: 'wllama', model, contextTokens: 1024, ...options });
  opened.push(generator);
  return generator;
}

function request(overrides: Partial<GenerationRequest> = {}): GenerationRequest {
  return {
    id: 'test',
    messages: [
      { role: 'system', content: 'You write search queries.' },
      { role: 'user', content: 'Write a query about the growth of cells.' },
    ],
    sampling: { maxTokens: 40, temperature: 1 },
    seed: 7,
    ...overrides,
  };
}

const schema = {
  type: 'object',
  properties: {
    queries: {
      type: 'array',
      minItems: 2,
      maxItems: 2,
      items: {
        type: 'object',
        properties: {
          label: { type: 'integer', minimum: 0, maximum: 3 },
          text: { type: 'string', minLength: 3, maxLength: 30 },
        },
        required: ['label', 'text'],
        additionalProperties: false,
      },
    },
  },
  required: ['queries'],
  additionalProperties: false,
} as const;

async function failure(task: Promise<unknown>): Promise<Error> {
  return task.then(
    () => new Error('it did not fail'),
    (error: unknown) => error as Error,
  );
}

describe('wllama with a tiny model', () => {
  it('loads a dropped file and writes, the same for the same seed, in whatever order', async () => {
    const generator = open(tiny);
    const phases: GeneratorLoadProgress[] = [];
    await generator.load({ onProgress: (progress) => phases.push(progress) });
    expect(phases.map(({ phase }) => phase)).toEqual(['read']);
    expect(generator.description).toEqual({
      kind: 'wllama',
      model: 'tiny.gguf',
      recorded: false,
      constrains: true,
      parallel: 1,
    });
    const first = await generator.generate(request());
    const other = await generator.generate(request({ seed: 8 }));
    const again = await generator.generate(request());
    expect(first.text.length).toBeGreaterThan(20);
    expect(first.finish).toBe('length');
    expect(first.completionTokens).toBe(40);
    expect(first.promptTokens).toBeGreaterThan(10);
    expect(first.seconds).toBeGreaterThan(0);
    expect(again.text).toBe(first.text);
    expect(other.text).not.toBe(first.text);
  });

  it('writes JSON that fits the schema', async () => {
    const generator = open(tiny);
    for (const seed of [1, 2, 3]) {
      const reply = await generator.generate(
        request({ schema, seed, sampling: { maxTokens: 400, temperature: 0.8 } }),
      );
      expect(reply.finish).toBe('stop');
      const { queries } = JSON.parse(reply.text) as { queries: { label: number; text: string }[] };
      expect(queries).toHaveLength(2);
      for (const { label, text } of queries) {
        expect([0, 1, 2, 3]).toContain(label);
        expect(text.length).toBeGreaterThanOrEqual(3);
        expect(Array.from(text).length).toBeLessThanOrEqual(30);
      }
    }
  });

  it('ends a reply that is no longer wanted, and goes on with the next', async () => {
    const generator = open(tiny);
    await generator.load();
    const abort = new AbortController();
    const long = generator.generate(request({ sampling: { maxTokens: 900 } }), abort.signal);
    const next = generator.generate(request({ sampling: { maxTokens: 5 } }));
    setTimeout(() => abort.abort(new Error('enough')), 100);
    await expect(long).rejects.toThrow('enough');
    const begun = performance.now();
    expect((await next).completionTokens).toBe(5);
    expect(performance.now() - begun).toBeLessThan(2000);
  });

  it('writes again after it was unloaded', async () => {
    const generator = open(tiny);
    const { text } = await generator.generate(request());
    await generator.unload();
    expect((await generator.generate(request())).text).toBe(text);
  });

  it('says that a prompt is too long for the context', async () => {
    const generator = open(tiny, { contextTokens: 256 });
    const content = 'the growth of cells '.repeat(200);
    const error = await failure(generator.generate(request({ messages: [{ role: 'user', content }] })));
    expect(error).toBeInstanceOf(InputError);
    expect(error.message).toMatch(/longer than the model's context/);
    expect((await generator.generate(request())).text).not.toBe('');
  });

  itUnless(
    storiesAddress === undefined
      ? `no real data in ${import.meta.env.STUDIO_DATA}; STUDIO_DATA names another folder`
      : undefined,
    'writes a story with trained weights, fetched from an address',
    async () => {
      const generator = open(storiesAddress ?? '');
      const phases: GeneratorLoadProgress[] = [];
      const kept = async () => (await keptModels()).find(({ name }) => name === 'stories260K.gguf');
      const forget = async (): Promise<void> => {
        const found = await kept();
        if (found !== undefined) await forgetModel(found.id);
      };
      await forget();
      await generator.load({ onProgress: (progress) => phases.push(progress) });
      expect(phases.find(({ phase }) => phase === 'download')).toMatchObject({ totalBytes: 1_054_272 });
      expect(phases.findLast(({ phase }) => phase === 'download')).toMatchObject({ share: 1 });
      const messages = [{ role: 'user', content: 'Once upon a time' }] as const;
      const sampling = { maxTokens: 120, temperature: 0 };
      const reply = await generator.generate(request({ messages, sampling }));
      expect(reply.text).toMatch(/ (was|were|had|saw|said|went) /);
      expect((await kept())?.bytes).toBe(1_054_272);
      await generator.unload();
      await forget();
      expect(await kept()).toBeUndefined();
    },
  );

  it('says what is no GGUF file, and what llama.cpp cannot read', async () => {
    const page = new File(['<!doctype html><p>no model'], 'page.gguf');
    const notOne = await failure(open(page).load());
    expect(notOne).toBeInstanceOf(InputError);
    expect(notOne.message).toMatch(
      /^page\.gguf: this is not a GGUF file\. Use the address of the \.gguf file/,
    );
    const cut = await failure(open(new File([tiny.slice(0, 100_000)], 'cut.gguf')).load());
    expect(cut).toBeInstanceOf(InputError);
    expect(cut.message).toMatch(/^cut\.gguf: llama\.cpp could not load the file/);
  });
});
