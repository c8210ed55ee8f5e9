import { noLists, readLists } from '../corpus/lists.ts';
import { ReadReport } from '../corpus/report.ts';
import type { ByteSource } from '../core/source.ts';
import { withoutTopFolder } from '../core/source.ts';
import { textKey } from '../corpus/text-key.ts';
import type { ListRecord } from '../corpus/types.ts';
import type { RecipeCorpus, RecipeFiles } from './recipe-corpus.ts';
import type { CorpusSettings } from './schema/corpus.ts';

/** The lists of a file that a recipe names. */
export interface FileLists {
  /** As messages name it. */
  readonly file: string;
  readonly lists: readonly ListRecord[];
  readonly warnings: readonly string[];
}

/** A file of the corpus, or one anywhere. */
export interface Place {
  readonly corpusFile?: string | undefined;
  readonly file?: string | undefined;
}

/** Opens a file of the corpus, or one anywhere. */
export async function openPlace(
  { corpusFile, file }: Place,
  corpus: RecipeCorpus,
  files: RecipeFiles,
): Promise<ByteSource> {
  return file === undefined ? withoutTopFolder(corpus.tree).open(corpusFile ?? '') : files.openFile(file);
}

/** Reads the lists of a file; documents without text are passages of the corpus. @throws InputError naming the file and the remedy */
export async function readFileLists(source: ByteSource, { passages }: RecipeCorpus): Promise<FileLists> {
  const report = new ReadReport();
  const lists: ListRecord[] = [];
  for await (const list of readLists(source, { report, textsOf: (ids) => passages.textsOf(ids) }))
    lists.push(list);
  if (lists.length > 0) {
    return {
      file: source.name,
      lists,
      warnings: report.warnings().map((warning) => `${source.name}: ${warning}`),
    };
  }
  throw noLists(source.name);
}

/** What dev queries come from where it is a file. */
export async function readDevFile(
  { dev }: Pick<CorpusSettings, 'dev'>,
  corpus: RecipeCorpus,
  files: RecipeFiles,
): Promise<FileLists | undefined> {
  if (dev === null || 'share' in dev || 'split' in dev || 'heldOut' in dev) return undefined;
  return readFileLists(await openPlace(dev, corpus, files), corpus);
}

/** Files that were made apart may use the same ids for other queries, which a split into train and dev would take for one. */
export function ambiguousQueries(lists: readonly ListRecord[]): readonly string[] {
  const texts = new Map<string, string>();
  const ambiguous = new Set<string>();
  for (const { query_id, query } of lists) {
    const text = textKey(query);
    if ((texts.get(query_id) ?? text) !== text) ambiguous.add(query_id);
    texts.set(query_id, text);
  }
  const [first] = ambiguous;
  if (first === undefined) return [];
  return [
    `${ambiguous.size} query ids, such as '${first}', are used for different queries; when held out, each id ` +
      'counts as one query',
  ];
}
