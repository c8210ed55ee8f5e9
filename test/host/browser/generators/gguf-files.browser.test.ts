import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { InputError } from '../../../../src/core/errors.ts';
import type { GeneratorLoadProgress } from '../../../../src/host/generator.ts';
import { forgetGguf, listGguf, openGguf } from '../../../../src/host/browser/generators/gguf-files.ts';
import { tinyLlama } from '../../../support/gguf.ts';

const hub = 'https://hub.test/';
const gguf = new Uint8Array(await tinyLlama({ seed: 1 }).arrayBuffer());

/** One answer for each request, first to last; a whole file when they are used up. */
let answers: ((signal: AbortSignal | null | undefined) => Response | Promise<Response>)[] = [];
let requests: string[] = [];
const realFetch = globalThis.fetch;

const whole = (bytes: Uint8Array<ArrayBuffer> = gguf) =>
  new Response(bytes, { headers: { 'content-length': String(bytes.length) } });
const status = (code: number) => () => new Response(null, { status: code });

async function empty(): Promise<void> {
  for (const { id } of await listGguf()) await forgetGguf(id);
}

beforeEach(async () => {
  await empty();
  answers = [];
  requests = [];
  globalThis.fetch = (input, init) => {
    const url = input instanceof Request ? input.url : String(input);
    if (!url.startsWith(hub)) return realFetch(input, init);
    requests.push(url.slice(hub.length));
    return Promise.resolve((answers.shift() ?? (() => whole()))(init?.signal));
  };
});
afterEach(async () => {
  globalThis.fetch = realFetch;
  await empty();
});

async function open(model: string, onProgress: (progress: GeneratorLoadProgress) => void = () => undefined) {
  return openGguf({ kind: 'wllama', model, hub }, { onProgress, retryMs: 1, stallMs: 200 });
}

async function failure(task: Promise<unknown>): Promise<InputError> {
  const error = await task.then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  expect(error).toBeInstanceOf(InputError);
  return error as InputError;
}

describe('GGUF files', () => {
  it('come from the hub once, with progress, and are kept', async () => {
    const progress: GeneratorLoadProgress[] = [];
    const [blob] = await open('org/name/folder/tiny.gguf', (heard) => progress.push(heard));
    expect(new Uint8Array(await blob!.arrayBuffer())).toEqual(gguf);
    expect(progress[0]).toMatchObject({ phase: 'download', share: 0, totalBytes: gguf.length });
    expect(progress.at(-1)).toMatchObject({ share: 1, receivedBytes: gguf.length });
    await open('org/name/folder/tiny.gguf');
    expect(requests).toEqual(['org/name/resolve/main/folder/tiny.gguf']);
    expect(await listGguf()).toEqual([
      { id: expect.any(String) as string, name: 'tiny.gguf', bytes: gguf.length },
    ]);
    await open('org/name@v2/tiny.gguf');
    expect(requests[1]).toBe('org/name/resolve/v2/tiny.gguf');
  });

  it('of a split model come all, in their order', async () => {
    const blobs = await open('org/name/big-00001-of-00003.gguf');
    expect(blobs).toHaveLength(3);
    expect(requests).toEqual([1, 2, 3].map((part) => `org/name/resolve/main/big-0000${part}-of-00003.gguf`));
  });

  it('are fetched again where a connection stalls, breaks or ends early, and nothing half is kept', async () => {
    answers = [
      (signal) =>
        new Response(
          new ReadableStream({
            start: (controller) => {
              controller.enqueue(gguf.slice(0, 1000));
              signal?.addEventListener('abort', () => controller.error(signal.reason));
            },
          }),
          { headers: { 'content-length': String(gguf.length) } },
        ),
      () => Promise.reject(new TypeError('Failed to fetch')),
      () => new Response(gguf.slice(0, 5000), { headers: { 'content-length': String(gguf.length) } }),
    ];
    const [blob] = await open('org/name/tiny.gguf');
    expect(blob?.size).toBe(gguf.length);
    expect(requests).toHaveLength(4);
  });

  it('that cannot be fetched at all leave nothing, and say what to do', async () => {
    answers = Array.from({ length: 5 }, () => () => Promise.reject(new TypeError('Failed to fetch')));
    const error = await failure(open('org/name/tiny.gguf'));
    expect(error.message).toMatch(
      /^org\/name\/tiny\.gguf: hub\.test could not be reached .*CORS.*drop it here/,
    );
    expect(await listGguf()).toEqual([]);
  });

  it.each([
    [404, /hub\.test has no such file\. Fix the spelling/],
    [401, /restricts access to this model\. Accept its terms/],
    [403, /restricts access to this model/],
    [418, /hub\.test responded with status 418\. Re-run later/],
  ])('that a server refuses with %d say so', async (code, expected) => {
    answers = [status(code)];
    expect((await failure(open('org/name/tiny.gguf'))).message).toMatch(expected);
    expect(requests).toHaveLength(1);
    // And it works as soon as the server lets us.
    await open('org/name/tiny.gguf');
  });

  it('are asked for again where a server is busy', async () => {
    answers = [status(503), status(429)];
    const [blob] = await open('org/name/tiny.gguf');
    expect(blob?.size).toBe(gguf.length);
    expect(requests).toHaveLength(3);
  });

  it('that an earlier version kept are found', async () => {
    const url = new TextEncoder().encode(`${hub}org/name/resolve/main/tiny.gguf`);
    const hash = new Uint8Array(await crypto.subtle.digest('SHA-256', url)).slice(0, 8);
    const key = Array.from(hash, (byte) => byte.toString(16).padStart(2, '0')).join('');
    const root = await navigator.storage.getDirectory();
    const folder = await root.getDirectoryHandle('retriever-studio-gguf', { create: true });
    const handle = await folder.getFileHandle(`${key}-tiny.gguf`, { create: true });
    const writer = await handle.createWritable();
    await writer.write(gguf);
    await writer.close();
    const [blob] = await open('org/name/tiny.gguf');
    expect(blob?.size).toBe(gguf.length);
    expect(requests).toEqual([]);
  });

  it('that are something else are not kept', async () => {
    answers = [() => whole(new TextEncoder().encode('<!doctype html>'))];
    expect((await failure(open('org/name/tiny.gguf'))).message).toMatch(/this is not a GGUF file/);
    expect(await listGguf()).toEqual([]);
    const old = gguf.slice(0, 100);
    old[4] = 1;
    answers = [() => whole(old)];
    expect((await failure(open('org/name/old.gguf'))).message).toMatch(
      /of version 1; only 2 and 3 are supported/,
    );
  });

  it.each(['tiny.gguf', 'org/name', 'org/name/model.bin', 'org/../../x.gguf', 'org/name/../x.gguf', ''])(
    'are not named by "%s"',
    async (name) => {
      expect((await failure(open(name))).message).toMatch(
        /this is not a GGUF file name or address\. Use ORG\/NAME\/file\.gguf/,
      );
      expect(requests).toEqual([]);
    },
  );
});
