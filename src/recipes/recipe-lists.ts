import { noLists, readLists } from '../corpus/lists.ts';
import { ReadReport } from '../corpus/report.ts';
import type { ByteSource } from '../corpus/source.ts';
import { withoutTopFolder } from '../corpus/source.ts';
import type { ListRecord } from '../corpus/types.ts';
import type { RecipeCorpus, RecipeFiles } from './recipe-corpus.ts';

/** The lists of a file that a recipe names. */
export interface FileLists {
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

/** Reads the lists of a file. @throws InputError naming the file and the remedy */
export async function readFileLists(source: ByteSource): Promise<FileLists> {
  const report = new ReadReport();
  const lists: ListRecord[] = [];
  for await (const list of readLists(source, { report })) lists.push(list);
  if (lists.length > 0) {
    return { lists, warnings: report.warnings().map((warning) => `${source.name}: ${warning}`) };
  }
  throw noLists(source.name);
}
