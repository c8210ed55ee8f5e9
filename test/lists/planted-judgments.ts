import { passageText } from '../../src/corpus/documents.ts';
import { readBeir } from '../../src/corpus/beir.ts';
import type { ListDocument, ListRecord } from '../../src/corpus/types.ts';
import { uploadWeights } from '../../src/encoders/device-weights.ts';
import { GraphEmbedder } from '../../src/encoders/graph-embedder.ts';
import { readEncoder } from '../../src/encoders/read-encoder.ts';
import type { Runtime } from '../../src/host/contract.ts';
import { openTree } from '../../src/host/node/files.ts';
import { openModelFiles } from '../../src/host/node/model-files.ts';
import { biEncoderTeacher } from '../../src/lists/bi-encoder-teacher.ts';
import type { Teacher } from '../../src/lists/teacher.ts';
import { indexWithBm25, rankWithBm25 } from '../../src/retrieval/retrieve.ts';

export interface PlantOptions {
  readonly folder: string;
  readonly split: string;
  /** The lowest grade of an answer: the best of a query is its positive, the others are planted. */
  readonly level: number;
  /** BM25's best passages that are no answers, beside those that were judged to be none. */
  readonly negatives: number;
  /** Queries at most. */
  readonly queries?: number;
}

/** What marks an answer that stands among the negatives; rules do not look at it. */
const PLANTED = 'planted';

/**
 * Real lists with answers that are known to us among the negatives: the best judged answer of a query is its
 * positive, and all its other judged answers are labeled 0, wherever BM25 ranks them. Queries with one answer make
 * no list.
 */
export async function plantJudged({
  folder,
  split,
  level,
  negatives,
  queries = Infinity,
}: PlantOptions): Promise<readonly ListRecord[]> {
  const dataset = await readBeir(await openTree(folder), { split });
  const texts = new Map<string, string>();
  for await (const document of dataset.documents()) texts.set(document.id, passageText(document));
  const index = await indexWithBm25(dataset.documents());
  const answersOf = (query: string): (readonly [string, number])[] =>
    [...(dataset.judgments.get(query) ?? [])]
      .filter(([id, grade]) => grade >= level && texts.has(id))
      .sort(([, a], [, b]) => b - a);
  const asked = dataset.queries.filter(({ id }) => answersOf(id).length > 1).slice(0, queries);
  const ranking = rankWithBm25(index, asked, { k: negatives + 50 });
  return asked.map(({ id, text }) => {
    const answers = answersOf(id).map(([document]) => document);
    const judged = [...(dataset.judgments.get(id) ?? [])].map(([document]) => document);
    const found = (ranking.get(id) ?? [])
      .map((ranked) => ranked.id)
      .filter((document) => !judged.includes(document))
      .slice(0, negatives);
    const passage = (document: string, source: string): ListDocument => ({
      id: document,
      text: texts.get(document) ?? '',
      label: source === 'gold' ? 1 : 0,
      source,
    });
    return {
      query_id: id,
      query: text,
      documents: [
        ...answers.map((document, i) => passage(document, i === 0 ? 'gold' : PLANTED)),
        ...judged
          .filter((document) => !answers.includes(document) && texts.has(document))
          .map((document) => passage(document, 'judged')),
        ...found.map((document) => passage(document, 'bm25')),
      ],
    };
  });
}

export const isPlantedAnswer = ({ source }: Pick<ListDocument, 'source'>): boolean => source === PLANTED;

/** Opens an encoder as teacher or guide for as long as a piece of work takes. */
export async function withEncoderTeacher<T>(
  runtime: Runtime,
  model: string,
  use: (teacher: Teacher) => Promise<T>,
): Promise<T> {
  const encoder = await readEncoder(await openModelFiles({ offline: true }).open(model));
  const weights = await uploadWeights(runtime, encoder.weights);
  const embedder = new GraphEmbedder(runtime, encoder, () => weights);
  try {
    return await use(biEncoderTeacher((texts, side) => embedder.embed(texts, side)));
  } finally {
    await embedder.close();
  }
}
