/** What a kept corpus holds: its rows as the worker gives them, and as the page shows them. */
import { strToU8, unzipSync, zipSync } from 'fflate';
import { describe, expect, it, vi } from 'vitest';
import { page, userEvent } from 'vitest/browser';
import { render } from 'vitest-browser-svelte';
import CorpusView from '../../src/studio/components/corpus/CorpusView.svelte';
import type { CorpusRow, Outcome, RowsChoice, RowsPage } from '../../src/studio/corpus-protocol.ts';
import type { KeptItem } from '../../src/studio/protocol.ts';
import { Studio } from '../../src/studio/state/studio.svelte.ts';
import type { TrainingClient } from '../../src/studio/window/training-client.ts';
import { listFile, makeLists } from '../support/training-lists.ts';
import { cannedClient } from './canned-client.ts';
import { openClient } from './small-run.ts';

const whole = new AbortController().signal;
const jsonLines = (records: readonly object[]): string =>
  records.map((record) => `${JSON.stringify(record)}\n`).join('');
const zip = (name: string, files: Readonly<Record<string, string>>): File =>
  new File(
    [zipSync(Object.fromEntries(Object.entries(files).map(([path, text]) => [path, strToU8(text)])))],
    name,
  );

const passages = Array.from({ length: 230 }, (_, i) => ({
  _id: `p${i}`,
  title: i % 3 === 0 ? `Chapter ${i}` : '',
  text: `passage ${i} of the ${['sea', 'wood', 'river'][i % 3] ?? ''}, word${i % 7}`,
  metadata: { line: i },
}));
const lists = makeLists(6);
const files = {
  'corpus.jsonl': jsonLines(passages),
  'queries.jsonl': jsonLines([
    { _id: 'q1', text: 'which sea' },
    { _id: 'q2', text: 'which river' },
    { _id: 'q3', text: 'nothing at all' },
  ]),
  'qrels/test.tsv': 'query-id\tcorpus-id\tscore\nq1\tp0\t1\nq1\tp3\t3\nq1\tp4\t0\nq2\tgone\t2\n',
  'qrels/dev.tsv': 'query-id\tcorpus-id\tscore\nq3\tp7\t1\n',
  'lists.jsonl': listFile(lists),
};

function finished<T>(outcome: Outcome<T>): T {
  if (outcome.state !== 'finished') throw new Error('it was canceled');
  return outcome.answer;
}

const idsOf = ({ rows }: RowsPage): readonly string[] =>
  rows.map((row) => ('id' in row ? row.id : row.query));

