/** What can be done with training lists alone, and whether they fit a corpus. */
import { InputError } from '../../core/errors.ts';
import { yielding } from '../../core/waiting.ts';
import { passageText, readDocuments } from '../../corpus/documents.ts';
import { readLists } from '../../corpus/lists.ts';
import { splitByPassage } from '../../corpus/split.ts';
import { isPositive, textKey } from '../../corpus/text-key.ts';
import type { ListRecord } from '../../corpus/types.ts';
import type { ListsCalls, PairedLists } from '../lists-protocol.ts';
import type { KeptItem } from '../protocol.ts';
import { partsOfText, type KeptItems } from './kept-items.ts';

const TEST_SHARE = 0.2;
const LEAST_QUERIES = 5;

/** @throws InputError if the lists or the corpus are not kept */
export async function pairLists(
  { listsId, corpusId }: ListsCalls['pairLists']['ask'],
  items: KeptItems,
  signal: AbortSignal,
): Promise<PairedLists> {
  const turn = yielding(signal);
  /** The text of each passage, as texts are compared; empty where the lists name it by its id alone. */
  const texts = new Map<string, string>();
  let lists = 0;
  const textsOf = (ids: ReadonlySet<string>) => Promise.resolve(new Map([...ids].map((id) => [id, unknown])));
  for await (const { documents } of readLists(await items.openFile(listsId), { textsOf })) {
    await turn();
    lists++;
    for (const { id, text } of documents) texts.set(id, text === unknown ? '' : textKey(text));
  }
  const idsOf = new Map<string, string[]>();
  for (const [id, text] of texts) if (text !== '') idsOf.set(text, [...(idsOf.get(text) ?? []), id]);
  const found = new Set<string>();
  const corpus = await (await items.openTree(corpusId)).open('corpus.jsonl');
  for await (const document of readDocuments(corpus, { format: 'jsonl' })) {
    await turn();
    if (texts.has(document.id)) found.add(document.id);
    for (const text of [passageText(document), document.text]) {
      for (const id of idsOf.get(textKey(text)) ?? []) found.add(id);
    }
  }
  return { lists, passages: texts.size, found: found.size };
}

const unknown = '\u0000';

/**
 * A corpus of the passages in training lists: their queries are judged by their positives, and a fifth of them is to
 * test with. The lists are part of it.
 * @throws InputError if too few queries have a positive
 */
export async function corpusOfLists(
  { listsId }: ListsCalls['corpusOfLists']['ask'],
  items: KeptItems,
  signal: AbortSignal,
): Promise<KeptItem> {
  const turn = yielding(signal);
  const tree = await items.openTree(listsId);
  const source = await items.openFile(listsId);
  const judged = new Map<string, ListRecord>();
  const passages = new Map<string, string>();
  for await (const list of readLists(source)) {
    await turn();
    for (const { id, text } of list.documents) if (!passages.has(id)) passages.set(id, text);
    const positives = list.documents.filter((document) => isPositive(document));
    const known = judged.get(list.query_id)?.documents ?? [];
    if (positives.length > 0) judged.set(list.query_id, { ...list, documents: [...known, ...positives] });
  }
  if (judged.size < LEAST_QUERIES) {
    throw new InputError(`has ${judged.size} queries with a relevant passage`, {
      file: tree.name,
      remedy: `Use lists of at least ${LEAST_QUERIES} queries, so that some can be trained on and others tested`,
    });
  }
  const all = [...judged.values()];
  const held = new Set(splitByPassage(all, TEST_SHARE, 0).dev.map(({ query_id }) => query_id));
  const sides = {
    test: all.filter(({ query_id }) => held.has(query_id)),
    train: all.filter(({ query_id }) => !held.has(query_id)),
  };
  const files = [
    { path: 'corpus.jsonl', parts: lines([...passages], ([_id, text]) => JSON.stringify({ _id, text })) },
    {
      path: 'queries.jsonl',
      parts: lines(all, ({ query_id, query }) => JSON.stringify({ _id: query_id, text: query })),
    },
    ...Object.entries(sides).map(([split, lists]) => ({
      path: `qrels/${split}.tsv`,
      parts: lines(
        [undefined, ...lists.flatMap(judgmentsOf)],
        (judgment) => judgment ?? 'query-id\tcorpus-id\tscore',
      ),
    })),
    // As they are stored, so that their bytes are stored once.
    { path: LISTS, parts: source.stream() },
  ];
  const counts = {
    passages: passages.size,
    queries: all.length,
    splits: { test: countOf(sides.test), train: countOf(sides.train) },
  };
  const name = source.name.replace(/^.*\//, '').replace(/\.[a-z]+$/i, '');
  return items.write(
    { kind: 'corpus', name, splits: ['test', 'train'], listFiles: [LISTS], counts },
    files,
    signal,
  );
}

/** Where the lists are in the corpus. */
const LISTS = 'lists.jsonl';

function judgmentsOf({ query_id, documents }: ListRecord): readonly string[] {
  const grades = new Map(documents.map(({ id, label = 1 }) => [id, Math.max(1, Math.round(label))]));
  return [...grades].map(([id, grade]) => `${query_id}\t${id}\t${grade}`);
}

function countOf(lists: readonly ListRecord[]): { readonly queries: number; readonly judgments: number } {
  return { queries: lists.length, judgments: lists.flatMap(judgmentsOf).length };
}

function lines<T>(records: readonly T[], format: (record: T) => string): AsyncGenerator<Uint8Array> {
  return partsOfText(
    (async function* () {
      for (const record of records) yield await Promise.resolve(`${format(record)}\n`);
    })(),
  );
}
