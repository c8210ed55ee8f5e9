import { afterEach, describe, expect, it, vi } from 'vitest';
import { sizeOfWebllm } from '../../../../src/host/browser/generators/webllm-files.ts';

const contents = { metadata: { ParamBytes: 1 }, records: [{ nbytes: 300 }, { nbytes: 45 }] };

function answering(body: unknown, status = 200) {
  const send = vi.fn<typeof fetch>(() => Promise.resolve(new Response(JSON.stringify(body), { status })));
  vi.stubGlobal('fetch', send);
  return send;
}

afterEach(() => {
  vi.unstubAllGlobals();
});

describe('the size of a model of WebLLM', () => {
  it.each([
    ['https://hub.example/mlc-ai/M', 'https://hub.example/mlc-ai/M/resolve/main/tensor-cache.json'],
    ['https://hub.example/mlc-ai/M/resolve/v2/', 'https://hub.example/mlc-ai/M/resolve/v2/tensor-cache.json'],
    ['https://hub.example/mlc-ai/M/resolve/v2', 'https://hub.example/mlc-ai/M/resolve/v2/tensor-cache.json'],
  ])('is the sum of its shards: %s', async (address, asked) => {
    const send = answering(contents);
    expect(await sizeOfWebllm(address)).toBe(345);
    expect(send.mock.calls.map(([url]) => (url as URL).href)).toEqual([asked]);
  });

  it.each([
    ['a host without the table', {}, 404],
    ['no shards', { records: [] }, 200],
    ['a shard of no size', { records: [{ nbytes: 3 }, {}] }, 200],
    ['another file', 'words', 200],
    ['nothing', null, 200],
  ])('is unknown for %s', async (_, body, status) => {
    answering(body, status);
    expect(await sizeOfWebllm('https://hub.example/m')).toBeUndefined();
  });

  it('is unknown where nobody answers', async () => {
    vi.stubGlobal('fetch', () => Promise.reject(new TypeError('no connection')));
    expect(await sizeOfWebllm('https://hub.example/m')).toBeUndefined();
    expect(await sizeOfWebllm('nowhere')).toBeUndefined();
  });
});
