import type { TitleOptions } from '../corpus/documents.ts';
import { passageText } from '../corpus/documents.ts';
import type { Document, Query } from '../corpus/types.ts';
import type { Bm25Settings } from './bm25.ts';
import { Bm25Builder, type Bm25Index } from './bm25.ts';
import type { RankedDocument, Ranking } from './ranking.ts';
import type { VectorIndex } from './vectors.ts';

/** Turns texts into vectors, [texts, dimensions], as an encoder does for that side. */
export type EmbedTexts = (
  texts: readonly string[],
  side: 'query' | 'passage',
) => Promise<Float32Array<ArrayBuffer>>;

export interface RankOptions {
  /** Documents for each query, at most. */
  readonly k: number;
  /** Leaves out the document whose id is the query's, as BEIR does for ArguAna and Quora. */
  readonly dropIdentical?: boolean;
  readonly onProgress?: (done: number, total: number) => void;
}

/** Embedded together; bounds the texts in memory. */
const PASSAGES_AT_ONCE = 4096;
const QUERIES_AT_ONCE = 256;

/** Builds a BM25 index over the titles and texts of a corpus, as it is read. */
export async function indexWithBm25(
  documents: AsyncIterable<Document>,
  settings: Partial<Bm25Settings> & TitleOptions = {},
): Promise<Bm25Index> {
  const { titles = true, ...bm25 } = settings;
  const builder = new Bm25Builder(bm25);
  for await (const document of documents) builder.add(document.id, passageText(document, { titles }));
  return builder.finish();
}

/** The best documents for each query by BM25. */
export function rankWithBm25(index: Bm25Index, queries: readonly Query[], options: RankOptions): Ranking {
  const ranking = new Map<string, readonly RankedDocument[]>();
  for (const { id, text } of queries) {
    ranking.set(id, selectDocuments(id, index.search(text, depth(options)), options));
    options.onProgress?.(ranking.size, queries.length);
  }
  return ranking;
}

export interface CorpusVectors {
  readonly ids: readonly string[];
  /** [ids.length, dimensions] */
  readonly vectors: Float32Array<ArrayBuffer>;
}

/** Embeds a corpus as it is read. Memory: the vectors, twice at the end, and 4,096 texts. */
export async function embedCorpus(
  documents: AsyncIterable<Document>,
  embedTexts: EmbedTexts,
  titleOptions: TitleOptions = {},
): Promise<CorpusVectors> {
  const ids: string[] = [];
  const parts: Float32Array[] = [];
  let texts: string[] = [];
  const embedPart = async (): Promise<void> => {
    if (texts.length > 0) parts.push(await embedTexts(texts, 'passage'));
    texts = [];
  };
  for await (const document of documents) {
    ids.push(document.id);
    texts.push(passageText(document, titleOptions));
    if (texts.length === PASSAGES_AT_ONCE) await embedPart();
  }
  await embedPart();
  const vectors = new Float32Array(parts.reduce((length, part) => length + part.length, 0));
  let offset = 0;
  for (const part of parts) {
    vectors.set(part, offset);
    offset += part.length;
  }
  return { ids, vectors };
}

/** The best documents for each query by the dot product of their vectors. */
export async function rankWithVectors(
  index: VectorIndex,
  queries: readonly Query[],
  embedTexts: EmbedTexts,
  options: RankOptions,
): Promise<Ranking> {
  const ranking = new Map<string, readonly RankedDocument[]>();
  for (let first = 0; first < queries.length; first += QUERIES_AT_ONCE) {
    const batch = queries.slice(first, first + QUERIES_AT_ONCE);
    const vectors = await embedTexts(
      batch.map(({ text }) => text),
      'query',
    );
    const found = await index.search(vectors, depth(options));
    for (const [i, { id }] of batch.entries()) ranking.set(id, selectDocuments(id, found[i] ?? [], options));
    options.onProgress?.(ranking.size, queries.length);
  }
  return ranking;
}

/** One more where one may have to be left out. */
function depth({ k, dropIdentical = false }: RankOptions): number {
  return dropIdentical ? k + 1 : k;
}

function selectDocuments(
  query: string,
  documents: readonly RankedDocument[],
  { k, dropIdentical = false }: RankOptions,
): readonly RankedDocument[] {
  if (!dropIdentical) return documents;
  return documents
    .filter(({ id }) => id !== query)
    .slice(0, k)
    .map((document, i) => ({ ...document, rank: i + 1 }));
}
