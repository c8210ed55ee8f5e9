import { strToU8, zipSync } from 'fflate';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { FetchProgress, ModelFolder } from '../../../src/host/contract.ts';
import { InputError } from '../../../src/core/errors.ts';
import { openFiles, openTree } from '../../../src/studio/dropped-files.ts';
import {
  modelFolderOf,
  openModelFiles,
  type ModelFilesOptions,
} from '../../../src/host/browser/model-files.ts';
import { FakeHub, type Misbehavior } from './fake-hub.ts';

let hub: FakeHub;
let problems: string[];
const weights = Uint8Array.from({ length: 300_000 }, (_, i) => (i * 7 + (i >> 8)) % 256);
beforeEach(() => {
  problems = [];
  hub = new FakeHub();
  hub.add('config.json', '{"model_type": "bert"}');
  hub.add('tokenizer.json', '{}');
  hub.add('1_Pooling/config.json', '{"pooling_mode": "mean"}');
  hub.add('model.safetensors', weights, true);
  hub.add('onnx/model_quantized.onnx', 'a graph', true);
  hub.start();
});
afterEach(async () => {
  hub.stop();
  await caches.delete('retriever-studio/models');
});

function open(
  model: string,
  options: Partial<ModelFilesOptions> = {},
  onProgress?: (progress: FetchProgress) => void,
): Promise<ModelFolder> {
  const { endpoint } = hub;
  const report = (problem: string) => problems.push(problem);
  return openModelFiles({ endpoint, retryMs: 1, stallMs: 300, report, ...options }).open(model, onProgress);
}

const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes);
const isWeights = (bytes: Uint8Array) =>
  bytes.length === weights.length && bytes.every((byte, i) => byte === weights[i]);

