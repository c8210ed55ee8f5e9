/** Folders that the studio writes, opened by sentence-transformers: the same vectors, prompts and settings. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect } from 'vitest';
import { readEncoder } from '../../src/encoders/read-encoder.ts';
import { encoderFiles } from '../../src/encoders/write-encoder.ts';
import { openRuntime } from '../../src/host/node/runtime.ts';
import { withEmbedder } from '../../src/pipeline/encoder-shelf.ts';
import { temporaryFolder } from '../support/cli.ts';
import { modelFolder, tinyModel } from '../support/model-folder.ts';
import { realModel } from '../support/models.ts';
import { pythonLacks, runPython } from '../support/python.ts';
import { itUnless } from '../support/skip.ts';

const script = fileURLToPath(new URL('../oracle/embed.py', import.meta.url));
const noLibrary = pythonLacks('sentence_transformers');
const nano = fileURLToPath(new URL('../../public/models/nano', import.meta.url));
const texts = [
  'why does bread rise',
  'Bees dance to tell their sisters where flowers are.',
  'A'.repeat(3000),
];
const minutes = 10 * 60_000;

async function opensWithTheSameVectors(source: string): Promise<void> {
  const encoder = await readEncoder(modelFolder(source));
  const folder = temporaryFolder();
  const card = {
    title: 'written',
    baseModel: 'org/base',
    trainingData: 'none',
    loss: 'none',
    hyperparameters: {},
    metrics: [],
  };
  for (const { path, content } of encoderFiles(encoder, card)) {
    mkdirSync(dirname(join(folder, path)), { recursive: true });
    writeFileSync(
      join(folder, path),
      Buffer.concat(content instanceof Uint8Array ? [content] : [...content]),
    );
  }
  const runtime = await openRuntime({ device: 'cpu', threads: 2 });
  const ours = await withEmbedder(runtime, encoder, async (embedder) => ({
    queries: await embedder.embed(texts, 'query'),
    passages: await embedder.embed(texts, 'passage'),
  }));
  await runtime.close();

  const answer = JSON.parse(
    runPython([script, JSON.stringify({ folder, queries: texts, passages: texts })]),
  ) as { maxLength: number; similarity: string; queries: number[][]; passages: number[][] };
  expect(answer.maxLength).toBe(encoder.encoding.passageMaxLength);
  expect(answer.similarity).toBe(encoder.encoding.normalize ? 'cosine' : 'dot');
  for (const side of ['queries', 'passages'] as const) {
    const theirs = answer[side].flat();
    expect(ours[side]).toHaveLength(theirs.length);
    const worst = ours[side].reduce(
      (max, value, i) => Math.max(max, Math.abs(value - (theirs[i] ?? NaN))),
      0,
    );
    expect(worst, side).toBeLessThan(1e-5);
  }
}

itUnless(noLibrary, 'a tiny BERT', () => opensWithTheSameVectors(tinyModel('tiny-bert')), minutes);
itUnless(noLibrary, 'nano', () => opensWithTheSameVectors(nano), minutes);
itUnless(
  noLibrary ?? realModel('all-MiniLM-L6-v2').missing,
  'the real all-MiniLM-L6-v2',
  () => opensWithTheSameVectors(realModel('all-MiniLM-L6-v2').path),
  minutes,
);
