import { readBeir, type BeirDataset } from '../corpus/beir.ts';
import { passageText } from '../corpus/documents.ts';
import type { ByteSource, FileTree } from '../corpus/source.ts';
import type { Judgments, ListRecord, Query } from '../corpus/types.ts';
import { InputError } from '../host/errors.ts';
import { sha256 } from '../host/sha256.ts';
import { foldsByPassage, sharedWithTrain } from '../corpus/split.ts';
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

/** A passage as it is searched and embedded: title and text are one. */
export interface Passage {
  readonly id: string;
  readonly text: string;
}

/** A corpus in memory, with hashes that name what it holds wherever it lies. */
export interface RecipeCorpus {
  readonly name: string;
  readonly tree: FileTree;
  readonly passages: readonly Passage[];
  readonly passagesHash: string;
  textOf(id: string): string | undefined;
  /** Undefined where the recipe trains on files alone. */
  readonly train: JudgedQueries | undefined;
  /** The split of that name, where the recipe names one. */
  readonly dev: JudgedQueries | undefined;
  readonly test: JudgedQueries;
  /** What the readers noticed, one line each. */
  readonly warnings: readonly string[];
}

/** @throws InputError naming the file and the remedy */
export async function readCorpus(corpus: CorpusSettings, files: RecipeFiles): Promise<RecipeCorpus> {
  const tree = await files.openCorpus(corpus);
  const test = await readBeir(tree, { split: corpus.test });
  const passages: Passage[] = [];
  const texts = new Map<string, string>();
  for await (const document of test.documents()) {
    const text = passageText(document, { titles: corpus.titles });
    passages.push({ id: document.id, text });
    texts.set(document.id, text);
  }
  if (passages.length === 0) {
    throw new InputError('its corpus.jsonl holds no documents', {
      file: tree.name,
      remedy: 'Give a whole corpus',
    });
  }
  const split = async (name: string | null): Promise<JudgedQueries | undefined> =>
    name === null ? undefined : judged(await readBeir(tree, { split: name }));
  const dev = corpus.dev !== null && 'split' in corpus.dev ? corpus.dev.split : null;
  const textOf = (id: string): string | undefined => texts.get(id);
  const reported = await judged(test);
  const folded = corpus.fold === undefined ? undefined : await foldOf(reported, { textOf }, corpus.fold);
  return {
    name: corpus.builtIn ?? tree.name,
    tree,
    passages,
    passagesHash: await hashInParts(passages),
    textOf,
    train: folded?.train ?? (await split(corpus.train)),
    dev: await split(dev),
    test: folded?.test ?? reported,
    warnings: [...test.report.warnings(), ...(folded === undefined ? [] : foldWarnings(folded))],
  };
}

async function judged({ queries, judgments }: BeirDataset): Promise<JudgedQueries> {
  return { queries, judgments, hash: await hashJudged(queries, judgments) };
}

/** The queries of one fold, to be tested, and those of all others, to train. @throws InputError for too many folds */
async function foldOf(
  all: JudgedQueries,
  corpus: Pick<RecipeCorpus, 'textOf'>,
  { of, index, seed }: NonNullable<CorpusSettings['fold']>,
): Promise<{ readonly train: JudgedQueries; readonly test: JudgedQueries }> {
  const tested = new Set(
    foldsByPassage(goldLists(all, corpus), of, seed)[index]?.map(({ query_id }) => query_id),
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
  corpus: Pick<RecipeCorpus, 'textOf'>,
): ListRecord[] {
  return queries.map(({ id, text }) => ({
    query_id: id,
    query: text,
    documents: [...(judgments.get(id) ?? [])].flatMap(([document, label]) => {
      const passage = corpus.textOf(document);
      return passage === undefined || label <= 0
        ? []
        : [{ id: document, text: passage, label, source: 'gold' }];
    }),
  }));
}

const itemsAtOnce = 1024;

/** SHA-256 of a list of JSON values, of which a part at a time is made text. */
export async function hashInParts(items: readonly unknown[]): Promise<string> {
  const parts: string[] = [String(items.length)];
  for (let start = 0; start < items.length; start += itemsAtOnce) {
    parts.push(await sha256(JSON.stringify(items.slice(start, start + itemsAtOnce))));
  }
  return sha256(parts.join(' '));
}
