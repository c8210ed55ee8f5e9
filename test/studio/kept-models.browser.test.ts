/** Language models that the browser keeps: the training worker lists them with everything else, and deletes them. */
import { beforeEach, expect, it } from 'vitest';
import type { KeptItem } from '../../src/studio/protocol.ts';
import { openClient } from './small-run.ts';

const hub = 'https://huggingface.co/mlc-ai';

/** A file as `openGguf` keeps it. */
async function keepGguf(name: string, bytes: number): Promise<void> {
  const root = await navigator.storage.getDirectory();
  const folder = await root.getDirectoryHandle('retriever-studio-gguf', { create: true });
  const writer = await (await folder.getFileHandle(name, { create: true })).createWritable();
  await writer.write(new Uint8Array(bytes));
  await writer.close();
}

/** A file as WebLLM keeps it. */
async function keepWebllm(cache: 'model' | 'config', url: string, bytes: number, text = ''): Promise<void> {
  const headers = { 'content-length': String(bytes) };
  await (await caches.open(`webllm/${cache}`)).put(url, new Response(text.padEnd(bytes), { headers }));
}

async function webllmFiles(): Promise<string[]> {
  const urls: string[] = [];
  for (const name of ['webllm/model', 'webllm/config', 'webllm/wasm']) {
    for (const { url } of await (await caches.open(name)).keys()) urls.push(url);
  }
  return urls;
}

const models = (kept: readonly KeptItem[]) => kept.filter(({ kind }) => kind === 'language-model');

beforeEach(async () => {
  for (const name of await caches.keys()) if (name.startsWith('webllm/')) await caches.delete(name);
});

it('lists kept language models with their sizes, and deletes the one that is named', async () => {
  await keepGguf('0123456789abcdef-tiny-q4.gguf', 1000);
  await keepGguf('fedcba9876543210-begun.gguf', 0);
  const [first, second] = ['Qwen3-0.6B-q4f16_1-MLC', 'gemma3-1b-it-q4f16_1-MLC'];
  await keepWebllm('model', `${hub}/${first}/resolve/main/params_shard_0.bin`, 5000);
  await keepWebllm('model', `${hub}/${first}/resolve/main/tokenizer.json`, 200);
  await keepWebllm('config', `${hub}/${first}/resolve/main/mlc-chat-config.json`, 30);
  await keepWebllm('model', `${hub}/${second}/resolve/main/params_shard_0.bin`, 7000);

  // WebLLM would fetch a list of weights that is not here, to delete them by it.
  for (const model of [first, second]) {
    await keepWebllm('model', `${hub}/${model}/resolve/main/tensor-cache.json`, 40, '{"records":[]}');
  }

  const client = await openClient();
  const kept = models(await client.kept());
  expect(Object.fromEntries(kept.map(({ name, bytes }) => [name, bytes]))).toEqual({
    'tiny-q4.gguf': 1000,
    [first]: 5270,
    [second]: 7040,
  });

  for (const { id, name } of kept) if (name !== second) await client.forgetKept(id);
  expect(models(await client.kept()).map(({ name }) => name)).toEqual([second]);
  expect((await webllmFiles()).filter((url) => url.includes(first))).toEqual([]);
  for (const { id } of models(await client.kept())) await client.forgetKept(id);
  expect(models(await client.kept())).toEqual([]);
});
