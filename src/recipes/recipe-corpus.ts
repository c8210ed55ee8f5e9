import { readBeir, type BeirDataset } from '../corpus/beir.ts';
import { withoutTopFolder, type ByteSource, type FileTree } from '../corpus/source.ts';
import type { Judgments, ListRecord, Query } from '../corpus/types.ts';
import { InputError } from '../host/errors.ts';
import { foldsByPassage, sharedWithTrain } from '../corpus/split.ts';
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
  readonly test: JudgedQueries;
  /** What the readers noticed, one line each. */
  readonly warnings: readonly string[];
}

/** Bytes of a corpus.jsonl that is read into memory whole. A larger one is read anew for each search. */
const mostBytesInMemory = 2 ** 28;

export interface ReadCorpusOptions {
  /** Default: 256 MiB. */
  readonly mostBytesInMemory?: number | undefined;
  /** Hears of each passage once, as it is read for the first time. */
  readonly onPassage?: ((passage: Passage) => void) | undefined;
}

/** @throws InputError naming the file and the remedy */
export async function readCorpus(
  corpus: CorpusSettings,
  files: RecipeFiles,
  options: ReadCorpusOptions = {},
): Promise<RecipeCorpus> {
  const tree = await files.openCorpus(corpus);
  const { test, train, dev } = corpus;
  const reported = await readBeir(tree, { split: test });
  const split = async (name: string | null): Promise<BeirDataset | undefined> =>
    name === null ? undefined : readBeir(tree, { split: name });
  const trained = corpus.fold === undefined ? await split(train) : undefined;
  const chosen = await split(dev !== null && 'split' in dev ? dev.split : null);
  const { size } = await withoutTopFolder(tree).open('corpus.jsonl');
  const passages = await readPassages(() => reported.documents(), {
    titles: corpus.titles,
    inMemory: size <= (options.mostBytesInMemory ?? mostBytesInMemory),
    held: judgedPassages([reported, trained, chosen]),
    onPassage: options.onPassage,
  });
  if (passages.size === 0) {
    throw new InputError('its corpus.jsonl holds no documents', {
      file: tree.name,
      remedy: 'Give a whole corpus',
    });
  }
  const tested = await judged(reported);
  const folded = corpus.fold === undefined ? undefined : await foldOf(tested, passages, corpus.fold);
  return {
    name: corpus.builtIn ?? tree.name,
    tree,
    passages,
    train: folded?.train ?? (trained && (await judged(trained))),
    dev: chosen && (await judged(chosen)),
    test: folded?.test ?? tested,
    warnings: [...reported.report.warnings(), ...(folded === undefined ? [] : foldWarnings(folded))],
  };
}

function judgedPassages(splits: readonly (BeirDataset | undefined)[]): ReadonlySet<string> {
  const ids = new Set<string>();
  for (const split of splits) {
    for (const grades of split?.judgments.values() ?? []) for (const id of grades.keys()) ids.add(id);
  }
  return ids;
}

async function judged({ queries, judgments }: BeirDataset): Promise<JudgedQueries> {
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
    `most queries share relevant passages with others, so whole queries were dealt into folds: ${shared.length} of the ` +
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
