/** What the worker makes of files that people have, from the look at them to a corpus that is kept. */
import { strToU8, zipSync } from 'fflate';
import { beforeEach, describe, expect, it } from 'vitest';
import { InputError } from '../../src/core/errors.ts';
import type { ImportOutcome } from '../../src/studio/import-protocol.ts';
import type { TrainingClient } from '../../src/studio/window/training-client.ts';
import { listFile, makeLists } from '../support/training-lists.ts';
import { openClient } from './small-run.ts';

const file = (name: string, ...parts: string[]): File => new File(parts, name);
const zip = (name: string, files: Readonly<Record<string, string>>): File =>
  new File(
    [zipSync(Object.fromEntries(Object.entries(files).map(([path, text]) => [path, strToU8(text)])))],
    name,
  );
const faq = file(
  'faq.csv',
  'Nr,Frage,Antwort\n',
  ...['Brot', 'Käse', 'Milch', 'Salz', 'Mehl'].map(
    (food, i) => `${i},Wo liegt ${food}?,${food} liegt in Fach ${i}.\n`,
  ),
);
const texts = (from: number, count: number): string =>
  Array.from(
    { length: count },
    (_, i) =>
      `Text ${from + i} of ${Array.from({ length: 40 }, (_, j) => `word${(i * 31 + j * j * 7 + from) % 4999}`).join(' ')}.\n`,
  ).join('');

function finished(outcome: ImportOutcome) {
  if (outcome.state !== 'finished') throw new Error('the import was canceled');
  return outcome;
}