describe('the rows of a kept corpus', () => {
  async function open(): Promise<{ client: TrainingClient; item: KeptItem }> {
    const client = await openClient();
    return { client, item: await client.keep(zip('mine.zip', files)) };
  }

  it('are its documents in their order, a page at a time; by id, by their text, and by words', async () => {
    const { client, item } = await open();
    const rows = async (from: number, count: number, search?: RowsChoice['search']): Promise<RowsPage> =>
      finished(
        await client.corpusRows(
          { itemId: item.id, part: { of: 'documents' }, ...(search && { search }) },
          from,
          count,
          whole,
        ),
      );
    const first = await rows(0, 50);
    expect(first.total).toBe(230);
    expect(idsOf(first)).toEqual(passages.slice(0, 50).map(({ _id }) => _id));
    expect(first.rows[3]).toMatchObject({ kind: 'document', text: 'Chapter 3 passage 3 of the sea, word3' });
    expect(idsOf(await rows(200, 50))).toEqual(passages.slice(200).map(({ _id }) => _id));
    expect(idsOf(await rows(0, 100, { by: 'id', text: 'P22' }))).toEqual(
      passages.filter(({ _id }) => _id.includes('p22')).map(({ _id }) => _id),
    );
    expect((await rows(0, 10, { by: 'text', text: 'the RIVER' })).total).toBe(
      passages.filter(({ text }) => text.includes('the river')).length,
    );
    const found = await rows(0, 3, { by: 'words', text: 'chapter 9' });
    expect(found.rows[0]).toMatchObject({ id: 'p9', score: expect.any(Number) as number });
    expect((await rows(0, 10, { by: 'text', text: 'not there' })).total).toBe(0);
    expect(await client.corpusText(item.id, 'p3')).toEqual({
      id: 'p3',
      title: 'Chapter 3',
      text: 'passage 3 of the sea, word3',
    });
    await expect(client.corpusText(item.id, 'nobody')).rejects.toThrow(
      /no document of this id\. Choose another/,
    );
  });

  it('are its judgments by query, with the grades; and its training lists', async () => {
    const { client, item } = await open();
    const rows = async (part: RowsChoice['part'], search?: RowsChoice['search']): Promise<RowsPage> =>
      finished(await client.corpusRows({ itemId: item.id, part, ...(search && { search }) }, 0, 50, whole));
    const judged = await rows({ of: 'queries', split: 'test' });
    expect(judged).toEqual({
      total: 2,
      rows: [
        {
          ...{ kind: 'query', id: 'q1', text: 'which sea', relevant: 2, judged: 3 },
          first: { id: 'p3', grade: 3, text: 'Chapter 3 passage 3 of the sea, word3' },
        },
        // Its passage is missing from the corpus.
        {
          ...{ kind: 'query', id: 'q2', text: 'which river', relevant: 1, judged: 1 },
          first: { id: 'gone', grade: 2, text: '' },
        },
      ],
    });
    expect(idsOf(await rows({ of: 'queries', split: 'dev' }))).toEqual(['q3']);
    expect(idsOf(await rows({ of: 'queries', split: 'test' }, { by: 'text', text: 'RIVER' }))).toEqual([
      'q2',
    ]);
    expect((await rows({ of: 'judged', split: 'test', queryId: 'q1' })).rows).toMatchObject([
      { id: 'p3', grade: 3 },
      { id: 'p0', grade: 1 },
      { id: 'p4', grade: 0 },
    ]);
    expect((await rows({ of: 'judged', split: 'test', queryId: 'q2' })).rows).toEqual([
      { kind: 'judged', id: 'gone', grade: 2, text: undefined },
    ]);

    const part = { of: 'lists', file: 'lists.jsonl' } as const;
    expect(await rows(part)).toMatchObject({
      total: 6,
      rows: lists.map(({ query }, list) => ({ kind: 'list', list, query, positives: 1 })),
    });
    expect((await rows({ ...part, of: 'listed', list: 2 })).rows).toMatchObject(
      (lists[2]?.documents ?? []).map(({ id, text }) => ({ kind: 'listed', id, text })),
    );
    const kept = await client.keep(new File([listFile(lists)], 'lists.jsonl'));
    expect(
      finished(await client.corpusRows({ itemId: kept.id, part: { of: 'lists' } }, 4, 50, whole)),
    ).toMatchObject({ total: 6, rows: [{ list: 4 }, { list: 5 }] });
  });

  it('are not read once that is canceled, and can be read afterwards', async () => {
    const { client, item } = await open();
    const cancel = new AbortController();
    const choice = { itemId: item.id, part: { of: 'documents' } } as const;
    const canceled = client.corpusRows(choice, 0, 50, cancel.signal);
    cancel.abort();
    // Whoever asks for the same does not end with it.
    const both = await Promise.all([canceled, client.corpusRows(choice, 0, 50, whole)]);
    expect(both.map(({ state }) => state)).toEqual(['canceled', 'finished']);
  });

  it('are not read on after Cancel', async () => {
    const { client } = await open();
    const many = Array.from({ length: 20_000 }, (_, i) => ({
      query: `query ${i}`,
      pos: [`one ${i}`],
      neg: ['two'],
    }));
    const kept = await client.keep(new File([jsonLines(many)], 'many.jsonl'));
    const cancel = new AbortController();
    const read: number[] = [];
    const choice = {
      itemId: kept.id,
      part: { of: 'lists' },
      search: { by: 'text', text: 'nowhere' },
    } as const;
    const outcome = await client.corpusRows(choice, 0, 50, cancel.signal, ({ bytes }) => {
      read.push(bytes);
      cancel.abort();
    });
    expect(outcome).toEqual({ state: 'canceled' });
    expect(read).toHaveLength(1);
    expect(read[0]).toBeLessThan(kept.bytes / 2);
  });

  it('are a BEIR zip, which imported again is the same corpus', async () => {
    const { client, item } = await open();
    const { name, zip: blob } = finished(await client.exportCorpus(item.id, whole));
    expect(name).toBe('mine.zip');
    const unpacked = unzipSync(new Uint8Array(await blob.arrayBuffer()));
    const texts = Object.fromEntries(
      Object.entries(unpacked).map(([path, bytes]) => [path, new TextDecoder().decode(bytes)]),
    );
    expect(texts).toEqual(files);
    expect(await client.keep(new File([blob], name))).toMatchObject({
      ...item,
      keptAt: expect.any(String) as string,
    });

    // What has other keys, or judgments as JSON lines, is written as BEIR has it.
    const other = await client.keep(
      zip('other.zip', {
        'corpus.jsonl': jsonLines([{ docid: 'a', contents: 'one' }]),
        'queries.jsonl': jsonLines([{ qid: 'q', query: 'which' }]),
        'qrels.jsonl': jsonLines([{ 'query-id': 'q', 'corpus-id': 'a', score: 2 }]),
      }),
    );
    const again = unzipSync(
      new Uint8Array(await finished(await client.exportCorpus(other.id, whole)).zip.arrayBuffer()),
    );
    expect(Object.keys(again).sort()).toEqual(['corpus.jsonl', 'qrels/test.tsv', 'queries.jsonl']);
    expect(new TextDecoder().decode(again['corpus.jsonl'])).toBe('{"_id":"a","title":"","text":"one"}\n');
    expect(new TextDecoder().decode(again['qrels/test.tsv'])).toBe('query-id\tcorpus-id\tscore\nq\ta\t2\n');

    const cancel = new AbortController();
    cancel.abort();
    expect(await client.exportCorpus(item.id, cancel.signal)).toEqual({ state: 'canceled' });
  });
});

