/**
 * Test collections in BEIR's layout, a folder or a zip of one:
 *
 *     corpus.jsonl  queries.jsonl  qrels/test.tsv  qrels/train.tsv …   (or one qrels.jsonl, read as the split "test")
 *
 * A single folder around all files, as in BEIR's own zips, is looked through.
 */

import { InputError } from '../core/errors.ts';
import type { DocumentOptions } from './documents.ts';
import { readDocuments } from './documents.ts';
import { readJudgments } from './judgments.ts';
import { readQueries } from './queries.ts';
import { ReadReport } from './report.ts';
import { printable, quoted } from '../core/shown.ts';
import type { FileTree } from '../core/source.ts';
import { withoutTopFolder } from '../core/source.ts';
import type { Document, Judgments, Query } from './types.ts';

export interface BeirOptions extends Omit<DocumentOptions, 'format' | 'unit' | 'report'> {
  /** Default: `test`. */
  readonly split?: string;
}

export interface BeirDataset {
  readonly name: string;
  readonly split: string;
  /** The judged queries of the split, in the order of queries.jsonl. */
  readonly queries: readonly Query[];
  readonly judgments: Judgments;
  /**
   * Streams the corpus, from its start at each call. At the end, the report has the number of judgments of documents
   * that are missing from the corpus.
   */
  documents(): AsyncGenerator<Document>;
  /** Findings of the reader; reset by each call of `documents`. */
  readonly report: ReadReport;
}

/** @throws InputError naming the file and the remedy if a file is missing or broken, or no query is judged. */
export async function readBeir(folder: FileTree, options: BeirOptions = {}): Promise<BeirDataset> {
  const { split = 'test', ...documentOptions } = options;
  const tree = withoutTopFolder(folder);
  requirePath(tree, 'corpus.jsonl');
  requirePath(tree, 'queries.jsonl');
  const judgmentFile = await tree.open(judgmentPath(tree, split));
  const judgments = await readJudgments(judgmentFile);
  const queryReport = new ReadReport();
  const allQueries = await readQueries(await tree.open('queries.jsonl'), { report: queryReport });
  const queries = allQueries.filter((query) => judgments.has(query.id));
  if (queries.length === 0) throw withoutQueries(judgmentFile.name, judgments, allQueries);

  const startReport = (): ReadReport => {
    const fresh = new ReadReport();
    fresh.judgedUnknownQueries = judgments.size - queries.length;
    fresh.addDuplicateKeysOf(queryReport);
    return fresh;
  };
  let latest = startReport();
  async function* documents(): AsyncGenerator<Document> {
    const report = (latest = startReport());
    const unseen = judgmentsByDocument(judgments);
    const corpus = await tree.open('corpus.jsonl');
    for await (const document of readDocuments(corpus, { ...documentOptions, format: 'jsonl', report })) {
      unseen.delete(document.id);
      yield document;
    }
    for (const count of unseen.values()) report.judgmentsOfUnknownDocuments += count;
  }
  return {
    name: folder.name,
    split,
    queries,
    judgments,
    documents,
    get report() {
      return latest;
    },
  };
}

/** What a collection holds. */
export type BeirCounts = Readonly<{
  passages: number;
  queries: number;
  /** By split that judges a query there is: how many of the queries are judged, and by how many judgments. */
  splits: Readonly<Record<string, Readonly<{ queries: number; judgments: number }>>>;
}>;

/**
 * Reads all of a collection, whichever splits it has, and keeps nothing of it.
 * @throws InputError naming file, line and remedy of what is missing or broken.
 */
