/** Rows of a kept corpus or file of lists, a page at a time. Loaded when one is first looked at. */
import { InputError } from '../../core/errors.ts';
import { withoutTopFolder, type ByteSource, type FileTree } from '../../core/source.ts';
import { yielding } from '../../core/waiting.ts';
import { readBeir } from '../../corpus/beir.ts';
import { ID_KEYS, passageText, readDocuments, TEXT_KEYS } from '../../corpus/documents.ts';
import { JsonRecord } from '../../corpus/json-record.ts';
import { readLists } from '../../corpus/lists.ts';
import { isPositive } from '../../corpus/text-key.ts';
import type { Document, Judgments, ListRecord, Query } from '../../corpus/types.ts';
import { readOrigins } from '../../import/origins.ts';
import { Bm25Builder, type Bm25Index } from '../../retrieval/bm25.ts';
import type {
  CorpusCalls,
  CorpusProgress,
  CorpusRow,
  RowsChoice,
  RowsPage,
  RowsSearch,
  WholeText,
} from '../corpus-protocol.ts';
import type { FoundPassage } from '../protocol.ts';
import type { KeptItems } from './kept-items.ts';
import { LineFile, type ReadingTurn } from './line-file.ts';

const SHOWN_CHARACTERS = 400;
const MOST_CHARACTERS = 20_000;
/** What a search by words finds at most. */
const MOST_FOUND = 1000;
const MOST_ROWS = 100;
/** Of the searches, the last are not done again. */
const HELD_SEARCHES = 8;
/** How their keys begin. */
const SEARCH = 'search ';
const TELL_MILLISECONDS = 100;

type Tell = (progress: CorpusProgress) => void;

/** How something long is done: it lets other requests in, ends with the signal, and tells how far it is. */
interface Manner {
  readonly signal: AbortSignal;
  readonly tell: Tell;
}

/** Of the item that was looked at last. */
let latest: { readonly itemId: string; readonly view: CorpusView } | undefined;

async function viewOf(itemId: string, items: KeptItems): Promise<CorpusView> {
  if (latest?.itemId === itemId) return latest.view;
  const tree = withoutTopFolder(await items.openTree(itemId));
  latest = { itemId, view: new CorpusView(tree) };
  return latest.view;
}

/** @throws InputError if it is not kept, or a line cannot be read */
export async function corpusRows(
  { choice, from, count }: CorpusCalls['corpusRows']['ask'],
  items: KeptItems,
  manner: Manner,
): Promise<CorpusCalls['corpusRows']['answer']> {
  try {
    const view = await viewOf(choice.itemId, items);
    const answer = await view.rows(choice, from, Math.min(count, MOST_ROWS), manner);
    return { state: 'finished', answer };
  } catch (error) {
    if (manner.signal.aborted) return { state: 'canceled' };
    throw error;
  }
}

export async function corpusText(
  { itemId, id }: CorpusCalls['corpusText']['ask'],
  items: KeptItems,
  signal: AbortSignal,
): Promise<WholeText> {
  const view = await viewOf(itemId, items);
  const document = await view.document(id, { signal, tell: () => undefined });
  if (document !== undefined) return { ...document, text: document.text.slice(0, MOST_CHARACTERS) };
  throw new InputError('the corpus has no document of this id', {
    file: id,
    remedy: 'Choose another document',
  });
}

export async function corpusOrigins(
  { itemId }: CorpusCalls['corpusOrigins']['ask'],
  items: KeptItems,
): Promise<CorpusCalls['corpusOrigins']['answer']> {
  return readOrigins(await items.openTree(itemId));
}

/** The passages that keyword search (BM25) finds. @throws InputError if the corpus is not kept */
export async function searchTexts(
  itemId: string,
  query: string,
  k: number,
  items: KeptItems,
  signal: AbortSignal,
): Promise<readonly FoundPassage[]> {
  const view = await viewOf(itemId, items);
  const manner = { signal, tell: () => undefined };
  const passages: FoundPassage[] = [];
  for (const [i, { id, score }] of (await view.find(query, k, manner)).entries()) {
    const document = await view.document(id, manner);
    const text = document === undefined ? '' : passageText(document);
    passages.push({ id, score, rank: i + 1, text, grade: undefined });
  }
  return passages;
}

/** Rows of one kind: how many there are, and each by its number. */
interface Rows {
  readonly total: number;
  readonly row: (number: number) => Promise<CorpusRow>;
}

interface Documents {
  readonly file: LineFile;
  readonly ids: readonly string[];
  readonly numberOf: ReadonlyMap<string, number>;
}

interface JudgedSplit {
  readonly queries: readonly Query[];
  readonly judgments: Judgments;
}

class CorpusView {
  readonly #tree: FileTree;
  /** What is made once and held: of the files, the splits and the searches. */
  readonly #made = new Map<string, Promise<unknown>>();

  constructor(tree: FileTree) {
    this.#tree = tree;
  }

  async rows(choice: RowsChoice, from: number, count: number, manner: Manner): Promise<RowsPage> {
    const { total, row } = await this.#found(choice, manner);
    const rows: CorpusRow[] = [];
    for (let number = from; number < Math.min(total, from + count); number++) {
      manner.signal.throwIfAborted();
      rows.push(await row(number));
    }
    return { total, rows };
  }

