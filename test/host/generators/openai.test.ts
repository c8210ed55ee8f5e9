import { inspect } from 'node:util';
import { describe, expect, it } from 'vitest';
import { InputError } from '../../../src/core/errors.ts';
import { TransientGeneratorError, type GenerationRequest } from '../../../src/host/generator.ts';
import { retryAfter } from '../../../src/host/generators/http-answer.ts';
import { openAiGenerator, serverModels, type OpenAiOptions } from '../../../src/host/generators/openai.ts';
import { startModelServer, type Behavior } from '../../support/model-server.ts';

const schema = { type: 'object', properties: { query: { type: 'string' } } };
const request: GenerationRequest = {
  id: 'one',
  messages: [
    { role: 'system', content: 'You write queries.' },
    { role: 'user', content: 'A passage.' },
  ],
  schema,
  sampling: { maxTokens: 50, temperature: 0.7, topP: 0.9, topK: 40, stop: ['\n\n'] },
  seed: 3,
};

async function open(
  behave: Behavior | Parameters<typeof startModelServer>[0],
  more: Partial<OpenAiOptions> = {},
) {
  const server = await startModelServer(typeof behave === 'function' ? behave : () => behave);
  const { address } = server;
  return { server, generator: openAiGenerator({ address, model: 'test-model', ...more }) };
}

async function failureOf(work: Promise<unknown>): Promise<Error> {
  return work.then(
    () => expect.unreachable('it should have failed'),
    (error: unknown) => error as Error,
  );
}

describe('a server that answers', () => {
  it('is sent messages, schema, sampling and seed, and gives text and counts', async () => {
    const { server, generator } = await open({ text: '{"query": "why"}', afterMs: 30 }, { key: 'sk-1' });
    await generator.load();
    await generator.load();
    const reply = await generator.generate(request);
    expect(reply).toMatchObject({
      text: '{"query": "why"}',
      finish: 'stop',
      promptTokens: 12,
      completionTokens: 5,
    });
    expect(reply.seconds).toBeGreaterThan(0.02);
    expect(reply.seconds).toBeLessThan(5);
    expect(server.calls).toHaveLength(1);
    expect(server.calls[0]!.body).toEqual({
      model: 'test-model',
      messages: request.messages,
      response_format: { type: 'json_schema', json_schema: { name: 'reply', strict: true, schema } },
      temperature: 0.7,
      top_p: 0.9,
      top_k: 40,
      max_tokens: 50,
      stop: ['\n\n'],
      seed: 3,
      stream: false,
    });
    expect(server.calls[0]!.headers.authorization).toBe('Bearer sk-1');
    expect(generator.description).toEqual({
      kind: 'http',
      model: 'test-model',
      recorded: false,
      constrains: true,
      parallel: 4,
    });
  });

  it('is asked without a schema or settings where there are none', async () => {
    const { server, generator } = await open({ text: 'free' });
    await generator.generate({ id: 'x', messages: request.messages, sampling: { maxTokens: 9 }, seed: 0 });
    expect(Object.keys(server.calls[0]!.body).sort()).toEqual([
      'max_tokens',
      'messages',
      'model',
      'seed',
      'stream',
    ]);
    expect(server.calls[0]!.headers.authorization).toBeUndefined();
  });

  it('is told to have been cut at the most tokens', async () => {
    const { generator } = await open({ text: '{"que', finish: 'length' });
    expect((await generator.generate(request)).finish).toBe('length');
  });

  it('is asked at the same time as often as the caller asks', async () => {
    const { server, generator } = await open({ text: '{}', afterMs: 500 }, { parallel: 3 });
    await Promise.all([1, 2, 3].map((seed) => generator.generate({ ...request, seed })));
    expect(server.mostAtOnce()).toBe(3);
    expect(generator.description.parallel).toBe(3);
  });
});

