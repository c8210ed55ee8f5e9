/**
 * Imports generated passages of 150 words, of which every 50th repeats the one before and every 50th differs from it in
 * one word: time and peak memory of each format.
 *
 * Run: npm run bench -- import [PASSAGES]
 */
import { randomUint32 } from '../src/core/random.ts';
import type { ByteSource } from '../src/core/source.ts';
import { detect } from '../src/import/detect.ts';
import { importCorpus } from '../src/import/import-corpus.ts';
import { printTable } from './support/measure.ts';

const count = Number(process.argv[2] ?? 100_000);
const words = Array.from({ length: 20_000 }, (_, i) => `word${randomUint32(3, i) % 90_000}`);

function passage(id: number): string {
  const isCopy = id % 50 === 49;
  const isNear = id % 50 === 48;
  const of = isCopy || isNear ? id - (id % 50) : id;
  const text = Array.from({ length: 150 }, (_, i) => words[randomUint32(of, i) % words.length]);
  if (isNear) text[20] = 'changed';
  return text.join(' ');
}

/** A file that is made while it is read. */
function generated(name: string, header: string, row: (id: number) => string): ByteSource {
  const encoder = new TextEncoder();
  const size = encoder.encode(header).length + encoder.encode(row(0)).length * count;
  async function* stream(start = 0, end = size): AsyncGenerator<Uint8Array> {
    let left = end - start;
    let text = header;
    for (let id = 0; id < count && left > 0;) {
      for (const stop = Math.min(count, id + 64); id < stop; id++) text += row(id);
      const bytes = encoder.encode(text);
      yield await Promise.resolve(end < size ? bytes.subarray(0, left) : bytes);
      if (end < size) left -= Math.min(left, bytes.length);
      text = '';
    }
  }
  return { name, size, stream };
}

const sources = [
  generated('a.jsonl', '', (id) => `{"_id":"d${String(id).padStart(7, '0')}","text":"${passage(id)}"}\n`),
  generated('a.csv', 'id,text\n', (id) => `d${String(id).padStart(7, '0')},"${passage(id)}"\n`),
  generated('a.txt', '', (id) => `${passage(id)}\n`),
];

const rows: string[][] = [];
for (const source of sources) {
  let reading = process.cpuUsage();
  let bytes = 0;
  for await (const chunk of source.stream()) bytes += chunk.length;
  const { user: madeUser, system: madeSystem } = process.cpuUsage(reading);
  reading = process.cpuUsage();
  let peak = 0;
  const timer = setInterval(() => (peak = Math.max(peak, process.memoryUsage.rss())), 50);
  const corpus = importCorpus(await detect([source]));
  let written = 0;
  for await (const { content } of corpus.files()) for await (const piece of content) written += piece.length;
  clearInterval(timer);
  const { user, system } = process.cpuUsage(reading);
  const seconds = (user + system - madeUser - madeSystem) / 1e6;
  const { passages, exactDuplicates, nearDuplicates } = corpus.report();
  rows.push([
    source.name,
    (bytes / 1e6).toFixed(0),
    (written / 1e6).toFixed(0),
    String(passages),
    `${exactDuplicates} + ${nearDuplicates}`,
    seconds.toFixed(1),
    (bytes / 1e6 / seconds).toFixed(1),
    (peak / 1e6).toFixed(0),
  ]);
}
printTable(
  ['file', 'MB read', 'MB written', 'passages', 'equal + near', 'CPU s', 'MB/s', 'peak RSS MB'],
  rows,
);
