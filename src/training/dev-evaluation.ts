import { isPositive, textId, textKey } from '../corpus/text-key.ts';
import type { ListRecord } from '../corpus/types.ts';
import type { Embedder } from '../encoders/embedder.ts';
import { InputError } from '../core/errors.ts';
import { evaluate } from '../metrics/evaluate.ts';
import { parseMeasures } from '../metrics/measures/registry.ts';
import { Bm25Builder, type Bm25Settings } from '../retrieval/bm25.ts';
import { TrainingDivergedError, type Evaluate } from './trainer.ts';

/** Results of a dev evaluation, under trec_eval's names. */
export const devMeasures = ['ndcg_cut_10', 'recip_rank'] as const;

/** What is to be found by dev queries, and among which passages. */
interface DevSet {
  /** Texts by id. */
  readonly passages: ReadonlyMap<string, string>;
  readonly queries: ReadonlyMap<string, string>;
  readonly judgments: ReadonlyMap<string, ReadonlyMap<string, number>>;
}

/** @throws InputError if no dev list has a positive */
function devSetOf(lists: readonly ListRecord[]): DevSet {
  const passages = new Map<string, string>();
  const queries = new Map<string, string>();
  const judgments = new Map<string, Map<string, number>>();
  for (const list of lists) {
    for (const document of list.documents) {
      const id = textId('', textKey(document.text));
      if (!passages.has(id)) passages.set(id, document.text);
      if (!isPositive(document)) continue;
      queries.set(list.query_id, list.query);
      const grades = judgments.get(list.query_id) ?? new Map<string, number>();
      judgments.set(list.query_id, grades.set(id, document.label ?? 1));
    }
  }
  if (queries.size === 0) {
    throw new InputError('no dev list has a passage labeled positive', {
      remedy: 'Use more lists, or hold out a larger fraction for dev',
    });
  }
  return { passages, queries, judgments };
}

/**
 * nDCG@10 of keyword search among the passages of all dev lists: what an encoder's dev figure may be compared with.
 * @throws InputError if no dev list has a positive
 */
export function keywordDevFigure(lists: readonly ListRecord[], bm25: Bm25Settings): number {
  const { passages, queries, judgments } = devSetOf(lists);
  const builder = new Bm25Builder(bm25);
  for (const [id, text] of passages) builder.add(id, text);
  const index = builder.finish();
  const run = new Map(
    [...queries].map(([id, query]) => {
      const found = index.search(query, passages.size);
      return [id, { documents: found.map(({ id }) => id), scores: found.map(({ score }) => score) }];
    }),
  );
  return evaluate(judgments, run, parseMeasures(devMeasures[0])).metrics[devMeasures[0]] ?? 0;
}

/**
 * Retrieval on held-out lists: each dev query searches the passages of all dev lists together, its own positives
 * (labels above 0) being relevant by their grade. Small enough to run often; the figures say which of two
 * checkpoints is better, not how good a model is on a whole corpus.
 * @throws InputError if no dev list has a positive; the evaluation TrainingDivergedError if a vector is not finite
 */
export function devEvaluation(lists: readonly ListRecord[], similarity: 'cosine' | 'dot'): Evaluate {
  const { passages, queries, judgments } = devSetOf(lists);
  const ids = [...passages.keys()];
  const measures = parseMeasures(devMeasures.join(','));
  return async (embedder: Embedder, step: number) => {
    const width = embedder.dimensions;
    const passageVectors = await embedder.embed([...passages.values()], 'passage');
    const queryVectors = await embedder.embed([...queries.values()], 'query');
    for (const vectors of [passageVectors, queryVectors]) {
      // No order of NaNs means anything, and one by chance may look like the best.
      if (!vectors.every(Number.isFinite)) throw new TrainingDivergedError(step, 'dev vectors');
    }
    if (similarity === 'cosine') {
      for (const vectors of [passageVectors, queryVectors]) normalizeRows(vectors, width);
    }
    const run = new Map(
      [...queries.keys()].map((query, row) => {
        const vector = queryVectors.subarray(row * width, (row + 1) * width);
        return [query, { documents: ids, scores: ids.map((_, i) => dot(vector, passageVectors, i * width)) }];
      }),
    );
    return evaluate(judgments, run, measures).metrics;
  };
}

function dot(query: Float32Array, vectors: Float32Array, start: number): number {
  let sum = 0;
  for (let k = 0; k < query.length; k++) sum += (query[k] as number) * (vectors[start + k] as number);
  return sum;
}

function normalizeRows(vectors: Float32Array, width: number): void {
  for (let start = 0; start < vectors.length; start += width) {
    const row = vectors.subarray(start, start + width);
    const length = Math.sqrt(dot(row, row, 0)) || 1;
    for (let k = 0; k < width; k++) row[k] = (row[k] as number) / length;
  }
}
