import { describe, expect, it } from 'vitest';
import type { DocumentOptions } from '../../src/corpus/documents.ts';
import { readDocuments } from '../../src/corpus/documents.ts';
import type { ByteSource } from '../../src/core/source.ts';

const PASSAGES = Number(process.env.MEMORY_PASSAGES ?? 100_000);
const WORDS = 'some words of a passage that is as long as passages are, '.repeat(18);

/** A corpus that is made while it is read: 1 KB for each passage. */
function generated(name: string, format: (id: number) => string, count: number): ByteSource {
  const encoder = new TextEncoder();
  async function* stream(): AsyncGenerator<Uint8Array> {
    for (let id = 0; id < count;) {
      let block = '';
      for (const end = Math.min(count, id + 64); id < end; id++) block += format(id);
      yield await Promise.resolve(encoder.encode(block));
    }
  }
  return { name, size: count * WORDS.length, stream };
}

describe(`memory of reading ${PASSAGES} passages of 1 KB`, () => {
  it.each<[string, (id: number) => string, DocumentOptions]>([
    ['c.jsonl', (id) => `{"_id": "doc${id}", "title": "t", "text": "${WORDS}"}\n`, {}],
    ['c.csv', (id) => `doc${id},"${WORDS}"\n`, {}],
    ['c.tsv', (id) => `doc${id}\t${WORDS}\n`, {}],
    ['c.txt', () => `${WORDS}\n\n`, {}],
  ])('%s: that of the ids and one passage', async (name, format, options) => {
    const before = process.memoryUsage.rss();
    const start = performance.now();
    let most = before;
    let count = 0;
    let characters = 0;
    for await (const { text } of readDocuments(generated(name, format, PASSAGES), options)) {
      characters += text.length;
      if (++count % 1000 === 0) most = Math.max(most, process.memoryUsage.rss());
    }
    const seconds = (performance.now() - start) / 1000;
    const growth = (most - before) / 1e6;
    if (process.env.MEMORY_PASSAGES) {
      const rate = ((PASSAGES * WORDS.length) / 1e6 / seconds).toFixed(0);
      console.log(`${name}: ${growth.toFixed(0)} MB more, ${seconds.toFixed(1)} s, ${rate} MB/s`);
    }
    expect(count).toBe(PASSAGES);
    expect(characters).toBeGreaterThan(900 * PASSAGES);
    // The corpus is 100 MB; the ids take some 10 MB, the rest is what the garbage collector leaves for later.
    expect(growth).toBeLessThan(60 + (PASSAGES * 150) / 1e6);
  });
});