describe('files', () => {
  let client: TrainingClient;
  const whole = new AbortController().signal;

  beforeEach(async () => {
    client = await openClient();
  });

  it('are looked at: what is ready is told apart from what has to be imported', async () => {
    const beir = zip('mine.zip', {
      'corpus.jsonl': '{"_id": "a", "text": "one"}\n',
      'queries.jsonl': '{"_id": "q", "text": "which"}\n',
      'qrels/test.tsv': 'query-id\tcorpus-id\tscore\nq\ta\t1\n',
    });
    const lists = file('lists.jsonl', listFile(makeLists(4)));
    expect(await client.previewImport([beir, lists])).toEqual({ ready: [0, 1], preview: undefined });

    const { ready, preview } = await client.previewImport([faq, lists]);
    expect(ready).toEqual([1]);
    expect(preview).toMatchObject({ name: 'faq', kind: 'texts', fileCount: 1, formats: ['csv'] });
    expect(preview?.files[0]).toMatchObject({
      tableColumns: ['Nr', 'Frage', 'Antwort'],
      header: true,
      sample: { rows: [['0', 'Wo liegt Brot?', 'Brot liegt in Fach 0.'], {}, {}, {}, {}] },
    });
  });

  it('become a corpus by the columns that were chosen, and its judgments are measured', async () => {
    const columns = { id: ['Nr'], query: ['Frage'], text: ['Antwort'] };
    const { preview } = await client.previewImport([faq], { columns });
    expect(preview?.kind).toBe('texts and questions');
    const { item, report } = finished(await client.importCorpus([faq], { columns }, whole));
    expect(item).toMatchObject({ kind: 'corpus', name: 'faq', splits: ['test', 'train'] });
    expect(report).toMatchObject({ passages: 5, queries: 5, judgments: { test: 1, train: 4 } });
    expect((await client.kept()).map(({ id }) => id)).toContain(item.id);
    expect(item.counts).toEqual({
      ...{ passages: 5, queries: 5 },
      splits: { test: { queries: 1, judgments: 1 }, train: { queries: 4, judgments: 4 } },
    });
    const measured = await client.keywordBaseline(item.id, 'test', whole);
    expect(measured).toMatchObject({
      state: 'finished',
      baseline: { queries: 1, metrics: { recall_100: 1 } },
    });
  });

  it('that lie beside each other become one corpus: loose files, a zip, paragraphs', async () => {
    const loose = [
      file('corpus.jsonl', '{"_id": "a", "text": "one"}\n{"_id": "b", "text": "two"}\n'),
      file('queries.jsonl', '{"_id": "q", "text": "which"}\n'),
      file('test.tsv', 'query-id\tcorpus-id\tscore\nq\ta\t1\n'),
    ];
    expect((await client.previewImport(loose)).preview?.kind).toBe('benchmark');
    const benchmark = finished(await client.importCorpus(loose, {}, whole));
    expect(benchmark.item).toMatchObject({ name: 'corpus and 2 more', splits: ['test'] });

    const notes = zip('notes.zip', {
      'a.md': '# Bread\n\nIt rises.\n',
      'b.txt': 'One.\n\nTwo.\n',
      'c.png': 'x',
    });
    const { preview } = await client.previewImport([notes]);
    expect(preview).toMatchObject({ kind: 'texts', fileCount: 2, leftOutCount: 1 });
    const { item, report } = finished(await client.importCorpus([notes], { encoder: 'nano' }, whole));
    expect(item).toMatchObject({ splits: [] });
    expect(report).toMatchObject({ passages: 3, lengths: { tokens: { sampled: 3, longer: 0 } } });
  });

  it('without questions are searched, and trained on with queries that are clauses of them', async () => {
    const large = file('large.txt', texts(0, 20));
    const { item } = finished(await client.importCorpus([large], {}, whole));
    const found = await client.searchTexts(item.id, 'text 7', 3);
    expect(found[0]).toMatchObject({ id: '8', rank: 1, text: expect.stringMatching(/^Text 7 of/) as string });
    const made = await client.extractQueries(item.id, whole);
    if (made.state !== 'finished') throw new Error('it was canceled');
    expect(made).toMatchObject({ train: 16, test: 4, item: { splits: ['test', 'train'] } });
    const measured = await client.keywordBaseline(made.item.id, 'test', whole);
    expect(measured).toMatchObject({
      state: 'finished',
      baseline: { queries: 4, metrics: { recall_100: 1 } },
    });
    const few = finished(await client.importCorpus([file('few.txt', texts(0, 3))], {}, whole));
    await expect(client.extractQueries(few.item.id, whole)).rejects.toThrow(
      /has 3 different passages of 6 or more words/,
    );
  });

  it('of lists are compared with a corpus by ids and texts, and become a corpus of their own', async () => {
    const made = makeLists(20);
    const documents = made.slice(0, 5).flatMap((list) => list.documents);
    const renamed = documents.map(({ text }, i) => `${JSON.stringify({ _id: `other-${i}`, text })}\n`);
    const corpus = zip('some.zip', { 'corpus.jsonl': renamed.join('') });
    const lists = await client.keep(file('mine.jsonl', listFile(made)));
    const { id } = await client.keep(corpus);
    expect(await client.pairLists(lists.id, id)).toEqual({ lists: 20, passages: 60, found: 15 });

    const item = await client.corpusOfLists(lists.id);
    expect(item).toMatchObject({
      ...{ kind: 'corpus', name: 'mine', splits: ['test', 'train'], listFiles: ['lists.jsonl'] },
      counts: { passages: 60, queries: 20, splits: { test: { queries: 4 }, train: { queries: 16 } } },
    });
    expect(await client.pairLists(lists.id, item.id)).toEqual({ lists: 20, passages: 60, found: 60 });
    const measured = await client.keywordBaseline(item.id, 'test', whole);
    expect(measured).toMatchObject({ state: 'finished', baseline: { queries: 4 } });
    const few = await client.keep(file('few.jsonl', listFile(makeLists(3))));
    await expect(client.corpusOfLists(few.id)).rejects.toThrow(/has 3 queries with a relevant passage/);
  });

  it('of JSON lines are told apart: a corpus, lists, a log of generations', async () => {
    const documents = file('a.jsonl', '{"_id": "a", "text": "one"}\n{"_id": "b", "text": "two"}\n');
    const lists = file('b.jsonl', listFile(makeLists(4)));
    const { ready, preview } = await client.previewImport([documents, lists]);
    expect(ready).toEqual([1]);
    expect(preview).toMatchObject({ kind: 'texts', fileCount: 1, files: [{ role: 'texts' }] });
    // What looks like a corpus is no file of lists, whatever somebody calls it.
    await expect(client.keep(documents)).rejects.toThrow(/a\.jsonl:1: this looks like a corpus/);
    await expect(client.previewImport([file('c.jsonl', '{"note": 1}\n')])).rejects.toThrow(
      /c\.jsonl.*has no column with texts/,
    );
    await expect(client.previewImport([file('d.jsonl')])).rejects.toThrow(/d\.jsonl.*is empty/);
  });

  it('that are broken are refused with file and line, and nothing of them is kept', async () => {
    const before = await client.kept();
    const broken = file('mine.csv', 'id,text\n1,"one"\n2,"two', '\n', 'x'.repeat(3));
    const error = await client.importCorpus([broken], {}, whole).catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(InputError);
    expect(error).toMatchObject({ file: 'mine.csv', line: 3 });
    expect(await client.kept()).toEqual(before);
  });

  it('are not imported once that is canceled, which takes no longer than a few moments', async () => {
    const before = await client.kept();
    const large = new File(
      Array.from({ length: 40 }, (_, i) => texts(i * 1000, 1000)),
      'large.txt',
    );
    const cancel = new AbortController();
    let canceledAt = 0;
    const seen: number[] = [];
    const outcome = await client.importCorpus([large], {}, cancel.signal, ({ bytes, totalBytes }) => {
      expect(totalBytes).toBe(large.size);
      seen.push(bytes);
      if (canceledAt > 0 || bytes < large.size / 10) return;
      canceledAt = performance.now();
      cancel.abort();
    });
    expect(outcome).toEqual({ state: 'canceled' });
    expect(canceledAt).toBeGreaterThan(0);
    expect(Math.max(...seen)).toBeLessThan(large.size);
    expect(await client.kept()).toEqual(before);
  });

  it('keeps nothing once it is canceled, and reads no more', async () => {
    const client = await openClient();
    const many = listFile(makeLists(2000));
    const large = file('many.jsonl', many.repeat(4));
    const cancel = new AbortController();
    const seen: number[] = [];
    await expect(
      client.keep(large, cancel.signal, ({ bytes, totalBytes }) => {
        expect(totalBytes).toBe(2 * large.size);
        seen.push(bytes);
        cancel.abort();
      }),
    ).rejects.toThrow(/abort/i);
    expect(seen).toHaveLength(1);
    expect(seen[0]).toBeLessThan(2 * large.size);
    expect((await client.kept()).filter(({ kind }) => kind !== 'language-model')).toEqual([]);
  });
});