  async document(id: string, manner: Manner): Promise<Document | undefined> {
    const { file, numberOf } = await this.#documents(manner);
    const number = numberOf.get(id);
    return number === undefined ? undefined : documentOf(await file.line(number));
  }

  async find(query: string, k: number, manner: Manner): Promise<ReturnType<Bm25Index['search']>> {
    return (await this.#index(manner)).search(query, k);
  }

  async #found(choice: RowsChoice, manner: Manner): Promise<Rows> {
    const { search } = choice;
    if (search === undefined || search.text.trim() === '') return this.#all(choice, manner);
    const key = `${SEARCH}${JSON.stringify([choice.part, search])}`;
    const found = this.#once(key, manner, () => this.#search(choice, search, manner));
    const searches = [...this.#made.keys()].filter((made) => made.startsWith(SEARCH));
    for (const old of searches.slice(0, -HELD_SEARCHES)) this.#made.delete(old);
    return found;
  }

  async #all({ part }: RowsChoice, manner: Manner): Promise<Rows> {
    switch (part.of) {
      case 'documents': {
        const { file } = await this.#documents(manner);
        return { total: file.size, row: async (number) => documentRow(await file.line(number)) };
      }
      case 'queries': {
        const { queries } = await this.#split(part.split);
        const row = async (number: number): Promise<CorpusRow> =>
          this.#queryRow(queries[number], part.split, manner);
        return { total: queries.length, row };
      }
      case 'judged': {
        const { judgments } = await this.#split(part.split);
        const graded = [...(judgments.get(part.queryId) ?? [])].sort(([, a], [, b]) => b - a);
        const row = async (number: number): Promise<CorpusRow> => {
          const [id, grade] = graded[number] ?? ['', 0];
          const document = await this.document(id, manner);
          return { kind: 'judged', id, grade, text: document && shown(passageText(document)) };
        };
        return { total: graded.length, row };
      }
      case 'lists': {
        const file = await this.#lists(part.file, manner);
        const row = async (number: number): Promise<CorpusRow> =>
          listRow(await this.#list(file, number, manner), number);
        return { total: file.size, row };
      }
      case 'listed': {
        const file = await this.#lists(part.file, manner);
        const documents = (await this.#list(file, part.list, manner))?.documents ?? [];
        const row = (number: number): Promise<CorpusRow> => Promise.resolve(listedRow(documents[number]));
        return { total: documents.length, row };
      }
    }
  }

  async #search(choice: RowsChoice, search: RowsSearch, manner: Manner): Promise<Rows> {
    const { part } = choice;
    const all = await this.#all(choice, manner);
    const among = (numbers: readonly number[]): Rows => ({
      total: numbers.length,
      row: (at) => all.row(numbers[at] ?? 0),
    });
    const needle = search.text.trim().toLowerCase();
    const has = (text: string): boolean => text.toLowerCase().includes(needle);
    switch (part.of) {
      case 'documents': {
        const { file, ids, numberOf } = await this.#documents(manner);
        if (search.by === 'words') {
          const found = await this.find(search.text, MOST_FOUND, manner);
          const numbers = found.map(({ id }) => numberOf.get(id) ?? 0);
          return {
            total: found.length,
            row: async (at) => documentRow(await file.line(numbers[at] ?? 0), found[at]?.score),
          };
        }
        if (search.by === 'id') return among(ids.flatMap((id, number) => (has(id) ? [number] : [])));
        return among(
          await matching(
            file,
            manner,
            (record) => has(record.text('title')) || has(textOf(record, TEXT_KEYS)),
          ),
        );
      }
      case 'queries': {
        const { queries } = await this.#split(part.split);
        const of = ({ id, text }: Query): string => (search.by === 'id' ? id : text);
        return among(queries.flatMap((query, number) => (has(of(query)) ? [number] : [])));
      }
      case 'lists': {
        const file = await this.#lists(part.file, manner);
        const keys = search.by === 'id' ? ['query_id'] : ['query', 'anchor'];
        return among(await matching(file, manner, (record) => has(textOf(record, keys))));
      }
      case 'judged':
      case 'listed':
        return all;
    }
  }

  async #queryRow(query: Query | undefined, split: string, manner: Manner): Promise<CorpusRow> {
    const { judgments } = await this.#split(split);
    const { id, text } = query ?? { id: '', text: '' };
    const grades = judgments.get(id) ?? new Map<string, number>();
    let best: { readonly id: string; readonly grade: number } | undefined;
    let relevant = 0;
    for (const [passage, grade] of grades) {
      if (grade > 0) relevant++;
      if (grade > (best?.grade ?? 0)) best = { id: passage, grade };
    }
    const document = best && (await this.document(best.id, manner));
    const first = best && { ...best, text: document === undefined ? '' : shown(passageText(document)) };
    return { kind: 'query', id, text: shown(text), relevant, judged: grades.size, first };
  }

