import { isPositive, textId, textKey } from '../corpus/text-key.ts';
import type { ListRecord } from '../corpus/types.ts';
import type { Embedder } from '../encoders/embedder.ts';
import { InputError } from '../core/errors.ts';
import { evaluate } from '../metrics/evaluate.ts';
import { parseMeasures } from '../metrics/measures/registry.ts';
import { TrainingDivergedError, type Evaluate } from './trainer.ts';

/** Results of a dev evaluation, under trec_eval's names. */
export const devMeasures = ['ndcg_cut_10', 'recip_rank'] as const;

/**
 * Retrieval on held-out lists: each dev query searches the passages of all dev lists together, its own positives
 * (labels above 0) being relevant by their grade. Small enough to run often; the figures say which of two
 * checkpoints is better, not how good a model is on a whole corpus.
 * @throws InputError if no dev list has a positive; the evaluation TrainingDivergedError if a vector is not finite
 */
export function devEvaluation(lists: readonly ListRecord[], similarity: 'cosine' | 'dot'): Evaluate {
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
