/** The file of vectors that `embed` writes of lists and corpora: what a teacher leaves for trainings without it. */
import { passageText, readDocuments } from '../corpus/documents.ts';
import { readLists } from '../corpus/lists.ts';
import { readQueries } from '../corpus/queries.ts';
import { ReadReport } from '../corpus/report.ts';
import { InputError } from '../core/errors.ts';
import { withoutTopFolder } from '../core/source.ts';
import { unitRows, writeTextVectors } from '../retrieval/text-vectors.ts';
import type { EmbedTexts } from '../retrieval/retrieve.ts';
import { principalComponents, project } from '../training/distillation/principal-components.ts';
import { textsOfLists } from '../training/teacher-vectors.ts';
import { openFile, openTree } from './input-files.ts';
import type { CliIo } from './io.ts';

export interface VectorTexts {
  readonly queries: readonly string[];
  readonly passages: readonly string[];
}

/** The distinct queries and passages of lists, queries of files, and the passages of a corpus. */
export async function readVectorTexts(
  {
    lists = [],
    queries: queryFiles = [],
    corpus,
    titles,
  }: {
    readonly lists?: readonly string[] | undefined;
    readonly queries?: readonly string[] | undefined;
    readonly corpus?: string | undefined;
    readonly titles: boolean;
  },
  io: CliIo,
): Promise<VectorTexts> {
  const queries = new Set<string>();
  const passages = new Set<string>();
  const report = new ReadReport();
  if (corpus !== undefined) {
    const file = await withoutTopFolder(await openTree(corpus)).open('corpus.jsonl');
    for await (const document of readDocuments(file, { report })) {
      passages.add(passageText(document, { titles }));
    }
  }
  for (const file of queryFiles) {
    for (const { text } of await readQueries(await openFile(file), { report })) queries.add(text);
  }
  for (const file of lists) {
    for await (const list of readLists(await openFile(file), { report })) {
      const texts = textsOfLists([list]);
      for (const query of texts.queries) queries.add(query);
      for (const passage of texts.passages) passages.add(passage);
    }
  }
  for (const warning of report.warnings()) io.warn(warning);
  if (queries.size + passages.size === 0) {
    throw new InputError('contains no texts', {
      file: lists[0] ?? queryFiles[0] ?? corpus,
      remedy: 'Use files with queries or passages',
    });
  }
  return { queries: [...queries], passages: [...passages] };
}

export interface VectorsFileOptions {
  readonly model: string;
  /** Those of the model. */
  readonly dimension: number;
  /** Fewer: the principal components of all vectors. */
  readonly dimensions: number;
  readonly int8: boolean;
}

/** Embeds the texts, and reduces the vectors as asked. @returns the file's bytes */
export async function vectorsFile(
  { queries, passages }: VectorTexts,
  embed: (side: 'query' | 'passage') => EmbedTexts,
  { model, dimension, dimensions, int8 }: VectorsFileOptions,
): Promise<Uint8Array<ArrayBuffer>> {
  const [ofQueries, ofPassages] = [
    unitRows(await embed('query')(queries, 'query'), dimension),
    unitRows(await embed('passage')(passages, 'passage'), dimension),
  ];
  let reduced = (vectors: Float32Array): Float32Array => vectors;
  if (dimensions < dimension) {
    const all = new Float32Array(ofQueries.length + ofPassages.length);
    all.set(ofQueries);
    all.set(ofPassages, ofQueries.length);
    const components = principalComponents(all, dimension, dimensions);
    reduced = (vectors) => project(vectors, components, dimension, dimensions);
  }
  return writeTextVectors({
    queries: { texts: queries, vectors: reduced(ofQueries) },
    passages: { texts: passages, vectors: reduced(ofPassages) },
    dimension: dimensions,
    model,
    type: int8 ? 'I8' : 'F32',
  });
}