describe('a model from the hub', () => {
  it('fetches a file when it is read, once, and names the model as the user did', async () => {
    const folder = await open('org/model@refs/pr/1');
    expect(folder.name).toBe('org/model@refs/pr/1');
    expect(hub.requests).toHaveLength(1);
    expect(text(await folder.read('config.json'))).toContain('bert');
    await folder.read('config.json');
    expect(hub.downloads('config.json')).toBe(1);
    expect(text(await folder.read('1_Pooling/config.json'))).toContain('mean');
    expect(hub.downloads('model.safetensors')).toBe(0);
  });

  it('reports progress', async () => {
    const seen: FetchProgress[] = [];
    const folder = await open('org/model', {}, (progress) => seen.push(progress));
    expect(isWeights(await folder.read('model.safetensors'))).toBe(true);
    const file = 'org/model/model.safetensors';
    expect(seen[0]).toEqual({ file, receivedBytes: 0, totalBytes: 300_000 });
    expect(seen.at(-1)).toEqual({ file, receivedBytes: 300_000, totalBytes: 300_000 });
  });

  it('shows and fetches only files that a model is read from', async () => {
    const folder = await open('org/model');
    expect(await folder.has('model.safetensors')).toBe(true);
    expect(await folder.has('onnx/model_quantized.onnx')).toBe(false);
    await expect(folder.read('onnx/model_quantized.onnx')).rejects.toThrow(InputError);
    await expect(folder.read('../../secret')).rejects.toThrow(InputError);
  });

  it('keeps what it fetched for the next time, also without a connection', async () => {
    await (await open('org/model')).read('model.safetensors');
    hub.offline = true;
    const again = await open('org/model');
    expect(isWeights(await again.read('model.safetensors'))).toBe(true);
    await expect(again.read('tokenizer.json')).rejects.toThrow(/could not be reached.*drop the model folder/);
    await expect(open('org/other')).rejects.toThrow(/could not be reached/);
  });

  it('asks nothing again for a commit', async () => {
    await (await open(`org/model@${hub.commit}`)).read('config.json');
    const before = hub.requests.length;
    await (await open(`org/model@${hub.commit}`)).read('config.json');
    expect(hub.requests).toHaveLength(before);
  });

  it('fetches no config.json of 9 MiB', async () => {
    hub.add('config.json', ' '.repeat(9 * 2 ** 20));
    const folder = await open('org/model');
    const length = folder.read('config.json').then((bytes) => bytes.length);
    await expect(length).rejects.toThrow(
      /^org\/model\/config\.json: the file has 9 MiB, but the limit is 8 MiB\./,
    );
    expect(hub.downloads('config.json')).toBe(0);
  });

  it('fetches a file once for two readers at a time', async () => {
    const [one, other] = await Promise.all([open('org/model'), open('org/model')]);
    await Promise.all([one.read('model.safetensors'), other.read('model.safetensors')]);
    expect(hub.downloads('model.safetensors')).toBe(1);
  });

  const cut: Misbehavior = (bytes) => {
    const half = new ReadableStream({
      start: (controller) => controller.enqueue(bytes.slice(0, 1000)),
      pull: (controller) => controller.error(new TypeError('network error')),
    });
    return new Response(half);
  };
  const short: Misbehavior = (bytes) => new Response(bytes.slice(0, 1000));
  const stall: Misbehavior = (bytes, signal) => {
    const stream = new ReadableStream({
      start: (controller) => {
        controller.enqueue(bytes.slice(0, 1000));
        signal?.addEventListener('abort', () => controller.error(signal.reason));
      },
    });
    return new Response(stream);
  };
  const busy: Misbehavior = () => new Response(null, { status: 503 });

  it.each([
    ['breaks off', cut],
    ['ends early', short],
    ['stalls', stall],
    ['is refused for a while', busy],
  ])('tries again where the connection %s', async (_, misbehavior) => {
    hub.misbehaviors = [misbehavior, misbehavior];
    expect(isWeights(await (await open('org/model')).read('model.safetensors'))).toBe(true);
    expect(hub.downloads('model.safetensors')).toBe(3);
  });

  it('gives up after five attempts, and says why', async () => {
    hub.misbehaviors = Array.from({ length: 5 }, () => stall);
    await expect((await open('org/model')).read('model.safetensors')).rejects.toThrow(
      'org/model/model.safetensors: hub.test could not be reached (no data received for 0.3 s). Re-run when the connection works, or drop the model folder on the page.',
    );
  });

  it('refuses bytes that are not those that the hub lists', async () => {
    const flipped: Misbehavior = (bytes) =>
      new Response(bytes.map((byte, i) => (i === 99 ? byte ^ 1 : byte)));
    hub.misbehaviors = [flipped, flipped];
    const folder = await open('org/model');
    await expect(folder.read('model.safetensors')).rejects.toThrow(
      /does not match the hash listed by the hub/,
    );
    expect(isWeights(await folder.read('model.safetensors'))).toBe(true);
    hub.misbehaviors = [(bytes) => new Response(new Uint8Array([...bytes, 0]))];
    await expect(folder.read('config.json')).rejects.toThrow(/does not match the hash listed by the hub/);
    hub.lies.set('tokenizer.json', { blobId: '0'.repeat(40) });
    await expect((await open('org/model')).read('tokenizer.json')).rejects.toThrow(
      /does not match the hash listed by the hub/,
    );
  });

  it('fetches anew what was damaged in the cache', async () => {
    const folder = await open('org/model');
    await folder.read('config.json');
    const cache = await caches.open('retriever-studio/models');
    await cache.put(
      `${hub.endpoint.href}org/model/resolve/${hub.commit}/config.json`,
      new Response('{"model'),
    );
    expect(text(await folder.read('config.json'))).toContain('bert');
    expect(hub.downloads('config.json')).toBe(2);
  });

  it('is opened all the same where the browser keeps nothing, and says so', async () => {
    const put = Object.getOwnPropertyDescriptor(Cache.prototype, 'put')!;
    Cache.prototype.put = () => Promise.reject(new DOMException('full', 'QuotaExceededError'));
    try {
      expect(isWeights(await (await open('org/model')).read('model.safetensors'))).toBe(true);
    } finally {
      Object.defineProperty(Cache.prototype, 'put', put);
    }
    expect(problems.at(-1)).toMatch(
      /storage for this page is full: .*model\.safetensors will be downloaded again/,
    );
  });

  it.each<[string, { status: number; code?: string }, RegExp]>([
    ['a private or mistyped model', { status: 401 }, /no such model, or it is private.*drop it on the page/],
    [
      'a gated model',
      { status: 401, code: 'GatedRepo' },
      /Accept its terms at https:\/\/hub\.test\/org\/model/,
    ],
    ['an odd status', { status: 418 }, /responded with status 418/],
  ])('explains %s', async (_, { status, code }, message) => {
    hub.listingAnswer = () =>
      new Response(null, { status, headers: code === undefined ? {} : { 'x-error-code': code } });
    await expect(open('org/model')).rejects.toThrow(InputError);
    await expect(open('org/model')).rejects.toThrow(message);
    // A refusal is no reason to ask again.
    expect(hub.requests).toHaveLength(2);
  });

  it('names an unknown revision, and a host that is no hub', async () => {
    await expect(open('org/model@v9')).rejects.toThrow(/no revision "v9"/);
    hub.listingAnswer = () => new Response('<!doctype html>');
    await expect(open('org/model')).rejects.toThrow(/does not respond like the Hugging Face hub/);
  });

  it.each(['', 'model', 'a/b/c', '../x', 'org/..', 'org/model@', 'org/model@a//b'])(
    'refuses %j',
    async (name) => {
      await expect(open(name)).rejects.toThrow(/there is no such model\. Use a hub name/);
      expect(hub.requests).toEqual([]);
    },
  );
});