describe('a server that takes no schema', () => {
  it.each([
    [400, '{"error": {"message": "response_format is not supported by this model"}}'],
    [422, '{"detail": [{"loc": ["body", "response_format"], "msg": "Extra inputs are not permitted"}]}'],
    [500, '{"error": {"code": 500, "message": "failed to parse grammar"}}'],
  ])(
    'with %i is asked again with the schema in words, and never with it from then on',
    async (status, body) => {
      const { server, generator } = await open((call) =>
        call.body.response_format === undefined ? { text: '{"query": "why"}' } : { status, body },
      );
      expect((await generator.generate(request)).text).toBe('{"query": "why"}');
      expect(generator.description.constrains).toBe(false);
      await generator.generate({ ...request, seed: 4 });
      expect(server.calls.map((call) => call.body.response_format !== undefined)).toEqual([
        true,
        false,
        false,
      ]);
      const asked = server.calls[1]!.body.messages;
      expect(asked[0]).toEqual(request.messages[0]);
      expect(asked[1]!.content).toMatch(/^A passage\.\n\nAnswer with JSON alone.*\n\{"type":"object"/);
    },
  );

  it('is told apart from one that refuses the request for another reason', async () => {
    const body = '{"error": {"message": "maximum context length is 512 tokens"}}';
    const { server, generator } = await open({ status: 400, body });
    const error = await failureOf(generator.generate(request));
    expect(error).toBeInstanceOf(InputError);
    expect(error.message).toMatch(
      /it responded with status 400: maximum context length is 512 tokens\. Use shorter texts/,
    );
    expect(server.calls).toHaveLength(1);
    expect(generator.description.constrains).toBe(true);
  });
});

describe('what may pass', () => {
  it.each<[string, Behavior, RegExp]>([
    ['a full server', { status: 429, body: '{"error": "too many requests"}' }, /429: too many requests/],
    ['a server in trouble', { status: 503 }, /it responded with status 503/],
    [
      'a gateway in trouble',
      { status: 502, body: '<html>Bad gateway</html>' },
      /it responded with status 502$/,
    ],
    ['a connection that ends without an answer', 'drop', /^no response \(/],
    ['a connection that ends within an answer', 'truncate', /^the connection was lost \(/],
    ['half an answer', 'half', /not JSON/],
    ['a page in place of an answer', 'html', /not JSON/],
    ['an error with status 200', { status: 200, body: '{"error": {"message": "overloaded"}}' }, /overloaded/],
  ])('is %s', async (_, behavior, message) => {
    const { server, generator } = await open(behavior);
    const error = await failureOf(generator.generate(request));
    expect(error).toBeInstanceOf(TransientGeneratorError);
    expect(error.message).toMatch(message);
    // Whoever asks decides when to ask again.
    expect(server.calls).toHaveLength(1);
  });

  it.each<Behavior>(['stall', 'silence'])('is a server in %s, by the deadline', async (behavior) => {
    const { generator } = await open(behavior, { deadlineSeconds: 0.15 });
    const startedAt = performance.now();
    const error = await failureOf(generator.generate(request));
    expect(error).toBeInstanceOf(TransientGeneratorError);
    expect(error.message).toBe('no complete response within 0.15 s');
    expect(performance.now() - startedAt).toBeLessThan(3000);
  });

  it('is not what takes less than a deadline of months', async () => {
    const { generator } = await open({ text: 'late', afterMs: 30 }, { deadlineSeconds: 1e7 });
    expect((await generator.generate(request)).text).toBe('late');
  });

  it('tells how long to wait', async () => {
    const later = { status: 429, headers: { 'retry-after': '7' } };
    const { generator } = await open(later);
    expect(await failureOf(generator.generate(request))).toMatchObject({ retryAfterSeconds: 7 });
    const now = Date.UTC(2026, 0, 1, 12, 0, 0);
    expect(retryAfter('Thu, 01 Jan 2026 12:01:30 GMT', now)).toBe(90);
    expect(retryAfter('Thu, 01 Jan 2026 11:00:00 GMT', now)).toBe(0);
    expect(retryAfter('1.5', now)).toBe(1.5);
    expect(retryAfter('9'.repeat(400), now)).toBe(Infinity);
    for (const nothing of [null, '', 'soon']) expect(retryAfter(nothing, now)).toBeUndefined();
  });

  it('is not what the user ended', async () => {
    const { generator } = await open('silence');
    const ending = new AbortController();
    const work = failureOf(generator.generate(request, ending.signal));
    ending.abort(new Error('the user said so'));
    expect((await work).message).toBe('the user said so');
    expect(await failureOf(generator.generate(request, ending.signal))).toBe(ending.signal.reason);
  });
});

describe('the models of a server', () => {
  it('are listed before one of them is named', async () => {
    const { server } = await open({ text: '' });
    server.models = ['one', 'two'];
    expect(await serverModels({ address: server.address })).toEqual(['one', 'two']);
    server.models = { status: 401 };
    await expect(serverModels({ address: server.address })).rejects.toThrow("Pass this server's API key");
  });
});

describe('what the user has to mend', () => {
  const loading = async (models: readonly string[] | Behavior, more: Partial<OpenAiOptions> = {}) => {
    const { server, generator } = await open({ text: '' }, more);
    server.models = models;
    const error = await failureOf(generator.load());
    expect(error).toBeInstanceOf(InputError);
    expect(error.message).not.toContain('\n');
    return error.message;
  };

  it('is a server that is not there', async () => {
    const { server, generator } = await open({ text: '' });
    await server.close();
    const error = await failureOf(generator.load());
    expect(error).toBeInstanceOf(InputError);
    expect(error.message).toMatch(
      /^http:\/\/127\.0\.0\.1:\d+\/v1: it cannot be reached: no response \(.*ECONNREFUSED.*\)\. Re-run when the server is running/,
    );
  });

  it('is a server that stays silent', async () => {
    expect(await loading('silence', { deadlineSeconds: 0.1 })).toMatch(
      /it cannot be reached: no complete response within 0\.1 s/,
    );
  });

  it.each<[Behavior]>([[{ status: 404 }], ['html'], [{ status: 200, body: '{"hello": 1}' }]])(
    'is a wrong path: %j',
    async (behavior) => {
      expect(await loading(behavior)).toMatch(/Use the base address, which usually ends in \/v1\.$/);
    },
  );

  it('is a redirection', async () => {
    const message = await loading({ status: 301, headers: { location: 'https://elsewhere.test/' } });
    expect(message).toMatch(/it redirects to another address\. Use the address that it redirects to/);
  });

  it.each([401, 403])('is the key: %i', async (status) => {
    const body = '{"error": {"message": "Incorrect API key provided: sk-secret-1."}}';
    expect(await loading({ status, body })).toMatch(
      /to a request without a key\. Pass this server's API key/,
    );
    const message = await loading({ status, body }, { key: 'sk-secret-1' });
    expect(message).toContain(
      `it responded with status ${status}: Incorrect API key provided: (key): it rejected the API key`,
    );
    expect(message).not.toContain('sk-secret');
  });

  it('is a model that the server does not have', async () => {
    expect(await loading(['test-modal', 'other'])).toMatch(
      /it has no model "test-model"\. Did you mean "test-modal"\? It has test-modal, other\.$/,
    );
    expect(await loading(['something'])).toMatch(/Use one that it has: something\.$/);
    expect(await loading([])).toMatch(
      /it has no model loaded\. Re-run after loading a model into the server/,
    );
    expect(await loading({ status: 200, body: '{"data": null}' })).toMatch(/it has no model loaded/);
  });

  it('is a model that is gone when it is asked', async () => {
    const body = '{"error": {"message": "The model `test-model` does not exist."}}';
    const { generator } = await open({ status: 404, body });
    expect((await failureOf(generator.generate(request))).message).toMatch(
      /does not exist\. Fix the model name/,
    );
  });

  it('is no model that the server lists under its tag', async () => {
    const { server, generator } = await open({ text: '' });
    server.models = ['test-model:latest'];
    await generator.load();
  });

  it('is not a server that still reads its model', async () => {
    const { server, generator } = await open({ text: '' });
    server.models = { status: 503, headers: { 'retry-after': '0' } };
    const phases: string[] = [];
    const loaded = generator.load({ onProgress: ({ phase }) => phases.push(phase) });
    setTimeout(() => (server.models = ['test-model']), 50);
    await loaded;
    expect(new Set(phases)).toEqual(new Set(['check']));
    server.models = { status: 503 };
    const busy = openAiGenerator({ address: server.address, model: 'test-model', deadlineSeconds: 0.1 });
    expect((await failureOf(busy.load())).message).toMatch(/it responded with status 503\. Re-run later/);
  });

  it('may be asked again when it has failed', async () => {
    const { server, generator } = await open({ text: '' });
    server.models = ['x'];
    await failureOf(generator.load());
    server.models = ['test-model'];
    await generator.load();
  });
});

describe('an address', () => {
  const baseOf = async (address: string): Promise<string> => {
    let asked = '';
    const generator = openAiGenerator({
      address,
      model: 'm',
      fetch: (url) => {
        asked = url as string;
        return Promise.resolve(Response.json({ data: [{ id: 'm' }] }));
      },
    });
    await generator.load();
    return asked;
  };
  const refusal = (address: string, pageOrigin?: string): string => {
    try {
      openAiGenerator({ address, model: 'm', pageOrigin });
    } catch (error) {
      expect(error).toBeInstanceOf(InputError);
      return (error as Error).message;
    }
    return '';
  };

  it.each([
    'http://h:1',
    'http://h:1/',
    'http://h:1/v1/',
    ' http://h:1/v1/chat/completions ',
    'http://h:1/v1/models',
  ])('may be written as %s', async (address) => {
    expect(await baseOf(address)).toBe('http://h:1/v1/models');
  });

  it('keeps the path of a gateway', async () => {
    expect(await baseOf('https://h/openai/v1')).toBe('https://h/openai/v1/models');
  });

  it('is refused with a password, with a query, and where it is none', () => {
    for (const address of ['http://me:hunter2@h/v1', 'http://h/v1?api-key=hunter2']) {
      expect(refusal(address)).toMatch(/^the address of h contains a user, a password, /);
      expect(refusal(address)).not.toContain('hunter2');
    }
    expect(refusal('127.0.0.1:8000')).toMatch(/is not an http\(s\) address\. Use an address as in http:/);
    expect(refusal('ftp://me:hunter2@h/')).not.toContain('hunter2');
  });

  it('must be safe for the page that asks', () => {
    expect(refusal('http://192.168.1.5:8000/v1', 'https://studio.test')).toMatch(
      /^http:\/\/192\.168\.1\.5:8000: a page loaded over https cannot use an http address/,
    );
    expect(refusal('http://localhost:8000/v1', 'https://studio.test')).toBe('');
    expect(refusal('http://192.168.1.5:8000/v1', 'http://localhost:5173')).toBe('');
  });

  it('of a server that does not let a page ask is explained', async () => {
    const generator = openAiGenerator({
      address: 'http://localhost:8000/v1',
      model: 'm',
      pageOrigin: 'https://studio.test',
      fetch: () => Promise.reject(new TypeError('Failed to fetch')),
    });
    expect((await failureOf(generator.load())).message).toMatch(
      /\(CORS\).*OLLAMA_ORIGINS=https:\/\/studio\.test/,
    );
  });
});

describe('a key', () => {
  it('that no header can carry is refused and not repeated', () => {
    const bad = (): unknown => openAiGenerator({ address: 'http://h', model: 'm', key: 'sk-secret\n1' });
    expect(bad).toThrow(InputError);
    expect(bad).not.toThrow(/secret/);
  });

  it('is in no description and no text of the generator', async () => {
    const { generator } = await open({ text: '' }, { key });
    for (const text of [inspect(generator, { depth: 9, showHidden: true }), JSON.stringify(generator)]) {
      expect(text).not.toContain(key);
    }
    expect(JSON.stringify(generator.description)).not.toContain(key);
  });

  const key = 'sk-very/secret"key+1';
  const codePoint = (character: string): string => character.charCodeAt(0).toString(16).padStart(4, '0');
  const escaped = (text: string): string => text.replace(/./g, (character) => `\\u${codePoint(character)}`);
  const escapedToo = (text: string): string =>
    text.replace(/[^a-z]/g, (character) => `\\u${codePoint(character).toUpperCase()}`);
  const encoded = (text: string): string =>
    text.replace(/./g, (character) => `%${codePoint(character).slice(2)}`);

  /** As a server may repeat it in the words that it says; JSON is made of them afterwards. */
  const forms: readonly (readonly [string, string])[] = [
    ['as it is', key],
    ['as it was sent', `Bearer ${key}`],
    ['in words without spaces', `key=${key}&x=1`],
    ['as JSON in JSON', JSON.stringify({ key })],
    ['as JSON in JSON in JSON', JSON.stringify(JSON.stringify({ key }))],
    ['with an escaped slash', JSON.stringify({ key }).replace('/', '\\/')],
    ['escaped', `{"key": "${escaped(key)}"}`],
    ['escaped in part', `{"key": "${escapedToo(key)}"}`],
    ['escaped twice', JSON.stringify({ key: `{"key": "${escaped(key)}"}` })],
    ['encoded for an address', `?key=${encodeURIComponent(key)}&x=1`],
    ['encoded for an address as a whole', `?key=${encoded(key)}`],
    ['encoded for an address twice', `?key=${encodeURIComponent(encodeURIComponent(key))}`],
  ];

  /** Every text that comes of JSON and addresses within a text. */
  function decodings(text: string): string[] {
    const unescaped = text.replace(/\\+u([0-9a-f]{4})/gi, (_, hex: string) =>
      String.fromCharCode(Number.parseInt(hex, 16)),
    );
    const bare = unescaped.replace(/\\+(["/])/g, '$1');
    const byAddress = (each: string): string =>
      each.replace(/%([0-9a-f]{2})/gi, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)));
    return [text, unescaped, bare, byAddress(text), byAddress(byAddress(text))];
  }

  function expectNoKey(text: string): void {
    for (const each of decodings(text)) {
      expect(each).not.toContain(key);
      // Nor the half of it that is left where a text was shortened.
      expect(each).not.toContain(key.slice(0, 8));
    }
    expect(text).toContain('(key)');
  }

  it.each(forms)('is in no reply: %s', async (_, said) => {
    const { generator } = await open({ text: `{"query": "why"} ${said}` }, { key });
    const { text } = await generator.generate(request);
    expectNoKey(text);
    expect(text).toMatch(/^\{"query": "why"\}/);
  });

  it('is in no reply that comes in parts', async () => {
    const content = Array.from(key, (text) => ({ type: 'text', text }));
    const body = JSON.stringify({ choices: [{ message: { content } }] });
    const { generator } = await open({ status: 200, body }, { key });
    expect((await generator.generate(request)).text).toBe('(key)');
  });

  it.each(forms)('is in no error: %s', async (_, said) => {
    const words: Record<string, unknown>[] = [
      { error: { message: said } },
      { error: said },
      { error: { code: 7, [said]: [said] } },
      { message: said },
      { detail: [{ input: { authorization: said } }] },
      // Shortened within the key.
      ...[270, 280, 290, 299].map((length) => ({ error: { message: `${'x'.repeat(length)} ${said}` } })),
    ];
    for (const body of words.map((each) => JSON.stringify(each))) {
      for (const status of [200, 400, 401, 404, 429, 500, 502]) {
        const fetch = () => Promise.resolve(new Response(body, { status }));
        const generator = openAiGenerator({ address: 'http://h', model: 'm', key, fetch });
        for (const work of [generator.generate(request), generator.load()]) {
          const shown = inspect(await failureOf(work), { depth: 9 });
          for (const text of decodings(shown)) expect(text).not.toContain(key.slice(0, 8));
        }
      }
    }
  });

  it('is in no error of a model that is not there, nor of a connection', async () => {
    const { server, generator } = await open({ text: '' }, { key });
    server.models = [`model-of-${key}`];
    expectNoKey(inspect(await failureOf(generator.load()), { depth: 9 }));
    const refusing = openAiGenerator({
      ...{ address: server.address, model: 'm', key },
      fetch: () => Promise.reject(new TypeError('fetch failed', { cause: new Error(`bad header ${key}`) })),
    });
    expectNoKey(inspect(await failureOf(refusing.generate(request)), { depth: 9 }));
    expectNoKey(inspect(await failureOf(refusing.load()), { depth: 9 }));
  });

  it('leaves what is no key as it is', async () => {
    for (const text of ['sk-very/secret"key', 'SK-VERY', '%20 \\u0041 \\\\ \\"', '{"a": "\\n"}']) {
      const { generator } = await open({ text }, { key });
      expect((await generator.generate(request)).text).toBe(text);
    }
  });

  it('is looked for in time in proportion to the length', async () => {
    for (const character of ['\\', '%', '%25', 's', '\\\\u0073', '"']) {
      for (const odd of [key, '\\\\\\', '"\\"\\', 'ssssssss']) {
        const seconds = async (length: number): Promise<number> => {
          const text = character.repeat(length / character.length);
          const fetch = () => Promise.resolve(Response.json({ choices: [{ message: { content: text } }] }));
          const generator = openAiGenerator({ address: 'http://h', model: 'm', key: odd, fetch });
          const startedAt = performance.now();
          await generator.generate(request);
          return (performance.now() - startedAt) / 1000;
        };
        const [short, long] = [await seconds(50_000), await seconds(500_000)];
        expect(long).toBeLessThan(20 * short + 1);
      }
    }
  });
});
