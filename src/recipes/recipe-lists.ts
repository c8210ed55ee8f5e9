import { noLists, readLists } from '../corpus/lists.ts';
import { ReadReport } from '../corpus/report.ts';
import type { ByteSource } from '../corpus/source.ts';
import { withoutTopFolder } from '../corpus/source.ts';
import type { ListRecord } from '../corpus/types.ts';
import type { RecipeCorpus, RecipeFiles } from './recipe-corpus.ts';
import type { Recipe, RecipeSource } from './schema.ts';

/** The lists of a file that a recipe names. */
export interface FileLists {
  readonly lists: readonly ListRecord[];
  readonly warnings: readonly string[];
}

/** Reads the files of all sources that name one. @throws InputError naming the file and the remedy */
export async function readFileLists(
  { sources }: Recipe,
  corpus: RecipeCorpus,
  files: RecipeFiles,
): Promise<ReadonlyMap<string, FileLists>> {
  const found = new Map<string, FileLists>();
  for (const [name, source] of Object.entries(sources)) {
    const place = fileOf(source);
    if (place !== undefined) found.set(name, await readOne(await openPlace(place, corpus, files)));
  }
  return found;
}

type Place = { readonly corpusFile?: string | undefined; readonly file?: string | undefined };

function fileOf(source: RecipeSource): Place | undefined {
  if (source.kind === 'lists') return source;
  return source.kind === 'generated' ? source.recorded : undefined;
}

/** Opens a file of the corpus, or one anywhere. */
export async function openPlace(
  { corpusFile, file }: Place,
  corpus: RecipeCorpus,
  files: RecipeFiles,
): Promise<ByteSource> {
  return file === undefined ? withoutTopFolder(corpus.tree).open(corpusFile ?? '') : files.openFile(file);
}

async function readOne(source: ByteSource): Promise<FileLists> {
  const report = new ReadReport();
  const lists: ListRecord[] = [];
  for await (const list of readLists(source, { report })) lists.push(list);
  if (lists.length > 0) {
    return { lists, warnings: report.warnings().map((warning) => `${source.name}: ${warning}`) };
  }
  throw noLists(source.name);
}
