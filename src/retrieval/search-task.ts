import { SCORE_COLUMNS, visitScores } from './dot-kernel.ts';
import type { SearchRequest, SearchResponse } from './search-protocol.ts';
import { TopK } from './top-k.ts';

/** The request handler of a search worker. */
export function runSearchTask(request: SearchRequest): { response: SearchResponse; transfer: ArrayBuffer[] } {
  const { vectors, queries, dimensions, firstRow, k } = request;
  const rows = vectors.length / dimensions;
  const best = Array.from({ length: queries.length / dimensions }, () => new TopK(Math.min(k, rows)));
  visitScores(vectors, queries, dimensions, ({ firstDocument, documents, firstQuery, queries, scores }) => {
    for (let query = 0; query < queries; query++) {
      const kept = best[firstQuery + query] as TopK;
      let threshold = kept.threshold;
      for (let document = 0; document < documents; document++) {
        const score = scores[document * SCORE_COLUMNS + query] as number;
        if (score < threshold) continue;
        kept.offer(firstRow + firstDocument + document, score);
        threshold = kept.threshold;
      }
    }
  });
  const results = best.map((kept) => kept.take());
  const transfer = results.flatMap(({ items, scores }) => [items.buffer, scores.buffer]);
  const own = vectors.buffer instanceof ArrayBuffer ? (vectors as Float32Array<ArrayBuffer>) : undefined;
  if (own !== undefined) transfer.push(own.buffer);
  return { response: { results, vectors: own }, transfer };
}