describe('nano', () => {
  it('is fetched from beside the page, and says what is missing', async () => {
    const nano = await open('nano', { base: new URL('page/', hub.endpoint) });
    expect(nano.name).toBe('nano');
    hub.files.set('page/models/nano/config.json', {
      bytes: new TextEncoder().encode('{"n": 1}'),
      large: false,
    });
    expect(await nano.has('config.json')).toBe(true);
    expect(await nano.has('modules.json')).toBe(false);
    expect(text(await nano.read('config.json'))).toBe('{"n": 1}');
    await expect(nano.read('modules.json')).rejects.toThrow('nano/modules.json: the file is missing');
    await expect(nano.read('../secret')).rejects.toThrow(RangeError);
  });

  it('asks once for the list of its files, and then for no file that is missing', async () => {
    const add = (path: string, content: unknown): void => {
      const bytes = new TextEncoder().encode(JSON.stringify(content));
      hub.files.set(`models/nano/${path}`, { bytes, large: false });
    };
    add('files.json', ['config.json', '1_Pooling/config.json']);
    add('config.json', { n: 1 });
    const nano = await open('nano', { base: hub.endpoint });
    const found = ['config.json', 'modules.json', '1_Pooling/config.json', 'vocab.txt'];
    expect(await Promise.all(found.map((path) => nano.has(path)))).toEqual([true, false, true, false]);
    expect(text(await nano.read('config.json'))).toBe('{"n":1}');
    expect(hub.requests).toEqual(['models/nano/files.json', 'models/nano/config.json']);
  });

  it.each(['{"a": 1}', '[1]', 'no JSON'])('looks for each file where its list is %s', async (list) => {
    hub.files.set('models/nano/files.json', { bytes: new TextEncoder().encode(list), large: false });
    hub.files.set('models/nano/config.json', { bytes: new TextEncoder().encode('{}'), large: false });
    const nano = await open('nano', { base: hub.endpoint });
    expect([await nano.has('config.json'), await nano.has('modules.json')]).toEqual([true, false]);
  });

  it('is not taken from a server that answers every address with its page', async () => {
    hub.files.set('models/nano/modules.json', { bytes: new Uint8Array(0), large: false });
    const page = () =>
      new Response('<!doctype html>', { headers: { 'content-type': 'text/html; charset=utf-8' } });
    hub.files.set('models/nano/files.json', { bytes: new Uint8Array(0), large: false });
    hub.misbehaviors = [page, page];
    expect(await (await open('nano', { base: hub.endpoint })).has('modules.json')).toBe(false);
  });

  it('says so where its server is gone', async () => {
    hub.offline = true;
    const nano = await open('nano', { base: hub.endpoint });
    await expect(nano.has('config.json')).rejects.toThrow(
      /hub\.test could not be reached\. Restore the connection to the server of this page/,
    );
  });
});

describe('a dropped folder', () => {
  const files = [
    { path: 'mine/config.json', file: new File(['{}'], 'config.json') },
    { path: 'mine/1_Pooling/config.json', file: new File(['[]'], 'config.json') },
  ];

  it('is opened by the name that it was dropped under, without its top folder', async () => {
    const model = await open('my model', { folders: new Map([['my model', openFiles(files)]]) });
    expect(model.name).toBe('my model');
    expect(await model.has('config.json')).toBe(true);
    expect(await model.has('modules.json')).toBe(false);
    expect(text(await model.read('1_Pooling/config.json'))).toBe('[]');
    await expect(model.read('modules.json')).rejects.toThrow('my model/modules.json: the file is missing');
    expect(hub.requests).toEqual([]);
  });

  it('reads no text file that is too large for one', async () => {
    const large = new File([new Uint8Array(9 * 2 ** 20)], 'modules.json');
    const model = modelFolderOf(openFiles([...files, { path: 'mine/modules.json', file: large }]));
    const length = model.read('modules.json').then((bytes) => bytes.length);
    await expect(length).rejects.toThrow(/modules\.json: the file has 9 MiB, but the limit is 8 MiB\./);
  });

  it('may be a zip', async () => {
    const zip = zipSync({ 'm/config.json': strToU8('{"zip": 1}'), 'm/1_Pooling/config.json': strToU8('{}') });
    const model = modelFolderOf(await openTree(new File([zip], 'model.zip')));
    expect(text(await model.read('config.json'))).toBe('{"zip": 1}');
  });

  it.each(['../secret', '/etc/passwd', 'a/../../b', 'a\\b', '', './config.json', 'c:x'])(
    'never reads %j',
    async (path) => {
      await expect(modelFolderOf(openFiles(files)).read(path)).rejects.toThrow(RangeError);
    },
  );
});
