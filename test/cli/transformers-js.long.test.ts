/** Models that transformers.js runs, asked for by name, from the hub, or because the studio has no graphs of their architecture. */
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { ListRecord } from '../../src/corpus/types.ts';
import { HubServer } from '../host/node/hub-server.ts';
import { onlyJson, runCli } from '../support/cli.ts';
import { aerodynamics, writeCollection } from '../support/collection.ts';
import { asRoberta, crossEncoderFolder, encoderFolder } from '../support/library-models.ts';

let folder: string;
let crossEncoder: string;
let encoder: string;
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'studio-cli-transformers-js-'));
  crossEncoder = await crossEncoderFolder(folder, 'bert');
  encoder = await encoderFolder(folder, 'bert');
});
afterAll(() => rmSync(folder, { recursive: true }));

async function mine(args: readonly string[]): Promise<{ lists: readonly ListRecord[]; stderr: string }> {
  const out = join(folder, 'lists.jsonl');
  const { code, stderr } = await runCli([
    ...['mine', '--corpus', writeCollection(aerodynamics), '--split', 'test', '--out', out],
    ...['--lists', 'listwise', '--negatives', '2', '--store', join(folder, 'scores'), ...args],
  ]);
  expect(code, stderr).toBe(0);
  const lines = readFileSync(out, 'utf8').trimEnd().split('\n');
  return { lists: lines.map((line) => JSON.parse(line) as ListRecord), stderr };
}

const teacherOf = (lists: readonly ListRecord[]): number[] =>
  lists.flatMap(({ documents }) => documents.map(({ teacher = NaN }) => teacher));

it("teaches and finds as the studio's own graphs do", async () => {
  const own = await mine(['--model', encoder, '--teacher', crossEncoder]);
  const asked = await mine([
    ...['--model', `transformers.js:${encoder}`],
    ...['--teacher', `transformers.js:${crossEncoder}`],
  ]);
  const needed = await mine(['--model', asRoberta(encoder), '--teacher', asRoberta(crossEncoder)]);
  expect(own.stderr).not.toContain('transformers.js');
  for (const { stderr } of [asked, needed])
    expect(stderr).toContain(': cross-encoder, run by transformers.js');
  for (const { lists } of [asked, needed]) {
    expect(lists.map(({ documents }) => documents.map(({ id }) => id))).toEqual(
      own.lists.map(({ documents }) => documents.map(({ id }) => id)),
    );
    teacherOf(lists).forEach((score, i) =>
      expect(Math.abs(score - (teacherOf(own.lists)[i] ?? NaN))).toBeLessThan(1e-4),
    );
  }
});

it('come from the hub with the vectors of their folder, and a second time from the cache alone', async () => {
  // Of an architecture that nothing but the library can run.
  const local = asRoberta(await encoderFolder(join(folder, 'hub'), 'bert'));
  const hub = new HubServer();
  for (const entry of readdirSync(local, { recursive: true, withFileTypes: true })) {
    if (!entry.isFile()) continue;
    const path = join(entry.parentPath, entry.name);
    hub.add(relative(local, path), readFileSync(path), /\.(onnx|safetensors)$/.test(path));
  }
  await hub.start();
  const texts = join(folder, 'hub-texts.txt');
  writeFileSync(texts, 'light and heat\nwater\nthe protein of a cell and what it is caused by\n');
  const env = { HF_ENDPOINT: hub.endpoint, RETRIEVER_STUDIO_CACHE: join(folder, 'hub-cache') };
  const out = join(folder, 'hub.npy');
  const vectorsOf = async (model: string, more: Readonly<Record<string, string>> = {}): Promise<Buffer> => {
    const embed = ['embed', '--model', model, '--in', texts, '--out', out, '--threads', '1', '--json'];
    const result = await runCli(embed, { env: { ...env, ...more } });
    expect(onlyJson(result)).toMatchObject({ texts: 3, dimensions: 16 });
    return readFileSync(out);
  };
  try {
    const expected = await vectorsOf(`transformers.js:${local}`);
    expect(hub.requests).toEqual([]);
    expect(await vectorsOf('transformers.js:org/model')).toEqual(expected);
    const bytes = hub.requests.map(({ path }) => path).filter((path) => path.startsWith('/cdn/'));
    expect(bytes).toContain('/cdn/onnx/model.onnx');
    expect(bytes).toContain('/cdn/tokenizer.json');
    expect(new Set(bytes).size).toBe(bytes.length);
    // The weights that the library does not read are not fetched.
    expect(bytes).not.toContain('/cdn/model.safetensors');
    await hub.stop();
    expect(await vectorsOf('transformers.js:org/model')).toEqual(expected);
    expect(await vectorsOf('org/model', { HF_HUB_OFFLINE: '1' })).toEqual(expected);
  } finally {
    await hub.stop().catch(() => undefined);
  }
});
