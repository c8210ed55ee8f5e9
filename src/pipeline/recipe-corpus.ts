import { readBeir, type BeirDataset } from '../corpus/beir.ts';
import { readDocuments } from '../corpus/documents.ts';
import { ReadReport } from '../corpus/report.ts';
import { withoutTopFolder, type ByteSource, type FileTree } from '../core/source.ts';
import type { Document, Judgments, ListRecord, Query } from '../corpus/types.ts';
import { InputError } from '../core/errors.ts';
import { foldsByPassage, sharedWithTrain } from '../corpus/split.ts';
import type { HubRecord } from '../import/hub-dataset.ts';
import { readOrigins } from '../import/origins.ts';
import { PartHash, readPassages, type Passage, type Passages } from './passages.ts';
import type { CorpusSettings } from './schema/corpus.ts';

/** Opens what a recipe names. Paths are the host's business. */
export interface RecipeFiles {
  openCorpus(corpus: {
    readonly folder?: string | undefined;
    readonly builtIn?: string | undefined;
  }): Promise<FileTree>;
  openFile(path: string): Promise<ByteSource>;
}

/** The judged queries of a split. */
export interface JudgedQueries {
  readonly queries: readonly Query[];
  readonly judgments: Judgments;
  /** SHA-256 of both. */
  readonly hash: string;
}

/** A corpus, with hashes that name what it holds wherever it lies. */
export interface RecipeCorpus {
  readonly name: string;
  readonly tree: FileTree;
  /** In memory are at least those that a query of a split is judged with. */
  readonly passages: Passages;
  /** Undefined where the recipe trains on files alone. */
  readonly train: JudgedQueries | undefined;
  /** The split of that name, where the recipe names one. */
  readonly dev: JudgedQueries | undefined;
  /** The split of that name; empty where test queries are written for held-out passages. */
  readonly test: JudgedQueries;
  /** Data sets of a hub that it was made of. */
  readonly origins: readonly HubRecord[];
  /** What the readers noticed, one line each. */
  readonly warnings: readonly string[];
}

/** Bytes of a corpus.jsonl that is read into memory whole. A larger one is read anew for each search. */
const mostBytesInMemory = 2 ** 28;

export interface ReadCorpusOptions {
  /** Default: 256 MiB. */
  readonly mostBytesInMemory?: number | undefined;
  /** Whether the judgments of the train split are what warnings are about; else those of the test split. */
  readonly warnsAboutTrain?: boolean;
  /** Of the same corpus, all in memory: then only the splits are read, and nothing is noticed of its documents. */
  readonly passages?: Passages | undefined;
  /** Hears of each passage once, as it is read for the first time. */
  readonly onPassage?: ((passage: Passage) => void) | undefined;
}

/** A corpus as a recipe names it, or a part of one, which may have no queries to test. */
export type CorpusParts = Omit<CorpusSettings, 'test'> & { readonly test: CorpusSettings['test'] | null };

/** @throws InputError naming the file and the remedy */
export async function readCorpus(
  corpus: CorpusParts,
  files: RecipeFiles,
  options: ReadCorpusOptions = {},
): Promise<RecipeCorpus> {
  const tree = await files.openCorpus(corpus);
  const split = async (name: string | null): Promise<BeirDataset | undefined> =>
    name === null ? undefined : readBeir(tree, { split: name });
  const tested = await split(typeof corpus.test === 'string' ? corpus.test : null);
  const trained = corpus.fold === undefined ? await split(corpus.train) : undefined;
  const chosen = await split(corpus.dev !== null && 'split' in corpus.dev ? corpus.dev.split : null);
  const splits = [tested, trained, chosen];
  const documents = documentsOf(tree, corpus.train !== null && options.warnsAboutTrain ? [trained] : splits);
  const { size } = await withoutTopFolder(tree).open('corpus.jsonl');
  const passages =
    options.passages ??
    (await readPassages(documents.read, {
      titles: corpus.titles,
      inMemory: size <= (options.mostBytesInMemory ?? mostBytesInMemory),
      held: judgedPassages(splits),
      onPassage: options.onPassage,
    }));
  if (passages.size === 0) {
    throw new InputError('its corpus.jsonl contains no documents', {
      file: tree.name,
      remedy: 'Use a complete corpus',
    });
  }
  const all = tested === undefined ? await judgedNothing() : await judged(tested);
  const folded = corpus.fold === undefined ? undefined : await foldOf(all, passages, corpus.fold);
  return {
    name: corpus.builtIn ?? tree.name,
    tree,
    passages,
    train: folded?.train ?? (trained && (await judged(trained))),
    dev: chosen && (await judged(chosen)),
    test: folded?.test ?? all,
    origins: await readOrigins(tree),
    warnings: [...documents.warnings(), ...(folded === undefined ? [] : foldWarnings(folded))],
  };
}