  /** A list whose line has passages; undefined for any other. */
  async #list(file: LineFile, number: number, manner: Manner): Promise<ListRecord | undefined> {
    const hasCorpus = this.#tree.paths.includes('corpus.jsonl');
    const textsOf = async (ids: ReadonlySet<string>): Promise<ReadonlyMap<string, string>> => {
      const texts = new Map<string, string>();
      for (const id of ids) {
        const document = hasCorpus ? await this.document(id, manner) : undefined;
        texts.set(id, document === undefined ? `(the passage ${id} of a corpus)` : passageText(document));
      }
      return texts;
    };
    for await (const list of readLists(await file.line(number), { textsOf })) return list;
    return undefined;
  }

  #documents(manner: Manner): Promise<Documents> {
    return this.#once('documents', manner, async () => {
      const ids: string[] = [];
      const source = await this.#tree.open('corpus.jsonl');
      const file = await LineFile.open(source, reading(manner, 'reading', source.size), (line) => {
        const record = JsonRecord.parse(line, source.name);
        ids.push(record.id(record.firstOf(ID_KEYS) ?? '_id'));
      });
      return { file, ids, numberOf: new Map(ids.map((id, number) => [id, number])) };
    });
  }

  #index(manner: Manner): Promise<Bm25Index> {
    return this.#once('index', manner, async () => {
      const { file, ids } = await this.#documents(manner);
      const builder = new Bm25Builder();
      for await (const [line, number] of file.lines(reading(manner, 'indexing', file.bytes))) {
        const record = JsonRecord.parse(line, '');
        const document = {
          id: ids[number] ?? '',
          title: record.text('title'),
          text: textOf(record, TEXT_KEYS),
        };
        builder.add(document.id, passageText(document));
      }
      return builder.finish();
    });
  }

  #lists(path: string | undefined, manner: Manner): Promise<LineFile> {
    const name = path ?? this.#tree.paths[0] ?? '';
    return this.#once(`lists ${name}`, manner, async () => {
      const source = await this.#tree.open(name);
      return LineFile.open(source, reading(manner, 'reading', source.size));
    });
  }

  #split(split: string): Promise<JudgedSplit> {
    // Not made by turns: a signal does not end it.
    const none = { signal: new AbortController().signal, tell: () => undefined };
    return this.#once(`split ${split}`, none, () => readBeir(this.#tree, { split }));
  }

  /** Makes something unless it is made. Where the one who makes it cancels, the others make it anew. */
  async #once<T>(key: string, { signal }: Manner, make: () => Promise<T>): Promise<T> {
    for (;;) {
      const known = this.#made.get(key) as Promise<T> | undefined;
      const made = known ?? make();
      if (known === undefined) {
        this.#made.set(key, made);
        made.catch(() => this.#made.delete(key));
      }
      try {
        return await made;
      } catch (error) {
        const isOthers = known !== undefined && error instanceof DOMException && error.name === 'AbortError';
        if (!isOthers || signal.aborted) throw error;
      }
    }
  }
}

function reading({ signal, tell }: Manner, doing: CorpusProgress['doing'], totalBytes: number): ReadingTurn {
  let told = 0;
  return {
    turn: yielding(signal),
    tell: (bytes) => {
      const now = performance.now();
      if (now - told < TELL_MILLISECONDS) return;
      told = now;
      tell({ doing, bytes, totalBytes });
    },
  };
}

/** The numbers of the lines that match. */
async function matching(
  file: LineFile,
  manner: Manner,
  matches: (record: JsonRecord) => boolean,
): Promise<readonly number[]> {
  const numbers: number[] = [];
  for await (const [line, number] of file.lines(reading(manner, 'searching', file.bytes))) {
    if (matches(JsonRecord.parse(line, ''))) numbers.push(number);
  }
  return numbers;
}

function textOf(record: JsonRecord, keys: readonly string[]): string {
  const key = record.firstOf(keys);
  return key === undefined ? '' : record.text(key);
}

async function documentOf(line: ByteSource): Promise<Document | undefined> {
  for await (const document of readDocuments(line, { format: 'jsonl' })) return document;
  return undefined;
}

async function documentRow(line: ByteSource, score?: number): Promise<CorpusRow> {
  const document = await documentOf(line);
  const text = document === undefined ? '' : shown(passageText(document));
  return { kind: 'document', id: document?.id ?? '', text, score };
}

function listRow(list: ListRecord | undefined, number: number): CorpusRow {
  const documents = list?.documents ?? [];
  const positives = documents.filter((document) => isPositive(document));
  const first = positives[0]?.text;
  return {
    ...{ kind: 'list', list: number, query: shown(list?.query ?? '') },
    ...{ positives: positives.length, others: documents.length - positives.length },
    first: first === undefined ? undefined : shown(first),
  };
}

function listedRow(document: ListRecord['documents'][number] | undefined): CorpusRow {
  const { id, text, label, teacher, source } = document ?? { id: '', text: '', source: '' };
  return { kind: 'listed', id, text: text.slice(0, MOST_CHARACTERS), label, teacher, source };
}

function shown(text: string): string {
  return text.length > SHOWN_CHARACTERS ? `${text.slice(0, SHOWN_CHARACTERS - 1)}…` : text;
}
