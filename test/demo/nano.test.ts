import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { readEncoder } from '../../src/encoders/read-encoder.ts';
import { openModelFiles } from '../../src/host/node/model-files.ts';

const folder = join(import.meta.dirname, '../../public/models/nano');

it('is a folder of at most 5 MB', () => {
  const bytes = readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .map((file) => statSync(join(folder, file)))
    .filter((status) => status.isFile())
    .reduce((sum, { size }) => sum + size, 0);
  expect(bytes).toBeLessThanOrEqual(5_000_000);
});

it('opens under its name and reads any English text without unknown tokens', async () => {
  const encoder = await readEncoder(await openModelFiles().open('nano'));
  expect(encoder.shape).toMatchObject({ layers: 2, hiddenSize: 160, vocabSize: 22_003 });
  expect(encoder.encoding).toMatchObject({ pooling: 'mean', normalize: true, passageMaxLength: 256 });
  const unknown = encoder.tokenizer.encode('\u{1F41D}', 8)[1];
  const texts = readFileSync(join(folder, '../../demo/corpus.jsonl'), 'utf8').trimEnd().split('\n');
  let pieces = 0;
  let words = 0;
  for (const line of texts) {
    const { text } = JSON.parse(line) as { text: string };
    const ids = encoder.tokenizer.encode(text, 256);
    expect(ids.includes(unknown as number), text).toBe(false);
    pieces += ids.length - 2;
    words += text.split(' ').length;
  }
  // Punctuation is a piece too; a vocabulary that lacks the words would need far more.
  expect(pieces / words).toBeLessThan(1.5);
});

it('says in its card what it saw, what it did not, and what it scores', () => {
  const card = readFileSync(join(folder, 'README.md'), 'utf8');
  for (const part of ['all-MiniLM-L6-v2', 'WordNet', 'SciFact', 'nDCG@10']) expect(card).toContain(part);
});