/** What stands for a corpus where only ready lists are used. */
export async function noCorpus(): Promise<RecipeCorpus> {
  const noDocuments = async function* (): AsyncGenerator<never, void> {
    // Empty.
  };
  return {
    name: '',
    tree: { name: 'no corpus', paths: [], open: () => Promise.reject(withoutCorpus()) },
    passages: await readPassages(noDocuments, { titles: true, inMemory: true, held: new Set() }),
    train: undefined,
    dev: undefined,
    test: await judgedNothing(),
    origins: [],
    warnings: [],
  };
}

function withoutCorpus(): InputError {
  return new InputError('there is no corpus', { remedy: 'Pass --corpus DIR' });
}

/** The corpus's documents through the first of these splits, which knows what is wrong with its judgments. */
function documentsOf(
  tree: FileTree,
  splits: readonly (BeirDataset | undefined)[],
): { readonly read: () => AsyncIterable<Document>; readonly warnings: () => readonly string[] } {
  const split = splits.find((each) => each !== undefined);
  if (split !== undefined) return { read: () => split.documents(), warnings: () => split.report.warnings() };
  let report = new ReadReport();
  return {
    async *read() {
      report = new ReadReport();
      yield* readDocuments(await withoutTopFolder(tree).open('corpus.jsonl'), { format: 'jsonl', report });
    },
    warnings: () => report.warnings(),
  };
}

function judgedNothing(): Promise<JudgedQueries> {
  return judged({ queries: [], judgments: new Map() });
}

function judgedPassages(splits: readonly (BeirDataset | undefined)[]): ReadonlySet<string> {
  const ids = new Set<string>();
  for (const split of splits) {
    for (const grades of split?.judgments.values() ?? []) for (const id of grades.keys()) ids.add(id);
  }
  return ids;
}

async function judged({
  queries,
  judgments,
}: Pick<BeirDataset, 'queries' | 'judgments'>): Promise<JudgedQueries> {
  return { queries, judgments, hash: await hashJudged(queries, judgments) };
}

/** The queries of one fold, to be tested, and those of all others, to train. @throws InputError for too many folds */
async function foldOf(
  all: JudgedQueries,
  passages: Pick<Passages, 'textOf'>,
  { of, index, seed }: NonNullable<CorpusSettings['fold']>,
): Promise<{ readonly train: JudgedQueries; readonly test: JudgedQueries }> {
  const tested = new Set(
    foldsByPassage(goldLists(all, passages), of, seed)[index]?.map(({ query_id }) => query_id),
  );
  const part = async (isOurs: (id: string) => boolean): Promise<JudgedQueries> => {
    const queries = all.queries.filter(({ id }) => isOurs(id));
    const judgments = new Map([...all.judgments].filter(([id]) => isOurs(id)));
    return { queries, judgments, hash: await hashJudged(queries, judgments) };
  };
  return { train: await part((id) => !tested.has(id)), test: await part((id) => tested.has(id)) };
}

/** Folds share relevant passages where too many queries do ({@link foldsByPassage}). */
function foldWarnings({
  train,
  test,
}: {
  readonly train: JudgedQueries;
  readonly test: JudgedQueries;
}): string[] {
  const { shared } = sharedWithTrain(test.judgments, train.judgments);
  if (shared.length === 0) return [];
  return [
    `most queries share relevant passages with others, so folds were made of whole queries: ${shared.length} of the ` +
      `${test.queries.length} test queries share a relevant passage with a train query`,
  ];
}

/** Of queries and what is judged of them, in their order. */
export async function hashJudged(queries: readonly Query[], judgments: Judgments): Promise<string> {
  return hashInParts(queries.map(({ id, text }) => [id, text, ...(judgments.get(id) ?? [])]));
}

/** The queries with their relevant passages, as far as the corpus has them. */
export function goldLists(
  { queries, judgments }: Pick<JudgedQueries, 'queries' | 'judgments'>,
  passages: Pick<Passages, 'textOf'>,
): ListRecord[] {
  return queries.map(({ id, text }) => ({
    query_id: id,
    query: text,
    documents: [...(judgments.get(id) ?? [])].flatMap(([document, label]) => {
      const passage = passages.textOf(document);
      return passage === undefined || label <= 0
        ? []
        : [{ id: document, text: passage, label, source: 'gold' }];
    }),
  }));
}

/** SHA-256 of a list of JSON values, of which a part at a time is made text. */
export async function hashInParts(items: readonly unknown[]): Promise<string> {
  const hash = new PartHash();
  for (const item of items) await hash.add(item);
  return hash.finish();
}