export async function checkBeir(folder: FileTree): Promise<BeirCounts> {
  const tree = withoutTopFolder(folder);
  requirePath(tree, 'corpus.jsonl');
  const corpus = await tree.open('corpus.jsonl');
  const ids = new Set<string>();
  for await (const { id } of readDocuments(corpus, { format: 'jsonl' })) ids.add(id);
  const passages = ids.size;
  if (passages === 0) {
    throw new InputError('contains no documents', {
      file: corpus.name,
      remedy: 'Use a corpus.jsonl with one document per line',
    });
  }
  const splits = beirSplits(tree);
  if (splits.length === 0) return { passages, queries: 0, splits: {} };
  requirePath(tree, 'queries.jsonl');
  const queries = await readQueries(await tree.open('queries.jsonl'));
  const usable: Record<string, { queries: number; judgments: number }> = {};
  let unusable: InputError | undefined;
  for (const split of splits) {
    const file = await tree.open(judgmentPath(tree, split));
    const judgments = await readJudgments(file);
    const judged = queries.filter(({ id }) => judgments.has(id));
    const documents = judged.flatMap(({ id }) => [...(judgments.get(id)?.keys() ?? [])]);
    if (judged.length === 0) unusable ??= withoutQueries(file.name, judgments, queries);
    else if (!documents.some((id) => ids.has(id))) {
      const [known = ''] = ids;
      unusable ??= new InputError(`none of its ${documents.length} judged documents is in corpus.jsonl`, {
        file: file.name,
        remedy: `Use files of the same collection: the first document is ${quoted(documents[0] ?? '')} here and ${quoted(known)} there`,
      });
    } else {
      const total = judged.reduce((sum, { id }) => sum + (judgments.get(id)?.size ?? 0), 0);
      usable[split] = { queries: judged.length, judgments: total };
    }
  }
  if (Object.keys(usable).length === 0 && unusable !== undefined) throw unusable;
  return { passages, queries: queries.length, splits: usable };
}

/** The splits that a BEIR folder has judgments for. */
export function beirSplits(folder: FileTree): readonly string[] {
  const { paths } = withoutTopFolder(folder);
  const splits = paths.flatMap((path) => /^qrels\/([^/]+)\.(tsv|jsonl)$/.exec(path)?.[1] ?? []);
  return splits.length === 0 && paths.includes('qrels.jsonl') ? ['test'] : [...new Set(splits)];
}

function judgmentPath(tree: FileTree, split: string): string {
  const paths = [`qrels/${split}.tsv`, `qrels/${split}.jsonl`, ...(split === 'test' ? ['qrels.jsonl'] : [])];
  const path = paths.find((candidate) => tree.paths.includes(candidate));
  if (path !== undefined) return path;
  const splits = beirSplits(tree);
  throw new InputError(`has no judgments for the split ${quoted(split)} (qrels/${printable(split)}.tsv)`, {
    file: tree.name,
    remedy:
      splits.length === 0
        ? 'Use a corpus with judgments in the folder qrels/'
        : `Choose one of its splits: ${splits.map((known) => printable(known)).join(', ')}`,
  });
}

function requirePath(tree: FileTree, path: string): void {
  if (tree.paths.includes(path)) return;
  const inner = tree.paths.find((candidate) => candidate.endsWith('.zip'));
  throw new InputError(`has no ${path}`, {
    file: tree.name,
    remedy:
      inner === undefined
        ? 'Use a folder or zip in BEIR layout: corpus.jsonl, queries.jsonl, qrels/test.tsv'
        : `Use ${printable(inner)} itself; zips inside a zip or folder are not opened`,
  });
}

function withoutQueries(file: string, judgments: Judgments, queries: readonly Query[]): InputError {
  const [judged] = judgments.keys();
  const [known] = queries;
  if (judged === undefined) {
    return new InputError('contains no judgments', { file, remedy: 'Choose a split with judgments' });
  }
  if (known === undefined) {
    return new InputError('the queries.jsonl of the same corpus contains no queries', {
      file,
      remedy: 'Use a complete corpus',
    });
  }
  return new InputError(`none of its ${judgments.size} queries is in queries.jsonl`, {
    file,
    remedy: `Use files of the same collection: the first query is ${quoted(judged)} here and ${quoted(known.id)} there`,
  });
}

/** How many judgments each document has. */
function judgmentsByDocument(judgments: Judgments): Map<string, number> {
  const counts = new Map<string, number>();
  for (const grades of judgments.values()) {
    for (const id of grades.keys()) counts.set(id, (counts.get(id) ?? 0) + 1);
  }
  return counts;
}