describe('the view of a corpus', () => {
  const item: KeptItem = {
    ...{ id: 'large-1', name: 'large', bytes: 1e8, kind: 'corpus', splits: ['test'], listFiles: [] },
    keptAt: '2026-11-29T10:00:00Z',
  };
  const total = 100_000;
  const options = page.getByRole('listbox', { name: 'Documents' }).getByRole('option');
  const list = page.getByRole('listbox', { name: 'Documents' });

  interface Asked {
    readonly choice: RowsChoice;
    readonly from: number;
    readonly signal: AbortSignal;
  }

  async function show(answer?: (asked: Asked) => Promise<Outcome<RowsPage>>) {
    const asked: Asked[] = [];
    const client = cannedClient({
      corpusRows: (choice, from, count, signal) => {
        asked.push({ choice, from, signal });
        if (answer !== undefined) return answer({ choice, from, signal });
        const rows = Array.from({ length: Math.min(count, total - from) }, (_, i): CorpusRow => ({
          ...{ kind: 'document', id: `d${from + i}`, text: `text ${from + i}`, score: undefined },
        }));
        return Promise.resolve({ state: 'finished', answer: { total, rows } });
      },
      corpusText: (_, id) => Promise.resolve({ id, title: 'A title', text: `all of ${id}` }),
    });
    const { unmount } = await render(CorpusView, { item, studio: new Studio(() => Promise.resolve(client)) });
    return { asked, unmount };
  }

  it('has a hundred rows or fewer in the document, and asks for those in sight alone', async () => {
    const { asked } = await show();
    await expect.element(page.getByText('100,000 documents')).toBeVisible();
    await expect.element(page.getByText('text 0', { exact: true })).toBeVisible();
    const most = (): number => list.element().querySelectorAll('[role=option]').length;
    expect(most()).toBeLessThanOrEqual(100);
    expect(most()).toBeGreaterThan(3);

    // Thrown from one end to the other: pages that were passed are not asked for.
    const before = asked.length;
    const element = list.element();
    for (let i = 1; i <= 40; i++) {
      element.scrollTop = (element.scrollHeight * i) / 40;
      await new Promise((resolve) => requestAnimationFrame(resolve));
      expect(most()).toBeLessThanOrEqual(100);
    }
    await expect.element(page.getByText('text 99999', { exact: true })).toBeVisible();
    expect(asked.length - before).toBeLessThanOrEqual(2 * 40);
    expect(options.last().element().getAttribute('aria-posinset')).toBe('100000');
  });

  it('is moved in by keyboard, and shows a row in full', async () => {
    await show();
    await expect.element(page.getByText('text 0', { exact: true })).toBeVisible();
    list.element().focus();
    await userEvent.keyboard('{End}');
    await expect.element(page.getByText('text 99999', { exact: true })).toBeVisible();
    await userEvent.keyboard('{Home}{ArrowDown}{ArrowDown}');
    await expect.element(page.getByText('text 2', { exact: true })).toBeVisible();
    expect(list.element().getAttribute('aria-activedescendant')).toMatch(/-2$/);
    await userEvent.keyboard('{Enter}');
    await expect.element(page.getByText('all of d2')).toBeVisible();
    await expect.element(page.getByRole('heading', { name: 'd2: A title' })).toBeVisible();
    await page.getByRole('button', { name: 'Close' }).click();
    await expect.element(page.getByText('all of d2')).not.toBeInTheDocument();
  });

  it('is searched, and says how many were found', async () => {
    const { asked } = await show();
    await expect.element(page.getByText('100,000 documents')).toBeVisible();
    await page.getByLabelText('Search', { exact: true }).fill('moon');
    await userEvent.keyboard('{Enter}');
    await expect.element(page.getByText(/100,000 documents for “moon”, the best first/)).toBeVisible();
    expect(asked.at(-1)?.choice).toMatchObject({ search: { by: 'words', text: 'moon' } });
    await page.getByRole('button', { name: 'Show all' }).click();
    await expect.element(page.getByText('100,000 documents', { exact: true })).toBeVisible();
    await page.getByLabelText('Show', { exact: true }).selectOptions('Queries and judgments: test');
    await vi.waitFor(() => expect(asked.at(-1)?.choice.part).toEqual({ of: 'queries', split: 'test' }));
  });

  it('is canceled while it is read: nothing more is asked for', async () => {
    const { asked } = await show(
      ({ signal }) =>
        new Promise((resolve) => {
          signal.addEventListener('abort', () => resolve({ state: 'canceled' }));
        }),
    );
    await page.getByRole('button', { name: 'Cancel' }).click();
    await expect.element(page.getByText('Canceled.')).toBeVisible();
    expect(asked).toHaveLength(1);
    expect(asked[0]?.signal.aborted).toBe(true);
    await page.getByRole('button', { name: 'Read again' }).click();
    await vi.waitFor(() => expect(asked).toHaveLength(2));
  });

  it('stops reading when it is left', async () => {
    const { asked, unmount } = await show(() => new Promise(() => undefined));
    await vi.waitFor(() => expect(asked).toHaveLength(1));
    await unmount();
    expect(asked[0]?.signal.aborted).toBe(true);
  });
});
